"""What a policy sees of a problem, what it has learned from before, and what it says.

A policy chooses among the answers that a model has given to one problem by several methods. It never sees a gold answer: the
verdict of an attempt is carried along, and says what the choice was worth once it is made.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mmst.answers.equality import canonical_answer
from mmst.types import Example, GradedSample, Problem, Verdict


@dataclass(frozen=True, slots=True)
class Attempt:
    """One completion of a problem by one method."""

    method: str
    answer: str | None
    """Its canonical text: equal answers are equal texts. None where the completion holds none."""
    verdict: Verdict
    logprob: float | None
    """Mean natural log-probability of its tokens; None where the engine gives none."""
    tokens: int
    """Of the completion."""
    prompt_tokens: int = 0
    state: Any = field(default=None, compare=False)
    """What the model holds of the solution, 2H numbers; None where no policy needs it, or the engine does not give it."""


@dataclass(frozen=True, slots=True)
class Pick:
    """What a model said when it was shown the solutions of a problem, and asked which is right."""

    method: str | None
    """Whose solution it named; None where it named none."""
    tokens: int
    """Of its reply."""
    prompt_tokens: int = 0
    lost: bool = False
    """Whether the engine failed."""


@dataclass(frozen=True, slots=True)
class Case:
    """One problem with all that its methods have answered."""

    id: str
    question: str
    greedy: Mapping[str, Attempt]
    """Method -> the answer of the likeliest tokens."""
    samples: Mapping[str, Sequence[Attempt]] = field(default_factory=dict)
    """Method -> sampled answers, in the order they were drawn."""
    translated: Mapping[str, Attempt] = field(default_factory=dict)
    """Edge, such as `text -> code` -> the greedy answer, translated along it."""
    picks: Mapping[str, Sequence[Pick]] = field(default_factory=dict)
    """Policy -> what the model picked for it, one for each order that it was shown the solutions in."""
    hidden: Any = field(default=None, compare=False)
    """The model's hidden state of the question, H numbers; None where no policy needs it, or the engine does not give it."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What a policy answers to one problem."""

    id: str
    method: str | None
    """Whose answer it is; None where there was nothing to choose from."""
    answer: str | None
    verdict: Verdict
    tokens: int
    """Completion tokens of every attempt that the policy had to look at."""
    confidence: float | None
    """From 0 to 1: the policy's own estimate that the answer is right; None where it makes none."""
    prompt_tokens: int = 0
    """Of every attempt that the policy had to look at."""

    @classmethod
    def of(cls, case: Case, chosen: Attempt, looked_at: Iterable[Attempt], confidence: float | None) -> Choice:
        """The choice of one attempt, after some were looked at.

        It is unjudged where one of those is: had the judging not failed, another might have been chosen.
        """
        seen = list(looked_at)
        lost = any(attempt.verdict is Verdict.UNJUDGED for attempt in seen)
        verdict = Verdict.UNJUDGED if lost else chosen.verdict
        wrote, read = (sum(getattr(attempt, name) for attempt in seen) for name in ("tokens", "prompt_tokens"))
        return cls(case.id, chosen.method, chosen.answer, verdict, wrote, confidence, read)


@dataclass(frozen=True, slots=True)
class Solutions:
    """Judged solutions of training problems, each completion of a problem once."""

    examples: Sequence[Example]
    """The prompt and what was sampled after it."""
    right: Sequence[bool]
    counts: Sequence[int]
    """How often each was sampled."""
    logprobs: Sequence[float | None]
    """As in `Attempt`, of the model that sampled."""
    states: Any = field(default=None, compare=False)
    """What the model that is to be chosen for holds of each, S x 2H; None as in `Attempt`."""


@dataclass(frozen=True, slots=True)
class Experience:
    """How often each method was right on each of some problems: training problems, never those that a policy is measured on."""

    model: str
    """The key of the checkpoint that answered."""
    questions: Sequence[str]
    right: Mapping[str, Sequence[int]]
    """Method -> right answers to each question."""
    judged: Mapping[str, Sequence[int]]
    """Method -> judged answers to each question."""
    hidden: Any = field(default=None, compare=False)
    """The answering model's hidden states of the questions, P x H; None as in `Case`."""
    solutions: Solutions | None = None
    """What was answered; None where no policy needs it."""

    def rate(self, method: str) -> float | None:
        """The share of a method's judged answers that is right; None where none was judged."""
        judged = sum(self.judged[method])
        return sum(self.right[method]) / judged if judged else None


def cases(
    problems: Mapping[str, Problem],
    greedy: Mapping[str, Iterable[GradedSample]],
    sampled: Mapping[str, Iterable[GradedSample]] | None = None,
    translated: Mapping[str, Iterable[GradedSample]] | None = None,
) -> list[Case]:
    """Graded rows by method (and by edge), as cases; problems that lack a greedy answer of some method are left out."""
    first = {method: {row.sample.problem_id: row for row in rows} for method, rows in greedy.items()}
    shared = [id for id in problems if first and all(id in rows for rows in first.values())]
    further = {method: _grouped(rows, problems) for method, rows in (sampled or {}).items()}
    checks = {edge: _grouped(rows, problems) for edge, rows in (translated or {}).items()}
    return [
        Case(
            id,
            problems[id].statement,
            {method: _attempt(rows[id], problems[id]) for method, rows in first.items()},
            {method: rows.get(id, []) for method, rows in further.items()},
            {edge: rows[id][0] for edge, rows in checks.items() if id in rows},
        )
        for id in shared
    ]


def experience(model: str, problems: Mapping[str, Problem], rows: Mapping[str, Iterable[GradedSample]]) -> Experience:
    """What samples of problems tell, by method; each method's rows are gone through once."""
    order = {id: place for place, id in enumerate(problems)}
    right = {method: [0] * len(order) for method in rows}
    judged = {method: [0] * len(order) for method in rows}
    for method, answers in rows.items():
        for row in answers:
            place = order[row.sample.problem_id]
            judged[method][place] += row.verdict is not Verdict.UNJUDGED
            right[method][place] += row.verdict is Verdict.RIGHT
    return Experience(model, [problem.statement for problem in problems.values()], right, judged)


def methods_of(found: Sequence[Case]) -> list[str]:
    """The methods that answered greedily."""
    return list(found[0].greedy) if found else []


def disputed(case: Case) -> bool:
    """Whether the greedy answers of a problem differ; one that holds none differs from none."""
    return len({attempt.answer for attempt in case.greedy.values() if attempt.answer is not None}) > 1


def attempts(case: Case, shares: Mapping[str, int]) -> Iterator[Attempt]:
    """The first sampled answers, so many of each method."""
    for method, count in shares.items():
        yield from case.samples.get(method, ())[:count]


def _grouped(rows: Iterable[GradedSample], problems: Mapping[str, Problem]) -> dict[str, list[Attempt]]:
    found: dict[str, list[Attempt]] = {}
    for row in rows:
        found.setdefault(row.sample.problem_id, []).append(_attempt(row, problems[row.sample.problem_id]))
    return found


def _attempt(row: GradedSample, problem: Problem) -> Attempt:
    answer = None if row.answer is None else canonical_answer(row.answer, problem.kind, problem.choices)
    sample = row.sample
    return Attempt(sample.method, answer, row.verdict, sample.mean_logprob, sample.completion_tokens, sample.prompt_tokens)
