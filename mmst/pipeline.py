"""The stages, bound to a ledger: each method here runs one stage, or finds it done.

A stage's key holds the keys of its inputs, so that a change anywhere upstream changes every key downstream of it, and of
nothing else.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
from lightning.pytorch.callbacks import Callback

from mmst.answers.reading import CHECKER_VERSION
from mmst.ledger.ledger import Ledger, Stage, key_of
from mmst.methods.edge import Edge, Recipe
from mmst.methods.method import Method
from mmst.methods.prompt import PromptWriter, exemplar_rows
from mmst.samplers.draw import Draw
from mmst.samplers.sampler import Sampler, SamplingParams
from mmst.sandbox.result import Executor
from mmst.stages import assemble, grade, sample, select, train, translate
from mmst.training.checkpoint import content_hash
from mmst.training.fit import TrainerFactory, TrainingOptions
from mmst.types import Dropped, DropReason, Example, GradedSample, Problem, Sample, Verdict

log = logging.getLogger(__name__)

CHECKPOINT = "checkpoint"


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
class Rows:
    """What a data stage put out, with the key that names it."""

    key: str
    graded: list[GradedSample]


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
    dropped: dict[str, int] = field(default_factory=dict)

    def drop(self, rows: Iterable[Dropped]) -> None:
        """Count dropped rows by reason."""
        for row in rows:
            self.dropped[row.reason.value] = self.dropped.get(row.reason.value, 0) + 1


@dataclass(frozen=True, slots=True)
class ExampleSet:
    """The training set of one arm in one round."""

    key: str
    examples: list[Example]
    counts: dict[str, EdgeCounts]

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
    ) -> None:
        self.ledger = ledger
        self.methods = methods
        self.writer = writer
        self.sampler = sampler
        self.executor = executor
        self.seed = seed
        self.chunk = chunk

    def graded(
        self, checkpoint: Checkpoint, method: str, problems: ProblemSet, params: SamplingParams, round: int, count: int
    ) -> Rows:
        """Sample and grade `count` completions of each problem."""
        params.check_count(count)
        draw = Draw(self.seed, round, f"{problems.name}/{method}", count)
        how = self.methods[method]
        settings = {
            **self._sampling_settings("sample", sample.VERSION, checkpoint, params, draw),
            "problems": problems.key,
            "prompts": self._prompt_settings(how),
        }

        def compute(part: slice) -> list[Sample]:
            self.sampler.load(checkpoint.path)
            return sample.sample(problems.problems[part], how, self.writer, self.sampler, params, draw)

        title = f"sample  {problems.name} by {method}"
        stage = self.ledger.chunks("sample", settings, len(problems.problems), self.chunk, compute, title)
        return self._graded(stage, problems, how, f"grade   {problems.name} by {method}")

    def translated(
        self, checkpoint: Checkpoint, edge: Edge, labels: Rows, problems: ProblemSet, options: SelectionOptions, round: int
    ) -> Rows:
        """Translate pseudo-labels along an edge, and grade the translations."""
        options.translation.check_count(options.translations_per_label)
        draw = Draw(self.seed, round, str(edge), options.translations_per_label)
        source, target = self.methods[edge.source], self.methods[edge.target]
        sources = labels.graded
        settings = {
            **self._sampling_settings("translate", translate.VERSION, checkpoint, options.translation, draw),
            "sources": labels.key,
            "prompts": [self._prompt_settings(source), self._prompt_settings(target)],
        }

        def compute(part: slice) -> list[Sample]:
            self.sampler.load(checkpoint.path)
            return translate.translate(
                sources[part], problems.by_id, source, target, self.writer, self.sampler, options.translation, draw
            )

        stage = self.ledger.chunks("translate", settings, len(sources), self.chunk, compute, f"translate {edge}")
        return self._graded(stage, problems, target, f"grade   {edge}")

    def example_set(
        self, recipe: Recipe, checkpoint: Checkpoint, problems: ProblemSet, options: SelectionOptions, round: int
    ) -> ExampleSet:
        """All data stages of a recipe: from problems to the examples of one arm."""
        gathered = _Gathered()
        for edge in recipe.edges:
            source = self.graded(checkpoint, edge.source, problems, options.sampling, round, options.samples_per_problem)
            rows, out = select.select(source.graded, problems.by_id, self.methods[edge.source], options.keep, str(edge))
            tally = EdgeCounts(samples=len(source.graded), pseudo_labels=len(rows))
            key = source.key
            if edge.source not in {earlier.source for earlier in gathered.kept}:
                gathered.drop(tally, out)  # a source's refused samples count once, at its first edge
            if edge.crosses:
                labels = Rows(_labels_key(source.key, options), _first_of_each(rows, options.labels_per_problem))
                done = self.translated(checkpoint, edge, labels, problems, options, round)
                target = self.methods[edge.target]
                rows, out = select.select_translations(
                    done.graded, labels.graded, problems.by_id, target, options.keep, str(edge)
                )
                tally.translations, tally.verified, key = len(done.graded), len(rows), done.key
                gathered.drop(tally, out)
            gathered.add(edge, rows, key, tally)
        return self._assembled(recipe, problems, options, gathered)

    def trained(
        self,
        examples: ExampleSet,
        start: Checkpoint,
        options: TrainingOptions,
        trainer: TrainerFactory,
        trainer_settings: Mapping[str, Any],
        seed: int,
        title: str,
        callbacks: Sequence[Callback] = (),
    ) -> Checkpoint:
        """Train `start` on an example set, or go on where a killed process was."""
        settings = {
            "stage": "train",
            "version": train.VERSION,
            "examples": examples.key,
            "start": start.key,
            "options": asdict(options),
            "trainer": dict(trainer_settings),
            "seed": seed,
        }
        with self.ledger.stage("train", settings) as stage:
            target = stage.folder / CHECKPOINT
            if not stage.done:
                self.sampler.close()
                with stage.timed():
                    out = train.train(
                        examples.examples, start.path, target, stage.folder / "work", options, trainer, seed, callbacks
                    )
                stage.finish({"checkpoint": content_hash(target), "too_long": Counter(row.edge for row in out), "title": title})
            shutil.rmtree(stage.folder / "work", ignore_errors=True)
            examples.leave_out(stage.manifest()["too_long"])
        return Checkpoint(target)

    def _graded(self, stage: Stage, problems: ProblemSet, method: Method, title: str) -> Rows:
        samples = stage.read(Sample)
        settings = {
            "stage": "grade",
            "version": [grade.VERSION, CHECKER_VERSION],
            "samples": stage.key,
            "problems": problems.key,
            "method": method.name,
            "executor": self.executor.settings,
        }

        def compute(part: slice) -> list[GradedSample]:
            return grade.grade(samples[part], problems.by_id, method, self.executor)

        chunk = self.chunk * max(1, len(samples) // max(1, len(problems.problems)))
        graded = self.ledger.chunks("grade", settings, len(samples), chunk, compute, title, grade.right_share)
        rows = graded.read(GradedSample)
        unjudged = sum(row.verdict is Verdict.UNJUDGED for row in rows)
        if unjudged:
            log.warning("%s: %d of %d are unjudged; delete %s to judge them again", title, unjudged, len(rows), graded.folder)
        return Rows(graded.key, rows)

    def _assembled(self, recipe: Recipe, problems: ProblemSet, options: SelectionOptions, gathered: _Gathered) -> ExampleSet:
        examples, repeated = assemble.assemble(gathered.kept, problems.by_id, self.methods, self.writer)
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
        }
        stage = self._written("examples", settings, examples, f"examples of {recipe.name}")
        self._written("dropped", settings, gathered.dropped, f"dropped by {recipe.name}")
        return ExampleSet(stage.key, examples, gathered.counts)

    def _written(self, name: str, settings: Mapping[str, Any], rows: Sequence[Any], title: str) -> Stage:
        return self.ledger.chunks(
            name, {**settings, "rows": name}, len(rows), max(1, len(rows)), lambda part: list(rows[part]), title
        )

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
        exemplars = key_of({"rows": [dict(row) for row in exemplar_rows(method.format.exemplars)]})
        return {
            "method": method.name,
            "format": asdict(method.format),
            "exemplars": exemplars,
            "chat": self.writer.chat is not None,
        }


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


def _labels_key(graded: str, options: SelectionOptions) -> str:
    """The key of the pseudo-labels that an edge translates."""
    labels = options.labels_per_problem
    return key_of({"graded": graded, "select": select.VERSION, "keep": asdict(options.keep), "labels": labels})
