"""Pseudo-label -> translation: the model writes a kept solution of one method as one of another.

1. In: pseudo-labels of the edge's source, their problems, a checkpoint in the engine.
2. The prompt holds the problem and the source's solution, and ends in the target's cue. The paper says no more of this step
   than that it is done (arXiv 2307.10633, section 3); here every attempt is a row, kept or not. Controls (`Crossing`) make as
   many attempts and are shown something else, or nothing.
3. Out: samples of the target method, each with the id of its source. Grading and verification come after.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from mmst.ledger.spooled import Mapped
from mmst.methods.edge import Crossing, Edge, attempt_title, differences
from mmst.methods.method import Method
from mmst.methods.prompt import PromptWriter, Rendering
from mmst.methods.reasoning import split_reasoning
from mmst.samplers.draw import Draw, DrawnSpec, as_sample, seed_of
from mmst.samplers.sampler import Sampler, SamplingParams, Watch, nobody
from mmst.types import GradedSample, Problem, Prompt, Sample

VERSION = 6
HINT = "{question} (Hint: the answer is {answer}.)"
NO_ANSWER = "no answer ({reason})"
"""What a try is said to give that gives none."""


@dataclass(frozen=True, slots=True)
class TranslateSpec(DrawnSpec):
    """What determines the translations."""

    version: int = VERSION


@dataclass(frozen=True, slots=True)
class Attempt:
    """A pseudo-label that another method is to solve as well, and what it is told for that."""

    label: GradedSample
    shown: GradedSample | None = None
    """Whose solution it is shown; None: no one's."""
    hint: str | None = None
    """The answer that it is told."""
    crossing: Crossing = Crossing.TRANSLATE
    trace: str | None = None
    """For `TRACE`: the solution that it is shown, with the values that it computed."""
    failed: GradedSample | None = None
    """A try of the same before, that it is shown as well."""
    number: int = 1
    """Which try it is, where a label is tried anew for what became of the last."""
    taught: bool = False
    """Whether the run's translator makes it, and not the model that is trained."""

    def title(self, edge: Edge) -> str:
        """See `mmst.methods.edge.attempt_title`."""
        return attempt_title(edge, self.crossing, self.number, self.taught)

    @property
    def suffix(self) -> str:
        """How it differs from a translation at the first try, within ids."""
        again = f"try{self.number}" if self.number > 1 else ""
        return "".join(f".{part}" for part in differences(self.crossing, again, self.taught))


def attempts(
    labels: Sequence[GradedSample], crossing: Crossing = Crossing.TRANSLATE, seed: int = 0, taught: bool = False
) -> Sequence[Attempt]:
    """What each pseudo-label's target is told. Shuffled ones are shown another problem's solution, where there is another."""
    match crossing:
        case Crossing.TRANSLATE | Crossing.TRACE:
            return Mapped(labels, lambda label: Attempt(label, label, crossing=crossing, taught=taught))
        case Crossing.RESOLVE:
            return Mapped(labels, lambda label: Attempt(label, crossing=crossing, taught=taught))
        case Crossing.HINT:
            return Mapped(labels, lambda label: Attempt(label, hint=label.answer, crossing=crossing, taught=taught))
        case Crossing.SHUFFLED:
            labels = list(labels)
            others = zip(labels, _of_others(labels, seed), strict=True)
            return [Attempt(label, other, crossing=crossing, taught=taught) for label, other in others]


def _of_others(labels: Sequence[GradedSample], seed: int) -> list[GradedSample | None]:
    """For each label one of another problem, each used once: problems at random in a ring, and each takes what comes after."""
    problems = list(dict.fromkeys(label.sample.problem_id for label in labels))
    random.Random(f"{seed}/shuffled").shuffle(problems)
    place = {problem: n for n, problem in enumerate(problems)}
    ring = sorted(range(len(labels)), key=lambda n: (place[labels[n].sample.problem_id], n))
    most = max(Counter(label.sample.problem_id for label in labels).values(), default=0)
    shown: list[GradedSample | None] = [None] * len(labels)
    for position, n in enumerate(ring):
        other = labels[ring[(position + most) % len(ring)]]
        shown[n] = other if other.sample.problem_id != labels[n].sample.problem_id else None
    return shown


def translate(
    tries: Sequence[Attempt],
    problems: Mapping[str, Problem],
    source: Method,
    target: Method,
    writer: PromptWriter,
    sampler: Sampler,
    params: SamplingParams,
    draw: Draw,
    watch: Watch = nobody,
) -> list[Sample]:
    """Make each attempt `draw.count` times."""
    prompts = list(translation_prompts(tries, problems, source, target, writer, draw))
    completions = sampler.complete(prompts, params, watch)
    return [
        as_sample(
            f"{prompt.id}/{index}", label.problem_id, target.name, index, prompt.seeds[index], completion, params,
            sampler.engine, source_id=label.id,
        )
        for label, prompt, group in zip((attempt.label.sample for attempt in tries), prompts, completions, strict=True)
        for index, completion in enumerate(group)
    ]  # fmt: skip


def translation_prompts(
    tries: Sequence[Attempt],
    problems: Mapping[str, Problem],
    source: Method,
    target: Method,
    writer: PromptWriter,
    draw: Draw,
) -> Iterator[Prompt]:
    """What the engine is asked, by attempt."""
    for attempt in tries:
        label = attempt.label.sample
        said = _asked(attempt, problems[label.problem_id], source, target, writer)
        seeds = tuple(seed_of(draw, label.id, index) for index in range(draw.count))
        yield said.prompt(f"{label.id}>{target.name}{attempt.suffix}", seeds)


def hinted(problem: Problem, answer: str) -> Problem:
    """The problem with the answer told (STaR, arXiv 2203.14465, section 3.2)."""
    return replace(problem, question=HINT.format(question=problem.question.strip(), answer=answer))


def _asked(attempt: Attempt, problem: Problem, source: Method, target: Method, writer: PromptWriter) -> Rendering:
    if attempt.hint is not None:
        problem = hinted(problem, attempt.hint)
    if attempt.shown is None:
        return writer.solution(problem, target.format)
    solution = attempt.trace or shown_solution(attempt.shown, source)
    failed = attempt.failed
    given = None if failed is None else failed.answer or NO_ANSWER.format(reason=failed.reason)
    before = None if failed is None or given is None else (shown_solution(failed, target), given)
    return writer.translation(problem, solution, source.format, target.format, before)


def shown_solution(row: GradedSample, method: Method) -> str:
    """A row's solution as a prompt shows it: without the reasoning before it."""
    return method.clean(split_reasoning(row.sample.completion)[1])
