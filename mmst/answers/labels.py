"""Which answer a problem's samples are held against: the gold one, or one that the model's own samples agree on.

  majority    the answer that most samples of one method give (self-consistency; LMSI, arXiv 2210.11610)
  agreement   the answer that most samples of at least two methods give: methods err differently (arXiv 2307.10633, section 5)

Beside it, what tells whether such labels can be trusted: how many problems have one, how many of these are right where gold is
known, and how diverse the samples still are.
"""

from __future__ import annotations

import math
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from mmst.answers.equality import canonical_answer, gold_of
from mmst.types import FinishReason, GradedSample, Problem, Verdict

METHODS_THAT_AGREE = 2


class LabelRule(StrEnum):
    """What decides that an answer is right."""

    GOLD = "gold"
    MAJORITY = "majority"
    AGREEMENT = "agreement"


@dataclass(frozen=True, slots=True)
class LabelCounts:
    """How good the labels of one method are."""

    problems: int
    labelled: int
    known: int
    """Labelled problems whose gold answer is known."""
    right: int
    """Known ones whose label is the gold answer."""


@dataclass(frozen=True, slots=True)
class Health:
    """What a collapse of the model shows in first: its samples of one problem become all the same."""

    samples: int
    entropy: float
    """Bits of the answers of one problem, on average over problems."""
    distinct: float
    """Share of samples whose text no other sample of the problem has, counting each text once."""
    agreement: float
    """Share of samples that give their problem's commonest answer."""
    right: float | None
    """Share of samples with the gold answer, of those that were judged; None where none was, since no gold is known."""


@dataclass(frozen=True, slots=True)
class Spread:
    """How one method's answers to different problems differ: a model that has collapsed says the same of all of them."""

    distinct: float
    """The share of different answers."""
    entropy: float
    """Bits of the answers."""


Answers = dict[str, Counter[str]]
"""Problem id -> how often each answer was given."""


def answer_counts(rows: Iterable[GradedSample], problems: Mapping[str, Problem]) -> Answers:
    """The answers of one method's samples. One that was cut at the token limit does not vote."""
    counts: Answers = defaultdict(Counter)
    for row in rows:
        problem = problems[row.sample.problem_id]
        if row.answer is not None and row.sample.finish is FinishReason.STOP:
            answer = canonical_answer(row.answer, problem.kind, problem.choices)
            if answer is not None:
                counts[problem.id][answer] += 1
    return counts


def labels(
    rule: LabelRule,
    method: str,
    counts: Mapping[str, Answers],
    problems: Mapping[str, Problem],
    samples: int,
    least_share: float,
) -> dict[str, str]:
    """Problem id -> the answer that `method`'s samples are held against.

    `samples`: of each problem by each method; `least_share`: of them that must give the answer.
    """
    if rule is LabelRule.GOLD:
        golds = {id: gold_of(problem) for id, problem in problems.items()}
        return {id: gold for id, gold in golds.items() if gold is not None}
    tops = {name: _tops(answers, samples, least_share) for name, answers in counts.items()}
    if rule is LabelRule.MAJORITY:
        return tops[method]
    voted = {id: Counter(top[id] for top in tops.values() if id in top) for id in problems}
    return {id: votes.most_common(1)[0][0] for id, votes in voted.items() if _agree(votes)}


def label_counts(chosen: Mapping[str, str], problems: Mapping[str, Problem]) -> LabelCounts:
    """Coverage and precision of labels against gold."""
    golds = {id: gold_of(problems[id]) for id in chosen}
    known = {id: gold for id, gold in golds.items() if gold is not None}
    return LabelCounts(len(problems), len(chosen), len(known), sum(chosen[id] == gold for id, gold in known.items()))


def health(rows: Iterable[GradedSample]) -> Health:
    """The diversity of one method's samples beside their accuracy. rows: those of one problem together."""
    tally = HealthTally()
    for row in rows:
        tally.add(row)
    return tally.found


class HealthTally:
    """Health, counted row by row: the samples of one problem come together, and no others are held.

    Raises:
        ValueError: a problem's samples come in two places.
    """

    def __init__(self) -> None:
        self._problem: str | None = None
        self._past: set[str] = set()
        self._answers: Counter[str] = Counter()
        self._texts: set[str] = set()
        self._total = self._right = self._judged = self._distinct = self._commonest = 0
        self._entropies = array("d")

    def add(self, row: GradedSample) -> None:
        """One more."""
        if row.sample.problem_id != self._problem:
            self._end_problem()
            self._problem = row.sample.problem_id
            if self._problem in self._past:
                raise ValueError(f"the samples of {self._problem} come in two places; their diversity is not known")
        self._answers[row.answer or ""] += 1
        self._texts.add(" ".join(row.sample.completion.split()))
        self._total += 1
        self._right += row.verdict is Verdict.RIGHT
        self._judged += row.verdict is not Verdict.UNJUDGED

    def _end_problem(self) -> None:
        if self._problem is not None:
            self._past.add(self._problem)
            self._entropies.append(_entropy(self._answers))
            self._commonest += self._answers.most_common(1)[0][1]
            self._distinct += len(self._texts)
        self._problem = None
        self._answers.clear()
        self._texts.clear()

    @property
    def found(self) -> Health:
        """Of the rows so far, none of whose problems may come again."""
        self._end_problem()
        if not self._total:
            return Health(0, 0.0, 0.0, 0.0, None)
        right = self._right / self._judged if self._judged else None
        entropy, distinct = sum(self._entropies) / len(self._entropies), self._distinct / self._total
        return Health(self._total, entropy, distinct, self._commonest / self._total, right)


def spread(rows: Iterable[GradedSample]) -> Spread:
    """How the answers to different problems differ; none counts as one more answer."""
    counts = Counter(row.answer or "" for row in rows)
    return Spread(len(counts) / max(1, counts.total()), _entropy(counts) if counts else 0.0)


def _tops(answers: Answers, samples: int, least_share: float) -> dict[str, str]:
    """The commonest answer of each problem, where it is the only commonest and common enough."""
    tops = {}
    for id, counts in answers.items():
        ranked = counts.most_common(2)
        if ranked[0][1] >= least_share * samples and (len(ranked) == 1 or ranked[0][1] > ranked[1][1]):
            tops[id] = ranked[0][0]
    return tops


def _agree(votes: Counter[str]) -> bool:
    ranked = votes.most_common(2)
    return bool(ranked) and ranked[0][1] >= METHODS_THAT_AGREE and (len(ranked) == 1 or ranked[0][1] > ranked[1][1])


def _entropy(counts: Counter[str]) -> float:
    total = counts.total()
    return -sum(n / total * math.log2(n / total) for n in counts.values())
