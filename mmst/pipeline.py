"""The stages, bound to a ledger: each method here runs one stage, or finds it done.

A stage's key holds the keys of its inputs, so that a change anywhere upstream changes every key downstream of it, and of
nothing else.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import Any

import msgspec

from mmst.answers.labels import Health, LabelCounts, LabelRule, answer_counts, health, label_counts, labels
from mmst.answers.reading import CHECKER_VERSION
from mmst.ledger.files import atomic_write
from mmst.ledger.ledger import Ledger, Stage, Work, key_of
from mmst.ledger.progress import Task
from mmst.methods.edge import Edge, Recipe
from mmst.methods.method import Method
from mmst.methods.prompt import KINDS_WITH_EXEMPLARS, PromptWriter, exemplar_rows
from mmst.samplers.draw import Draw
from mmst.samplers.sampler import Sampler, SamplingParams
from mmst.sandbox.result import Executor
from mmst.stages import assemble, grade, sample, select, train, translate
from mmst.statistics.agreement import Agreement, agreement
from mmst.training.checkpoint import content_hash, load_tokenizer
from mmst.training.launch import Fitter
from mmst.training.options import TrainingOptions
from mmst.types import Dropped, DropReason, Example, GradedSample, Problem, Sample, Verdict

log = logging.getLogger(__name__)

CHECKPOINT = "checkpoint"
WORK = "work"
RECORD = "record.json"
"""What a training did and how fast; as `seconds.json`, it differs between equal runs."""


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
        return hashlib.sha256(msgspec.json.encode(list(self.problems))).hexdigest()[:16]


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


@dataclass(frozen=True, slots=True)
class Labels:
    """The pseudo-labels that an edge translates, with the key that names them."""

    key: str
    rows: list[GradedSample]


@dataclass(frozen=True, slots=True)
class SelectionOptions:
    """How pseudo-labels are drawn, translated and kept."""

    samples_per_problem: int
    sampling: SamplingParams
    translations_per_label: int
    labels_per_problem: int
    """The most pseudo-labels of one problem that are translated on one edge."""
    translation: SamplingParams
    keep: select.Filter


@dataclass(slots=True)
class EdgeCounts:
    """What became of one edge's rows, for the report."""

    samples: int = 0
    pseudo_labels: int = 0
    translations: int = 0
    verified: int = 0
    examples: int = 0
    wrong_steps: int = 0
    """Kept solutions with a statement `a op b = c` that does not hold."""
    dropped: dict[str, int] = field(default_factory=dict)

    def drop(self, rows: Iterable[Dropped]) -> None:
        """Count dropped rows by reason."""
        for row in rows:
            self.dropped[row.reason.value] = self.dropped.get(row.reason.value, 0) + 1


@dataclass(frozen=True, slots=True)
class Correlation:
    """Two methods on the training problems, by the first sample of each."""

    where: str
    """`all` problems; those with a `labelled` solution, by any method; those that the training set's `examples` are of."""
    a: str
    b: str
    table: Agreement


@dataclass(slots=True)
class Successes:
    """What one method's samples solved."""

    first: dict[str, bool] = field(default_factory=dict)
    """Problem id -> whether the first sample is right; without unjudged ones."""
    some: set[str] = field(default_factory=set)
    """Problems with a right sample."""

    @classmethod
    def of(cls, rows: Iterable[GradedSample]) -> Successes:
        """Gone through once."""
        found = cls()
        for row in rows:
            right = row.verdict is Verdict.RIGHT
            if right:
                found.some.add(row.sample.problem_id)
            if row.sample.index == 0 and row.verdict is not Verdict.UNJUDGED:
                found.first[row.sample.problem_id] = right
        return found


@dataclass(frozen=True, slots=True)
class ExampleSet:
    """The training set of one arm in one round."""

    key: str
    examples: list[Example]
    counts: dict[str, EdgeCounts]
    labels: dict[str, LabelCounts] = field(default_factory=dict)
    """By source method: how many problems have a label, and how good they are."""
    health: dict[str, Health] = field(default_factory=dict)
    """By source method: how diverse its samples are."""
    correlations: list[Correlation] = field(default_factory=list)
    """How the source methods' successes hang together."""

    def leave_out(self, too_long: Mapping[str, int]) -> None:
        """Count the examples that the training dropped for their length, by edge."""
        for edge, count in too_long.items():
            self.counts[edge].examples -= count
            self.counts[edge].dropped[DropReason.TOO_LONG.value] = count


@dataclass(slots=True)
class _Gathered:
    """What the edges of a recipe have brought together so far."""

    kept: dict[Edge, list[GradedSample]] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    counts: dict[str, EdgeCounts] = field(default_factory=dict)
    dropped: list[Dropped] = field(default_factory=list)
    labels: dict[str, LabelCounts] = field(default_factory=dict)
    health: dict[str, Health] = field(default_factory=dict)
    replayed: frozenset[str] = frozenset()
    """Edges that are not the recipe's own."""
    successes: dict[str, Successes] = field(default_factory=dict)

    @property
    def agreed(self) -> set[str]:
        """The problems that every method has a right sample of."""
        return set.intersection(*(found.some for found in self.successes.values()))

    def correlations(self, examples: Sequence[Example]) -> list[Correlation]:
        """Each pair of methods, on all problems, on labelled ones, and on those of the training set."""
        labelled = {row.sample.problem_id for rows in self.kept.values() for row in rows}
        trained = {example.problem_id for example in examples}
        return [
            Correlation(where, a, b, _table(self.successes[a].first, self.successes[b].first, problems))
            for where, problems in (("all", None), ("labelled", labelled), ("examples", trained))
            for a, b in combinations(self.successes, 2)
        ]

    def add(self, edge: Edge, rows: list[GradedSample], key: str, tally: EdgeCounts) -> None:
        self.kept[edge], self.keys[str(edge)], self.counts[str(edge)] = rows, key, tally

    def drop(self, tally: EdgeCounts, rows: Sequence[Dropped]) -> None:
        tally.drop(rows)
        self.dropped += rows


class Pipeline:
    """Runs stages by one model family's prompts, one engine and one executor."""

    def __init__(
        self,
        ledger: Ledger,
        methods: Mapping[str, Method],
        writer: PromptWriter,
        sampler: Sampler,
        executor: Executor,
        seed: int,
        chunk: int,
        redo_unjudged: bool = False,
    ) -> None:
        self.ledger = ledger
        self.methods = methods
        self.writer = writer
        self.sampler = sampler
        self.executor = executor
        self.seed = seed
        self.chunk = chunk
        self.redo_unjudged = redo_unjudged

    def graded(
        self, checkpoint: Checkpoint, method: str, problems: ProblemSet, params: SamplingParams, round: int, count: int
    ) -> GradedRows:
        """Sample and grade `count` completions of each problem."""
        params.check_count(count)
        self._written("problems", {"problems": problems.key}, problems.problems, f"problems of {problems.name}")
        draw = Draw(self.seed, round, f"{problems.name}/{method}", count)
        how = self.methods[method]
        settings = {
            **self._sampling_settings("sample", sample.VERSION, checkpoint, params, draw),
            "problems": problems.key,
            "prompts": self._prompt_settings(how),
        }

        def compute(part: Sequence[Problem], task: Task) -> list[Sample]:
            self.sampler.load(checkpoint.path)
            return sample.sample(part, how, self.writer, self.sampler, params, draw, task.advance)

        work = Work("sample", settings, compute, Sample)
        return self._graded(problems.problems, work, count, problems, how, f"sample {problems.name} by {method}")

    def translated(
        self, checkpoint: Checkpoint, edge: Edge, labels: Labels, problems: ProblemSet, options: SelectionOptions, round: int
    ) -> GradedRows:
        """Translate pseudo-labels along an edge, and grade the translations."""
        options.translation.check_count(options.translations_per_label)
        draw = Draw(self.seed, round, str(edge), options.translations_per_label)
        source, target = self.methods[edge.source], self.methods[edge.target]
        settings = {
            **self._sampling_settings("translate", translate.VERSION, checkpoint, options.translation, draw),
            "sources": labels.key,
            "prompts": [self._prompt_settings(source), self._prompt_settings(target)],
        }

        def compute(part: Sequence[GradedSample], task: Task) -> list[Sample]:
            self.sampler.load(checkpoint.path)
            return translate.translate(
                part, problems.by_id, source, target, self.writer, self.sampler, options.translation, draw, task.advance
            )

        work = Work("translate", settings, compute, Sample)
        return self._graded(labels.rows, work, draw.count, problems, target, f"translate {edge}")

    def example_set(
        self,
        recipe: Recipe,
        checkpoint: Checkpoint,
        problems: ProblemSet,
        options: SelectionOptions,
        round: int,
        match: ExampleSet | None = None,
    ) -> ExampleSet:
        """All data stages of a recipe: from problems to the examples of one arm. `match`: whose quantity they are cut to."""
        gathered = _Gathered()
        replayed = recipe.replayed(self.methods) if options.keep.replay else ()
        recipe = replace(recipe, edges=(*recipe.edges, *replayed))
        sources = self._sources(recipe, checkpoint, problems, options, round)
        gathered.successes = {name: Successes.of(rows) for name, rows in sources.items()}
        answers = {name: self._labels(name, sources, problems, options, gathered) for name in recipe.sources}
        for edge in recipe.edges:
            source = sources[edge.source]
            rows, out = self._selected(source, edge, problems, options.keep, answers[edge.source])
            tally = EdgeCounts(samples=len(source), pseudo_labels=len(rows))
            key = source.stage.content
            if edge.source not in {earlier.source for earlier in gathered.kept}:
                gathered.drop(tally, out)  # a source's refused samples count once, at its first edge
            if edge.crosses:
                sent = _sent(key, _first_of_each(rows, options.labels_per_problem))
                done = self.translated(checkpoint, edge, sent, problems, options, round)
                target = self.methods[edge.target]
                rows, out = select.select_translations(done, sent.rows, problems.by_id, target, options.keep, str(edge))
                tally.translations, tally.verified, key = len(done), len(rows), done.stage.content
                rows, constant = self._varying(rows, target, edge, problems, options.keep)
                tally.verified = len(rows)
                gathered.drop(tally, [*out, *constant])
            tally.wrong_steps = sum(bool(self.methods[edge.target].wrong_steps(row.sample.completion)) for row in rows)
            gathered.add(edge, rows, key, tally)
        gathered.replayed = frozenset(map(str, replayed))
        return self._assembled(recipe, problems, options, gathered, match, checkpoint)

    def _sources(
        self, recipe: Recipe, checkpoint: Checkpoint, problems: ProblemSet, options: SelectionOptions, round: int
    ) -> dict[str, GradedRows]:
        """Samples of the recipe's source methods; of all methods, where it matters on what they agree."""
        keep = options.keep
        all_methods = keep.labels is LabelRule.AGREEMENT or keep.disagreement is not None
        names = self.methods if all_methods else recipe.sources
        count = options.samples_per_problem
        return {name: self.graded(checkpoint, name, problems, options.sampling, round, count) for name in names}

    def _labels(
        self,
        method: str,
        sources: Mapping[str, GradedRows],
        problems: ProblemSet,
        options: SelectionOptions,
        gathered: _Gathered,
    ) -> dict[str, str]:
        """The answers that one method's samples are held against, counted on the way."""
        keep = options.keep
        voting = {} if keep.labels is LabelRule.GOLD else sources
        counts = {name: answer_counts(rows, problems.by_id) for name, rows in voting.items()}
        chosen = labels(keep.labels, method, counts, problems.by_id, options.samples_per_problem, keep.least_share)
        gathered.labels[method] = label_counts(chosen, problems.by_id)
        gathered.health[method] = health(sources[method])
        return chosen

    def _selected(
        self, rows: GradedRows, edge: Edge, problems: ProblemSet, keep: select.Filter, answers: Mapping[str, str]
    ) -> tuple[list[GradedSample], list[Dropped]]:
        method = self.methods[edge.source]
        kept, out = select.select(rows, problems.by_id, method, keep, str(edge), answers)
        kept, constant = self._varying(kept, method, edge, problems, keep)
        return kept, [*out, *constant]

    def _varying(
        self, rows: list[GradedSample], method: Method, edge: Edge, problems: ProblemSet, keep: select.Filter
    ) -> tuple[list[GradedSample], list[Dropped]]:
        if not keep.drop_constant:
            return rows, []
        return select.drop_constant(rows, problems.by_id, method, self.executor, str(edge))

    def trained(
        self,
        examples: ExampleSet,
        start: Checkpoint,
        options: TrainingOptions,
        fitter: Fitter,
        trainer_settings: Mapping[str, Any],
        seed: int,
        title: str,
    ) -> Checkpoint:
        """Train `start` on an example set, or go on where a killed process was."""
        settings = {
            "stage": "train",
            "version": train.VERSION,
            "examples": examples.key,
            "start": start.key,
            "options": options.settings(),
            "trainer": dict(trainer_settings),
            "seed": seed,
        }
        self.ledger.distrust("train", settings, _holds_its_checkpoint)
        with self.ledger.stage("train", settings) as stage:
            target = stage.folder / CHECKPOINT
            if not stage.done:
                shutil.rmtree(target, ignore_errors=True)  # without a manifest nobody knows what it is
                self.sampler.close()
                work = stage.folder / WORK
                with stage.timed():
                    try:
                        record, out = train.train(examples.examples, start.path, target, work, options, fitter, seed)
                    except train.NothingToTrainOnError as error:
                        raise train.NothingToTrainOnError(f"{' '.join(title.split())}: {error}") from error
                atomic_write(stage.folder / RECORD, json.dumps(asdict(record), indent=1).encode())
                stage.finish({"checkpoint": content_hash(target), "too_long": Counter(row.edge for row in out), "title": title})
                log.info("%s: %s", title, record.sentence())
            if not options.keep_after:
                shutil.rmtree(stage.folder / WORK, ignore_errors=True)
            examples.leave_out(stage.manifest()["too_long"])
        return Checkpoint(target)

    def _graded(
        self, inputs: Sequence[Any], work: Work, units: int, problems: ProblemSet, method: Method, title: str
    ) -> GradedRows:
        """Complete and grade, chunk by chunk: how many are right shows while the rest is being sampled."""
        settings = {
            "stage": "grade",
            "version": [grade.VERSION, CHECKER_VERSION],
            "samples": key_of(work.settings),
            "problems": problems.key,
            "method": method.name,
            "executor": self.executor.settings,
        }

        def compute(samples: Sequence[Sample], task: Task) -> list[GradedSample]:
            return grade.grade(samples, problems.by_id, method, self.executor)

        works = [work, Work("grade", settings, compute, GradedSample)]
        redo = grade.is_unjudged if self.redo_unjudged else None
        stage = self.ledger.chain(inputs, works, self.chunk, title, units, grade.VerdictTally(), redo)
        unjudged = stage.manifest()["verdicts"].get(Verdict.UNJUDGED, 0)
        if unjudged:
            total = stage.manifest()["rows"]
            log.warning("%s: %d of %d are unjudged; redo_unjudged=true tries them again", title, unjudged, total)
        return GradedRows(stage)

    def _assembled(
        self,
        recipe: Recipe,
        problems: ProblemSet,
        options: SelectionOptions,
        gathered: _Gathered,
        match: ExampleSet | None,
        checkpoint: Checkpoint,
    ) -> ExampleSet:
        examples, repeated = assemble.assemble(gathered.kept, problems.by_id, self.methods, self.writer)
        examples, surplus = self._cut(examples, options.keep, match, checkpoint, gathered)
        repeated += surplus
        for example in examples:
            gathered.counts[example.edge].examples += 1
        for row in repeated:
            gathered.drop(gathered.counts[row.edge], [row])
        settings = {
            "stage": "assemble",
            "version": [assemble.VERSION, select.VERSION],
            "edges": gathered.keys,
            "keep": asdict(options.keep),
            "labels": options.labels_per_problem,
            "match": match.key if match else None,
            "seed": self.seed,
        }
        stage = self._written("examples", settings, examples, f"examples of {recipe.name}")
        self._written("dropped", settings, gathered.dropped, f"dropped by {recipe.name}")
        correlations = gathered.correlations(examples)
        return ExampleSet(stage.content, examples, gathered.counts, gathered.labels, gathered.health, correlations)

    def _cut(
        self,
        examples: list[Example],
        keep: select.Filter,
        match: ExampleSet | None,
        checkpoint: Checkpoint,
        gathered: _Gathered,
    ) -> tuple[list[Example], list[Dropped]]:
        """Examples without those that the filter's quantities have no room for."""
        if not keep.cuts and match is None and not gathered.replayed:
            return examples, []
        sizes = _sizes(examples, keep.match_by, checkpoint)
        matched = None if match is None else sum(_sizes(match.examples, keep.match_by, checkpoint))
        have = select.amounts(examples, sizes)
        most = select.quantities(have, gathered.replayed, keep, matched)
        if keep.disagreement is None:
            kept = select.cut_down(examples, sizes, most, self.seed)
        else:
            kept = select.disputed(examples, sizes, sum(most.values()), keep.disagreement, gathered.agreed, self.seed)
        left = {(example.id, example.edge) for example in kept}
        out = [Dropped(e.id, e.edge, DropReason.SURPLUS) for e in examples if (e.id, e.edge) not in left]
        return kept, out

    def _written(self, name: str, settings: Mapping[str, Any], rows: Sequence[Any], title: str) -> Stage:
        work = Work(name, {**settings, "rows": name}, lambda part, task: part, object)
        return self.ledger.chain(rows, [work], max(1, len(rows)), title)

    def _sampling_settings(
        self, stage: str, version: int, checkpoint: Checkpoint, params: SamplingParams, draw: Draw
    ) -> dict[str, Any]:
        return {
            "stage": stage,
            "version": version,
            "engine": self.sampler.engine,
            "checkpoint": checkpoint.key,
            "params": asdict(params),
            "draw": asdict(draw),
            "chunk": self.chunk,
        }

    def _prompt_settings(self, method: Method) -> dict[str, Any]:
        form = method.format
        rows = {kind.value: [dict(row) for row in exemplar_rows(form.exemplars, kind)] for kind in KINDS_WITH_EXEMPLARS}
        return {
            "method": method.name,
            "format": asdict(method.format),
            "exemplars": key_of(rows) if form.shots else None,
            "chat": self.writer.chat is not None,
        }


def _sizes(examples: Sequence[Example], quantity: select.Quantity, checkpoint: Checkpoint) -> list[int]:
    """How much each example counts."""
    if quantity is select.Quantity.EXAMPLES:
        return [1] * len(examples)
    tokenizer = load_tokenizer(checkpoint.path)
    return [len(tokenizer.encode(example.completion, add_special_tokens=False)) + 1 for example in examples]


def _first_of_each(rows: Sequence[GradedSample], most: int) -> list[GradedSample]:
    """The first `most` rows of each problem."""
    counts: dict[str, int] = {}
    first = []
    for row in rows:
        problem = row.sample.problem_id
        counts[problem] = counts.get(problem, 0) + 1
        if counts[problem] <= most:
            first.append(row)
    return first


def _sent(graded: str, rows: list[GradedSample]) -> Labels:
    """Pseudo-labels under the key of what they are: filters that choose the same ones share their translations."""
    return Labels(key_of({"graded": graded, "rows": [row.sample.id for row in rows]}), rows)


def _table(a: Mapping[str, bool], b: Mapping[str, bool], problems: Container[str] | None) -> Agreement:
    """Two methods' successes on the problems that both were judged on."""
    return agreement((right, b[id]) for id, right in a.items() if id in b and (problems is None or id in problems))


def _holds_its_checkpoint(stage: Stage) -> bool:
    """Whether a training's checkpoint is what it ended with."""
    return content_hash(stage.folder / CHECKPOINT) == stage.manifest().get("checkpoint")
