"""What one stage hands to the next: problems, a checkpoint, graded rows, the rows of an edge, a training set."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from mmst.answers.labels import Health, LabelCounts
from mmst.ledger.ledger import Stage
from mmst.ledger.spec import rows_key
from mmst.methods.edge import Edge
from mmst.statistics.agreement import Correlation
from mmst.statistics.yields import EdgeCounts
from mmst.training.checkpoint import content_hash
from mmst.training.record import TrainingRecord
from mmst.types import Contrasted, Dropped, Example, GradedSample, Problem, Verdict


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


@dataclass(frozen=True, slots=True)
class Successes:
    """What one method's samples solved."""

    first: Mapping[str, bool]
    """Problem id -> whether the first sample is right; without unjudged ones."""
    some: frozenset[str]
    """Problems with a right sample."""

    @classmethod
    def of(cls, rows: Iterable[GradedSample]) -> Successes:
        """Gone through once."""
        first: dict[str, bool] = {}
        some: set[str] = set()
        for row in rows:
            right = row.verdict is Verdict.RIGHT
            if right:
                some.add(row.sample.problem_id)
            if row.sample.index == 0 and row.verdict is not Verdict.UNJUDGED:
                first[row.sample.problem_id] = right
        return cls(first, frozenset(some))


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
        completions = prompt = completion = 0
        for row in rows:
            completions += 1
            prompt += row.sample.prompt_tokens
            completion += row.sample.completion_tokens
        return cls(completions, prompt, completion)

    def __add__(self, other: Spent) -> Spent:
        return Spent(
            self.completions + other.completions,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
        )


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


def dropped_rows(results: Sequence[EdgeResult]) -> list[Dropped]:
    """All that the edges refused. A source's samples are refused once, at its first edge."""
    rows: list[Dropped] = []
    seen: set[str] = set()
    for result in results:
        rows += [] if result.edge.source in seen else result.refused
        rows += result.lost
        seen.add(result.edge.source)
    return rows


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
        return rows_key(self.examples if self.contrasted is None else self.contrasted)

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
