"""The stages, bound to a ledger: each method here runs one stage, or finds it done.

A stage's key holds the keys of its inputs, or a hash of their rows, so that a change anywhere upstream changes every key
downstream that it can tell on, and no other. See `mmst.ledger.spec`.
"""

from __future__ import annotations

import json
import logging
import math
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, TypeVar

from mmst.errors import ModelError
from mmst.judges.judge import Judge
from mmst.ledger.chunking import Chunking
from mmst.ledger.files import atomic_write
from mmst.ledger.ledger import Ledger, Stage, Work
from mmst.ledger.progress import Task
from mmst.ledger.spec import RowsSpec, key_of, part_spec, rows_key, source_of
from mmst.ledger.spooled import Spooled
from mmst.methods.edge import Edge, attempt_title
from mmst.methods.method import Method
from mmst.methods.prompt import PromptWriter
from mmst.samplers.draw import Draw, LaterDraw
from mmst.samplers.lengths import refuse_if_none_fits
from mmst.samplers.sampler import Sampler, SamplingParams
from mmst.sandbox.result import Executor
from mmst.stages import asked, grade, sample, train, translate
from mmst.stages.sets import (
    Checkpoint,
    ExampleSet,
    GradedRows,
    KeptRows,
    ProblemSet,
)
from mmst.statistics.yields import EdgeCounts
from mmst.training.checkpoint import content_hash
from mmst.training.launch import Fitter
from mmst.training.options import TrainingOptions
from mmst.training.record import TrainingRecord
from mmst.translator import Translator
from mmst.types import GradedSample, Problem, Prompt, Sample, Verdict

__all__ = ["Checkpoint", "EdgeCounts", "ExampleSet", "Pipeline", "ProblemSet"]
log = logging.getLogger(__name__)

Row = TypeVar("Row")
CHECKPOINT = "checkpoint"
WORK = "work"
KEPT_AT_A_TIME = 10_000
"""Rows of a chunk of what is only kept: as JSON, some megabytes, whatever a round makes. No key depends on it."""
RECORD = "record.json"
"""What a training did and how fast; as `seconds.json`, it differs between equal runs."""


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
        translator: Translator | None = None,
        chunk_seconds: float = math.inf,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.ledger = ledger
        self.methods = methods
        self.writer = writer
        self.sampler = sampler
        self.executor = executor
        self.seed = seed
        self.chunking = Chunking(chunk, chunk_seconds, clock)
        self.redo_unjudged = redo_unjudged
        self.judge = judge
        self.translator = translator

    def graded(
        self,
        checkpoint: Checkpoint,
        method: str,
        problems: ProblemSet,
        params: SamplingParams,
        round: int,
        count: int,
        first: int = 0,
        asked: Sequence[Problem] | None = None,
    ) -> GradedRows:
        """Sample and grade `count` completions of each problem, from number `first` on. asked: which of them; None: all."""
        params.check_count(count)
        self.keep("problems", problems.problems, f"problems of {problems.name}", problems.key)
        purpose, inputs = f"{problems.name}/{method}", problems.problems if asked is None else asked
        draw = LaterDraw(self.seed, round, purpose, count, first) if first else Draw(self.seed, round, purpose, count)
        title = f"{problems.name} by {method}{f', try {first + 1}' if first else ''}"
        how = self.methods[method]

        def prompts(part: Sequence[Problem]) -> Iterable[Prompt]:
            return sample.solution_prompts(part, how, self.writer, replace(draw, count=0))  # no key depends on seeds

        key = self.keep_prompts(inputs, prompts, f"prompts of {title}")
        spec = sample.SampleSpec(*self.engine(), checkpoint.key, key, params, draw)

        def compute(part: Sequence[Problem], task: Task) -> list[Sample]:
            self.sampler.load(checkpoint.path)
            return sample.sample(part, how, self.writer, self.sampler, params, draw, task.advance)

        work = Work("sample", spec, compute, Sample)
        rows = self._judged(inputs, work, self.sampler, count, problems, how, f"sample {title}")
        refuse_if_none_fits(rows.stage.manifest(), f"sample {title}", params.max_tokens, count)
        return rows

    def translated(
        self,
        checkpoint: Checkpoint,
        edge: Edge,
        tries: Sequence[translate.Attempt],
        problems: ProblemSet,
        params: SamplingParams,
        count: int,
        round: int,
    ) -> GradedRows:
        """Let an edge's target make attempts that are all of one kind, `count` times each, and grade what it makes."""
        params.check_count(count)
        what = tries[0].title(edge) if tries else attempt_title(edge)
        draw = Draw(self.seed, round, what if round else f"{problems.name}/{what}", count)
        source, target = self.methods[edge.source], self.methods[edge.target]
        by = self._translator(checkpoint, tries)

        def prompts(part: Sequence[translate.Attempt]) -> Iterable[Prompt]:
            return translate.translation_prompts(part, problems.by_id, source, target, by.writer, replace(draw, count=0))

        key = self.keep_prompts(tries, prompts, f"prompts of {what}")
        spec = translate.TranslateSpec(*engine_of(by.sampler), by.checkpoint.key, key, params, draw)

        def compute(part: Sequence[translate.Attempt], task: Task) -> list[Sample]:
            by.sampler.load(by.checkpoint.path)
            return translate.translate(part, problems.by_id, source, target, by.writer, by.sampler, params, draw, task.advance)

        work = Work("translate", spec, compute, Sample)
        rows = self._judged(tries, work, by.sampler, draw.count, problems, target, f"translate {what}")
        if tries and tries[0].number == 1:  # a few tries anew, which show what failed, may well all be too long
            refuse_if_none_fits(rows.stage.manifest(), f"translate {what}", params.max_tokens, count)
        return rows

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
        spec = train.TrainSpec.of(examples.key, start.key, options, trainer_settings, seed, examples.weights_key)
        self.ledger.distrust("train", spec, _holds_its_checkpoint)
        with self.ledger.stage("train", spec) as stage:
            target = stage.folder / CHECKPOINT
            if not stage.done:
                shutil.rmtree(target, ignore_errors=True)  # without a manifest nobody knows what it is
                self.sampler.close()
                work = stage.folder / WORK
                with stage.timed(), stage.followed():
                    record, out = train.train(examples, start.path, target, work, options, fitter, seed)
                atomic_write(stage.folder / RECORD, json.dumps(asdict(record), indent=1).encode())
                stage.finish({"checkpoint": content_hash(target), "too_long": Counter(row.edge for row in out), "title": title})
                log.info("%s: %s", title, record.sentence())
            else:
                self.ledger.progress.found(title)
            if not options.keep_after:
                shutil.rmtree(stage.folder / WORK, ignore_errors=True)
            return Checkpoint(target), examples.trained(stage.manifest().get("too_long", {}), _record(stage.folder / RECORD))

    def _judged(
        self,
        inputs: Sequence[Any],
        work: Work,
        sampler: Sampler,
        units: int,
        problems: ProblemSet,
        method: Method,
        title: str,
    ) -> GradedRows:
        """Complete and grade, chunk by chunk: how many are right shows while the rest is being sampled.

        A chunk is graded while the next one is sampled, where the sampler waits and nothing but programs is waited for in
        grading: a judge may need what the sampler works with, such as a GPU's memory.
        """
        ran_by = part_spec(self.executor, self.executor.settings)
        judge = None if self.judge is None else part_spec(self.judge)
        spec = grade.GradeSpec(key_of(work.spec), problems.key, method.name, grade.reader_spec(method), ran_by, judge)

        def compute(samples: Sequence[Sample], task: Task) -> list[GradedSample]:
            return grade.grade(samples, problems.by_id, method, self.executor, self.judge)

        apart = getattr(sampler, "waits", False) and self.judge is None and getattr(self.executor, "apart", False)
        works = [work, Work("grade", spec, compute, GradedSample, behind=apart)]
        redo = grade.is_unjudged if self.redo_unjudged else None
        stage = self.ledger.chain(inputs, works, self.chunking, title, units, grade.VerdictTally(), redo)
        unjudged = stage.manifest()["verdicts"].get(Verdict.UNJUDGED, 0) - stage.manifest()["no_gold"]
        if unjudged:
            total = stage.manifest()["rows"]
            log.warning("%s: %d of %d are unjudged; redo_unjudged=true tries them again", title, unjudged, total)
        return GradedRows(stage)

    def keep(self, name: str, rows: Sequence[Any], title: str, key: str | None = None) -> Stage:
        """Keep rows in the ledger, under a hash of themselves."""
        if isinstance(rows, Spooled):
            rows = rows.lines()
        work = Work(name, RowsSpec(key or rows_key(rows)), lambda part, task: part, object)
        return self.ledger.chain(rows, [work], Chunking(KEPT_AT_A_TIME), title)

    def kept(self, name: str, rows: Spooled[Row], title: str) -> KeptRows[Row]:
        """The same rows, as they lie in the ledger from now on."""
        key = rows_key(rows.lines())
        return KeptRows(self.keep(name, rows, title, key), rows.row_type, key)

    def keep_prompts(self, inputs: Sequence[Any], prompts: Callable[[Sequence[Any]], Iterable[Prompt]], title: str) -> str:
        """Keep the prompts in the ledger; returns the key of all that an engine is told but the seeds."""
        key = _prompts_key(prompts(inputs))
        work = Work(asked.NAME, RowsSpec(key), lambda part, task: asked.asked_rows(prompts(part)), asked.AskedRow)
        self.ledger.chain(inputs, [work], Chunking(asked.CHUNK), title)
        return key

    def engine(self) -> tuple[str, str | None]:
        """See `engine_of`: of the run's sampler."""
        return engine_of(self.sampler)

    def _translator(self, checkpoint: Checkpoint, tries: Sequence[translate.Attempt]) -> Translator:
        """Who makes these attempts: the model itself, but where they are taught."""
        if tries and tries[0].taught:
            assert self.translator is not None, "a recipe is taught only where a run has a translator"
            return self.translator
        return Translator(checkpoint, self.writer, self.sampler)


def engine_of(sampler: Sampler) -> tuple[str, str | None]:
    """What keys hold of an engine: its name and version, and its source where it is another package's."""
    return sampler.engine, source_of(sampler)


def _prompts_key(prompts: Iterable[Prompt]) -> str:
    """Of all that an engine is told but the seeds, which the draw stands for."""
    return rows_key((prompt.id, prompt.text, prompt.stop, prompt.messages, prompt.chat) for prompt in prompts)


def _holds_its_checkpoint(stage: Stage) -> bool:
    """Whether a training's checkpoint is what it ended with."""
    try:
        return bool(content_hash(stage.folder / CHECKPOINT) == stage.manifest().get("checkpoint"))
    except ModelError:  # of adapters that name no model
        return False


def _record(path: Path) -> TrainingRecord:
    """What a training did; nothing of it where that is lost, since no result depends on it."""
    try:
        return TrainingRecord(**json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError):
        log.warning("ledger: %s is damaged; how fast the training was, and its curve, are not told", path)
        return TrainingRecord()
