"""The stages, bound to a ledger: each method here runs one stage, or finds it done.

A stage's key holds the keys of its inputs, or a hash of their rows, so that a change anywhere upstream changes every key
downstream that it can tell on, and no other. See `mmst.ledger.spec`.
"""

from __future__ import annotations

import json
import logging
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import ceil
from typing import Any

from mmst.answers.labels import LabelRule, answer_counts, health, label_counts, labels
from mmst.filters.filter import Filter
from mmst.judges.judge import Judge
from mmst.ledger.files import atomic_write
from mmst.ledger.ledger import Ledger, Stage, Work
from mmst.ledger.progress import Task
from mmst.ledger.spec import RowsSpec, key_of, part_spec, rows_key, source_of
from mmst.methods.edge import Crossing, Edge, Recipe
from mmst.methods.method import Method
from mmst.methods.prompt import PromptWriter
from mmst.samplers.draw import Draw
from mmst.samplers.sampler import Sampler, SamplingParams
from mmst.sandbox.result import Executor
from mmst.stages import asked, assemble, grade, quantity, sample, select, train, translate
from mmst.stages.sets import (
    Checkpoint,
    EdgeResult,
    ExampleSet,
    GradedRows,
    ProblemSet,
    Rows,
    Spent,
    Successes,
    dropped_rows,
    edge_counts,
)
from mmst.statistics.agreement import correlations
from mmst.statistics.yields import EdgeCounts
from mmst.training.checkpoint import content_hash
from mmst.training.launch import Fitter
from mmst.training.options import TrainingOptions
from mmst.training.record import TrainingRecord
from mmst.types import Dropped, GradedSample, Problem, Prompt, Sample, Verdict

__all__ = ["Checkpoint", "EdgeCounts", "ExampleSet", "Pipeline", "ProblemSet", "SelectionOptions"]
log = logging.getLogger(__name__)

CHECKPOINT = "checkpoint"
WORK = "work"
SPARE = 1.25
"""How many more samples are drawn than tokens should need: what completions take varies, and what is over is left out."""
RECORD = "record.json"
"""What a training did and how fast; as `seconds.json`, it differs between equal runs."""


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

    @property
    def asks_all_methods(self) -> bool:
        """Whether it matters what the methods outside a recipe answer."""
        return self.keep.labels is LabelRule.AGREEMENT or self.keep.disagreement is not None


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
        judge: Judge | None = None,
    ) -> None:
        self.ledger = ledger
        self.methods = methods
        self.writer = writer
        self.sampler = sampler
        self.executor = executor
        self.seed = seed
        self.chunk = chunk
        self.redo_unjudged = redo_unjudged
        self.judge = judge

    def graded(
        self, checkpoint: Checkpoint, method: str, problems: ProblemSet, params: SamplingParams, round: int, count: int
    ) -> GradedRows:
        """Sample and grade `count` completions of each problem."""
        params.check_count(count)
        self._keep("problems", problems.problems, f"problems of {problems.name}", problems.key)
        draw = Draw(self.seed, round, f"{problems.name}/{method}", count)
        how = self.methods[method]

        def prompts(part: Sequence[Problem]) -> Iterable[Prompt]:
            return sample.solution_prompts(part, how, self.writer, draw)

        key = self.keep_prompts(problems.problems, prompts, f"prompts of {problems.name} by {method}")
        spec = sample.SampleSpec(*self.engine(), checkpoint.key, key, params, draw, self.chunk)

        def compute(part: Sequence[Problem], task: Task) -> list[Sample]:
            self.sampler.load(checkpoint.path)
            return sample.sample(part, how, self.writer, self.sampler, params, draw, task.advance)

        work = Work("sample", spec, compute, Sample)
        return self._judged(problems.problems, work, count, problems, how, f"sample {problems.name} by {method}")

    def translated(
        self,
        checkpoint: Checkpoint,
        edge: Edge,
        labels: Sequence[GradedSample],
        problems: ProblemSet,
        params: SamplingParams,
        count: int,
        round: int,
        crossing: Crossing = Crossing.TRANSLATE,
    ) -> GradedRows:
        """Translate solutions along an edge, `count` times each, and grade the translations; or what a control does instead."""
        params.check_count(count)
        what = str(edge) if crossing is Crossing.TRANSLATE else f"{edge}, {crossing}"
        draw = Draw(self.seed, round, what if round else f"{problems.name}/{what}", count)
        source, target = self.methods[edge.source], self.methods[edge.target]
        tries = translate.attempts(labels, crossing, self.seed)

        def prompts(part: Sequence[translate.Attempt]) -> Iterable[Prompt]:
            return translate.translation_prompts(part, problems.by_id, source, target, self.writer, draw)

        key = self.keep_prompts(tries, prompts, f"prompts of {what}")
        spec = translate.TranslateSpec(*self.engine(), checkpoint.key, key, params, draw, self.chunk)

        def compute(part: Sequence[translate.Attempt], task: Task) -> list[Sample]:
            self.sampler.load(checkpoint.path)
            return translate.translate(
                part, problems.by_id, source, target, self.writer, self.sampler, params, draw, task.advance
            )

        work = Work("translate", spec, compute, Sample)
        return self._judged(tries, work, draw.count, problems, target, f"translate {what}")

    def example_set(
        self,
        recipe: Recipe,
        checkpoint: Checkpoint,
        problems: ProblemSet,
        options: SelectionOptions,
        round: int,
        match: ExampleSet | None = None,
        compute: ExampleSet | None = None,
    ) -> ExampleSet:
        """All data stages of a recipe: from problems to the examples of one arm.

        match: whose quantity they are cut to. compute: whose sampled and translated tokens its samples may take.
        """
        keep = options.keep
        replayed = recipe.replayed(self.methods) if keep.replay else ()
        edges = (*recipe.edges, *replayed)
        starts = dict.fromkeys(edge.source for edge in edges)
        count = options.samples_per_problem
        asked = self.methods if options.asks_all_methods else starts
        rows: dict[str, Rows] = {
            name: self.graded(checkpoint, name, problems, options.sampling, round, count) for name in asked
        }
        if compute:
            goal = compute.sampled.completion_tokens + compute.translated.completion_tokens
            rows |= self._more({name: rows[name] for name in starts}, goal, checkpoint, problems, options, round)
        voting = {} if keep.labels is LabelRule.GOLD else rows
        votes = {name: answer_counts(answers, problems.by_id) for name, answers in voting.items()}
        answers = {name: labels(keep.labels, name, votes, problems.by_id, count, keep.least_share) for name in starts}
        results = [
            self.edge_result(edge, recipe, checkpoint, rows[edge.source], answers[edge.source], problems, options, round)
            for edge in edges
        ]
        solved = {name: Successes.of(graded) for name, graded in rows.items()}
        found = self._assembled(recipe, checkpoint, problems, keep, results, set(map(str, replayed)), solved, match)
        return replace(
            found,
            labels={name: label_counts(chosen, problems.by_id) for name, chosen in answers.items()},
            health={name: health(rows[name]) for name in starts},
            sampled=sum((Spent.of(rows[name]) for name in starts), Spent()),
            translated=sum((result.spent for result in results), Spent()),
        )

    def _more(
        self,
        rows: Mapping[str, Rows],
        goal: int,
        checkpoint: Checkpoint,
        problems: ProblemSet,
        options: SelectionOptions,
        round: int,
    ) -> dict[str, Rows]:
        """The same and more samples of each problem, each method's share of a goal of completion tokens as it was."""
        spent = {name: Spent.of(found).completion_tokens for name, found in rows.items()}
        times = goal / max(1, sum(spent.values()))
        count = options.samples_per_problem
        most = max(count, ceil(count * times * SPARE))
        more = {name: self.graded(checkpoint, name, problems, options.sampling, round, most) for name in rows}
        return {name: quantity.within_tokens(found, count, spent[name] * times, self.seed) for name, found in more.items()}

    def edge_result(
        self,
        edge: Edge,
        recipe: Recipe,
        checkpoint: Checkpoint,
        source: Rows,
        answers: Mapping[str, str],
        problems: ProblemSet,
        options: SelectionOptions,
        round: int,
    ) -> EdgeResult:
        """One edge: the samples of its source that give `answers` (problem id -> answer), translated where it crosses."""
        keep, target = options.keep, self.methods[edge.target]
        how = self.methods[edge.source]
        rows, refused = select.select(source, problems.by_id, how, keep, str(edge), answers)
        rows, refused = self._varying(rows, refused, how, problems, keep, edge)
        found, translations, spent = rows, 0, Spent()
        lost: list[Dropped] = []
        if edge.crosses:
            sent = select.first_of_each(rows, options.labels_per_problem)
            params, count = options.translation, options.translations_per_label
            done = self.translated(checkpoint, edge, sent, problems, params, count, round, recipe.crossing)
            found, lost = select.select_translations(done, sent, problems.by_id, target, keep, str(edge), recipe.verify)
            found, lost = self._varying(found, lost, target, problems, keep, edge)
            translations, spent = len(done), Spent.of(done)
        wrong = sum(bool(target.wrong_steps(row.sample.completion)) for row in found)
        return EdgeResult(edge, len(source), len(rows), found, refused, translations, lost, wrong, spent)

    def trained(
        self,
        examples: ExampleSet,
        start: Checkpoint,
        options: TrainingOptions,
        fitter: Fitter,
        trainer_settings: Mapping[str, Any],
        seed: int,
        title: str,
    ) -> tuple[Checkpoint, ExampleSet]:
        """Train `start` on an example set, or go on where a killed process was; returns also what it was trained on."""
        spec = train.TrainSpec.of(examples.key, start.key, options, trainer_settings, seed)
        self.ledger.distrust("train", spec, _holds_its_checkpoint)
        with self.ledger.stage("train", spec) as stage:
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
            else:
                self.ledger.progress.found(title)
            if not options.keep_after:
                shutil.rmtree(stage.folder / WORK, ignore_errors=True)
            record = TrainingRecord(**json.loads((stage.folder / RECORD).read_bytes()))
            return Checkpoint(target), examples.trained(stage.manifest()["too_long"], record)

    def _judged(
        self, inputs: Sequence[Any], work: Work, units: int, problems: ProblemSet, method: Method, title: str
    ) -> GradedRows:
        """Complete and grade, chunk by chunk: how many are right shows while the rest is being sampled."""
        ran_by = part_spec(self.executor, self.executor.settings)
        judge = None if self.judge is None else part_spec(self.judge)
        spec = grade.GradeSpec(key_of(work.spec), problems.key, method.name, grade.reader_spec(method), ran_by, judge)

        def compute(samples: Sequence[Sample], task: Task) -> list[GradedSample]:
            return grade.grade(samples, problems.by_id, method, self.executor, self.judge)

        works = [work, Work("grade", spec, compute, GradedSample)]
        redo = grade.is_unjudged if self.redo_unjudged else None
        stage = self.ledger.chain(inputs, works, self.chunk, title, units, grade.VerdictTally(), redo)
        unjudged = stage.manifest()["verdicts"].get(Verdict.UNJUDGED, 0) - stage.manifest()["no_gold"]
        if unjudged:
            total = stage.manifest()["rows"]
            log.warning("%s: %d of %d are unjudged; redo_unjudged=true tries them again", title, unjudged, total)
        return GradedRows(stage)

    def _varying(
        self,
        rows: list[GradedSample],
        dropped: list[Dropped],
        method: Method,
        problems: ProblemSet,
        keep: Filter,
        edge: Edge,
    ) -> tuple[list[GradedSample], list[Dropped]]:
        """Without constant programs, where the filter asks for that."""
        if not keep.drop_constant:
            return rows, dropped
        kept, constant = select.drop_constant(rows, problems.by_id, method, self.executor, str(edge))
        return kept, [*dropped, *constant]

    def _assembled(
        self,
        recipe: Recipe,
        checkpoint: Checkpoint,
        problems: ProblemSet,
        keep: Filter,
        results: Sequence[EdgeResult],
        replayed: set[str],
        solved: Mapping[str, Successes],
        match: ExampleSet | None,
    ) -> ExampleSet:
        rows = {result.edge: result.rows for result in results}
        examples, repeated = assemble.assemble(rows, problems.by_id, self.methods, self.writer)
        matched = match.examples if match else None
        agreed = frozenset.intersection(*(found.some for found in solved.values())) if solved else frozenset()
        examples, surplus = quantity.cut(examples, keep, replayed, matched, checkpoint.path, agreed, self.seed)
        dropped = [*dropped_rows(results), *repeated, *surplus]
        self._keep("examples", examples, f"examples of {recipe.name}")
        self._keep("dropped", dropped, f"dropped by {recipe.name}")
        places = {
            "all": None,
            "labelled": {row.sample.problem_id for result in results for row in result.rows},
            "examples": {example.problem_id for example in examples},
        }
        firsts = {name: found.first for name, found in solved.items()}
        return ExampleSet(examples, edge_counts(results, dropped, examples), correlations=correlations(firsts, places))

    def _keep(self, name: str, rows: Sequence[Any], title: str, key: str | None = None) -> None:
        """Keep rows in the ledger, under a hash of themselves."""
        work = Work(name, RowsSpec(key or rows_key(rows)), lambda part, task: part, object)
        self.ledger.chain(rows, [work], max(1, len(rows)), title)

    def keep_prompts(self, inputs: Sequence[Any], prompts: Callable[[Sequence[Any]], Iterable[Prompt]], title: str) -> str:
        """Keep the prompts in the ledger; returns the key of all that an engine is told but the seeds."""
        key = _prompts_key(prompts(inputs))
        work = Work(asked.NAME, RowsSpec(key), lambda part, task: asked.asked_rows(prompts(part)), asked.AskedRow)
        self.ledger.chain(inputs, [work], asked.CHUNK, title)
        return key

    def engine(self) -> tuple[str, str | None]:
        """What keys hold of the engine: its name and version, and its source where it is another package's."""
        return self.sampler.engine, source_of(self.sampler)


def _prompts_key(prompts: Iterable[Prompt]) -> str:
    """Of all that an engine is told but the seeds, which the draw stands for."""
    return rows_key((prompt.id, prompt.text, prompt.stop, prompt.messages, prompt.chat) for prompt in prompts)


def _holds_its_checkpoint(stage: Stage) -> bool:
    """Whether a training's checkpoint is what it ended with."""
    return bool(content_hash(stage.folder / CHECKPOINT) == stage.manifest().get("checkpoint"))
