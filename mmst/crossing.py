"""Pseudo-labels -> translations: how an edge is crossed in one round, in one or several stages that ask the target.

Which labels are sent, how often each is tried, what a try is shown, and which translations stay are the recipe's
(`mmst.methods.edge`). The paper says of this step only that it is done (arXiv 2307.10633, section 3).
"""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import compress

from mmst.answers.labels import LabelRule
from mmst.filters.filter import Filter
from mmst.ledger.hashes import Lookup
from mmst.ledger.spooled import Spooled
from mmst.methods.code import CodeMethod
from mmst.methods.edge import Choice, Crossing, Edge, Recipe, Send, Tries
from mmst.methods.method import Method
from mmst.methods.tracing import traced
from mmst.pipeline import Checkpoint, Pipeline, ProblemSet
from mmst.samplers.sampler import SamplingParams
from mmst.stages.select import answers_of, choose, same_answer, select_translations
from mmst.stages.sets import Rows
from mmst.stages.translate import Attempt, attempts, shown_solution
from mmst.types import Dropped, GradedSample, Problem, Verdict

MOST_TIMES = 4
"""How many times `per_label` a pseudo-label is tried at most where harder problems are tried more often."""


class Weights(StrEnum):
    """How much a problem's examples count in the loss."""

    EQUAL = "equal"
    RARITY = "rarity"
    """The more, the fewer of its samples are right."""


@dataclass(frozen=True, slots=True)
class SelectionOptions:
    """How pseudo-labels are drawn, translated and kept."""

    samples_per_problem: int
    sampling: SamplingParams
    translations_per_label: int
    labels_per_problem: int
    """The most pseudo-labels of one problem that are translated on one edge."""
    translation: SamplingParams
    keep: Filter
    until: int | None = None
    """How many right samples of a problem and method end its draws; None: `samples_per_problem` are drawn of each."""
    at_most: int = 8
    """The most samples of a problem and method, where draws end with right ones."""
    weights: Weights = Weights.EQUAL

    @property
    def most_samples(self) -> int:
        """The most samples of a problem and method."""
        return self.samples_per_problem if self.until is None else self.at_most

    @property
    def asks_all_methods(self) -> bool:
        """Whether it matters what the methods outside a recipe answer."""
        return self.keep.labels is LabelRule.AGREEMENT or self.keep.disagreement is not None


@dataclass(frozen=True, slots=True)
class Round:
    """What the data stages of one round of an arm work with."""

    pipeline: Pipeline
    checkpoint: Checkpoint
    problems: ProblemSet
    options: SelectionOptions
    number: int

    def sampled(self, method: str, count: int, first: int = 0, asked: Sequence[Problem] | None = None) -> Rows:
        """See `Pipeline.graded`."""
        sampling = self.options.sampling
        return self.pipeline.graded(self.checkpoint, method, self.problems, sampling, self.number, count, first, asked)

    def translated(self, edge: Edge, tries: Sequence[Attempt], count: int) -> Rows:
        """See `Pipeline.translated`."""
        options = self.options
        return self.pipeline.translated(self.checkpoint, edge, tries, self.problems, options.translation, count, self.number)


def crossed(round: Round, edge: Edge, recipe: Recipe, labels: Sequence[GradedSample], own: Rows) -> Rows:
    """All attempts at writing pseudo-labels as the edge's target. own: the target's samples, for what is sent by them."""
    count = round.options.translations_per_label
    rates = {} if recipe.send is Send.ALL else success_rates(own)
    if recipe.send is Send.UNSOLVED:
        labels = spooled(round, (label for label in labels if not rates.get(label.sample.problem_id)))
    if recipe.send is not Send.HARDER:
        return _tried(round, edge, recipe, labels, count)
    rows = spooled(round)
    times = by_difficulty(labels, rates, count)
    for often in sorted(set(times) - {0}):
        group = spooled(round, compress(labels, (own == often for own in times)))
        rows.extend(_tried(round, edge, recipe, group, often))
    return rows


def spooled(round: Round, rows: Iterable[GradedSample] = ()) -> Spooled[GradedSample]:
    """Rows of a round that are gone through later on."""
    return Spooled(GradedSample, round.pipeline.ledger.root, rows)


def _tried(round: Round, edge: Edge, recipe: Recipe, labels: Sequence[GradedSample], count: int) -> Rows:
    """Each label, `count` times at most."""
    waiting = _attempts(round, edge, recipe, labels)
    if recipe.tries is Tries.ALL:
        return round.translated(edge, waiting, count)
    rows, answers = spooled(round), answers_of(labels)
    failed: Mapping[str, GradedSample] = {}
    for number in range(1, count + 1):
        if not waiting:
            break
        tries = [replace(attempt, number=number, failed=failed.get(attempt.label.sample.id)) for attempt in waiting]
        latest = round.translated(edge, tries, 1)
        rows.extend(latest)
        missed = _missed(latest, answers, round)
        failed = missed if recipe.tries is Tries.REPAIR else {}
        waiting = [attempt for attempt in waiting if attempt.label.sample.id in missed]
    return rows


def _missed(rows: Iterable[GradedSample], answers: Lookup, round: Round) -> dict[str, GradedSample]:
    """By label, the try that does not keep its answer."""
    problems = round.problems.by_id
    return {
        source: row
        for row in rows
        if (source := row.sample.source_id or "")
        and not same_answer(row.answer, answers[source], problems[row.sample.problem_id])
    }


def _attempts(round: Round, edge: Edge, recipe: Recipe, labels: Sequence[GradedSample]) -> Sequence[Attempt]:
    made = attempts(labels, recipe.crossing, round.pipeline.seed, recipe.taught)
    source = round.pipeline.methods[edge.source]
    if recipe.crossing is not Crossing.TRACE or not isinstance(source, CodeMethod):
        return made
    programs = [shown_solution(label, source) for label in labels]
    told = traced(programs, round.pipeline.executor)
    return [replace(attempt, trace=text) for attempt, text in zip(made, told, strict=True)]


def success_rates(rows: Iterable[GradedSample]) -> dict[str, float]:
    """Problem id -> the share of its samples that are right, of those that are judged."""
    right, judged = Counter[str](), Counter[str]()
    for row in rows:
        if row.verdict is not Verdict.UNJUDGED:
            judged[row.sample.problem_id] += 1
            right[row.sample.problem_id] += row.verdict is Verdict.RIGHT
    return {id: right[id] / count for id, count in judged.items()}


def by_difficulty(labels: Iterable[GradedSample], rates: Mapping[str, float], count: int) -> list[int]:
    """How often each label is tried, in proportion to how often the target fails; in all about `count` a label.

    No label gets more than `MOST_TIMES` times `count`, and those that the target always solves get none.
    """
    weights = array("d", (1.0 - rates.get(label.sample.problem_id, 0.0) for label in labels))
    total = sum(weights)
    whole = count * len(weights)
    return [min(int(whole * weight / total + 0.5), MOST_TIMES * count) if total else 0 for weight in weights]


def kept_translations(
    round: Round, edge: Edge, recipe: Recipe, rows: Rows, labels: Iterable[GradedSample], own: Rows
) -> tuple[Spooled[GradedSample], Spooled[Dropped]]:
    """The translations that may be learned from, and why the others may not. own: the target's samples."""
    keep, target = round.options.keep, round.pipeline.methods[edge.target]
    if recipe.choose is not Choice.ALL:
        keep = replace(keep, per_problem=max(1, len(rows)))  # all that hold are there to be chosen from
    folder = round.pipeline.ledger.root
    found, lost = select_translations(rows, labels, round.problems.by_id, target, keep, str(edge), recipe.verify, folder)
    if recipe.choose is Choice.ALL:
        return found, lost
    solutions = right_solutions(own, target) if recipe.choose is Choice.DISTINCT else {}
    chosen, others = choose(found, recipe.choose, target, solutions, str(edge), folder)
    lost.extend(others)
    return chosen, lost


def right_solutions(rows: Iterable[GradedSample], method: Method) -> dict[str, list[str]]:
    """Problem id -> its right solutions."""
    found: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        if row.verdict is Verdict.RIGHT:
            found[row.sample.problem_id].append(method.clean(row.sample.completion))
    return found
