"""What one stage hands to the next: problems, a checkpoint, graded rows, the rows of an edge, a training set."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Protocol, TypeVar

from mmst.answers.labels import Health, LabelCounts
from mmst.ledger.ledger import Stage
from mmst.ledger.spec import rows_key
from mmst.ledger.spooled import View
from mmst.ledger.stage import decoded
from mmst.methods.edge import Edge
from mmst.statistics.agreement import Correlation
from mmst.statistics.yields import EdgeCounts
from mmst.training.checkpoint import content_hash
from mmst.training.record import TrainingRecord
from mmst.types import Contrasted, Dropped, Example, GradedSample, Problem, Verdict

Row = TypeVar("Row")


@dataclass(frozen=True)
class ProblemSet:
    """Problems under a name, such as `test`."""

    name: str
    problems: Sequence[Problem]

    @cached_property
    def by_id(self) -> dict[str, Problem]:
        """Problem id -> problem."""
        return {problem.id: problem for problem in self.problems}

    @cached_property
    def key(self) -> str:
        """A hash of all that is in the problems."""
        return rows_key(self.problems)


@dataclass(frozen=True)
class Checkpoint:
    """A model's folder, and the hash of its content."""

    path: Path

    @cached_property
    def key(self) -> str:
        """See `mmst.training.checkpoint.content_hash`."""
        return content_hash(self.path)


@dataclass(frozen=True, slots=True)
class GradedRows:
    """Graded samples as they lie in the ledger: read anew each time they are gone through, a chunk in memory at a time."""

    stage: Stage

    def __iter__(self) -> Iterator[GradedSample]:
        return self.stage.rows(GradedSample)

    def __len__(self) -> int:
        return int(self.stage.manifest()["rows"])


Rows = GradedRows | Sequence[GradedSample]


class KeptRows(View[Row]):
    """Rows as they lie in the ledger, under a hash of themselves.

    Args:
        stage: that keeps them as they are: its chunks are of as many inputs as rows.
        row_type: theirs.
        key: the hash, see `mmst.ledger.spec.rows_key`.
    """

    def __init__(self, stage: Stage, row_type: type[Row], key: str) -> None:
        self.key = key
        self._stage, self._type = stage, row_type
        sizes = stage.sizes()
        if sum(sizes) != stage.manifest()["rows"]:  # a ledger of before it was written where chunks closed
            sizes = [content.count(b"\n") for content in stage.chunks()]
        self._ends = list(accumulate(sizes, initial=0))

    def __len__(self) -> int:
        return self._ends[-1]

    def __iter__(self) -> Iterator[Row]:
        return self._stage.rows(self._type)

    def some(self, start: int, stop: int) -> list[Row]:
        """See `View.some`."""
        found: list[Row] = []
        digests = self._stage.manifest()["chunks"]
        for number in range(bisect_right(self._ends, start) - 1, bisect_left(self._ends, stop)):
            first = self._ends[number]
            content = self._stage.chunk(number, digests) or b""
            found += decoded(content, self._type)[max(0, start - first) : stop - first]
        return found


def gone_through(rows: Iterable[GradedSample], *tallies: Tally) -> None:
    """Show each row to all tallies: rows are read once, however much is counted."""
    for row in rows:
        for tally in tallies:
            tally.add(row)


class Tally(Protocol):
    """Counts rows as they come."""

    def add(self, row: GradedSample) -> None:
        """One more."""


@dataclass(frozen=True, slots=True)
class Successes:
    """What one method's samples solved."""

    first: Mapping[str, bool]
    """Problem id -> whether the first sample is right; without unjudged ones."""
    some: frozenset[str]
    """Problems with a right sample."""


class SuccessTally:
    """Successes, counted row by row."""

    def __init__(self) -> None:
        self._first: dict[str, bool] = {}
        self._some: set[str] = set()

    def add(self, row: GradedSample) -> None:
        """One more."""
        right = row.verdict is Verdict.RIGHT
        if right:
            self._some.add(row.sample.problem_id)
        if row.sample.index == 0 and row.verdict is not Verdict.UNJUDGED:
            self._first[row.sample.problem_id] = right

    @property
    def found(self) -> Successes:
        """Of the rows so far."""
        return Successes(self._first, frozenset(self._some))


@dataclass(frozen=True, slots=True)
class Spent:
    """What sampling cost."""

    completions: int = 0
    prompt_tokens: int = 0
    """A prompt counts once for each completion; engines that share prefixes compute less."""
    completion_tokens: int = 0

    @classmethod
    def of(cls, rows: Iterable[GradedSample]) -> Spent:
        """Gone through once."""
        tally = SpentTally()
        gone_through(rows, tally)
        return tally.found

    def __add__(self, other: Spent) -> Spent:
        return Spent(
            self.completions + other.completions,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
        )


class SpentTally:
    """What sampling cost, counted row by row."""

    def __init__(self) -> None:
        self._completions = self._prompt = self._completion = 0

    def add(self, row: GradedSample) -> None:
        """One more."""
        self._completions += 1
        self._prompt += row.sample.prompt_tokens
        self._completion += row.sample.completion_tokens

    @property
    def found(self) -> Spent:
        """Of the rows so far."""
        return Spent(self._completions, self._prompt, self._completion)


@dataclass(frozen=True, slots=True)
class EdgeResult:
    """What became of one edge's samples."""

    edge: Edge
    samples: int
    pseudo_labels: int
    rows: Sequence[GradedSample]
    """What may be learned from: pseudo-labels, or verified translations where the edge crosses."""
    refused: Sequence[Dropped]
    """Samples of the edge's source, which all edges of that source share."""
    translations: int = 0
    lost: Sequence[Dropped] = ()
    """Translations that were not kept."""
    wrong_steps: int = 0
    spent: Spent = Spent()
    """On translations."""
    labelled_problems: frozenset[str] = frozenset()
    """Problems with a pseudo-label."""
    problems: frozenset[str] = frozenset()
    """Problems with a row that may be learned from."""

    def counts(self, dropped: Mapping[str, int], examples: int) -> EdgeCounts:
        """The numbers alone, with those of what assembling the training set left of it."""
        return EdgeCounts(
            samples=self.samples,
            pseudo_labels=self.pseudo_labels,
            translations=self.translations,
            verified=len(self.rows) if self.edge.crosses else 0,
            examples=examples,
            wrong_steps=self.wrong_steps,
            dropped=dropped,
        )


def dropped_rows(results: Sequence[EdgeResult]) -> Iterator[Dropped]:
    """All that the edges refused. A source's samples are refused once, at its first edge."""
    seen: set[str] = set()
    for result in results:
        if result.edge.source not in seen:
            yield from result.refused
        yield from result.lost
        seen.add(result.edge.source)


def edge_counts(
    results: Sequence[EdgeResult], dropped: Iterable[Dropped], examples: Iterable[Example]
) -> dict[str, EdgeCounts]:
    """What became of each edge's rows, by its name."""
    reasons: dict[str, Counter[str]] = defaultdict(Counter)
    for row in dropped:
        reasons[row.edge][str(row.reason)] += 1
    kept = Counter(example.edge for example in examples)
    return {name: result.counts(dict(reasons[name]), kept[name]) for result in results for name in [str(result.edge)]}


@dataclass(frozen=True, slots=True)
class ExampleSet:
    """The training set of one arm in one round."""

    examples: Sequence[Example]
    assembled: Mapping[str, EdgeCounts]
    """By edge: what became of its rows until here."""
    labels: Mapping[str, LabelCounts] = field(default_factory=dict)
    """By source method: how many problems have a label, and how good they are."""
    health: Mapping[str, Health] = field(default_factory=dict)
    """By source method: how diverse its samples are."""
    correlations: Sequence[Correlation] = ()
    """How the source methods' successes hang together."""
    sampled: Spent = Spent()
    """On the samples of its source methods, which arms may share."""
    translated: Spent = Spent()
    labelled: int = 0
    """How many problems have a pseudo-label, by whichever method."""
    too_long: Mapping[str, int] = field(default_factory=dict)
    """By edge: examples that the training could not take."""
    record: TrainingRecord | None = None
    """Of the training on it."""
    contrasted: Sequence[Contrasted] | None = None
    """What an objective that compares is given; None: it is given the examples."""
    weights: Mapping[str, float] | None = None
    """By problem, how much each completion token of its examples counts in the loss; None: all alike."""

    @property
    def key(self) -> str:
        """A hash of the examples: of all that the training sees of them but their weights."""
        rows = self.examples if self.contrasted is None else self.contrasted
        return rows.key if isinstance(rows, KeptRows) else rows_key(rows)

    @property
    def weights_key(self) -> str | None:
        """A hash of the weights; None where all examples count alike."""
        return None if self.weights is None else rows_key(sorted(self.weights.items()))

    @property
    def counts(self) -> dict[str, EdgeCounts]:
        """By edge: what became of its rows, from samples to what was trained on."""
        return {edge: tally.shortened(self.too_long.get(edge)) for edge, tally in self.assembled.items()}

    def trained(self, too_long: Mapping[str, int], record: TrainingRecord) -> ExampleSet:
        """The same set after a training that left out so many, by edge."""
        return replace(self, too_long=dict(too_long), record=record)
