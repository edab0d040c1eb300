"""Where something of a run is from, and what became of it: a problem, sample, translation or checkpoint.

1. In: a run's folder, and an id as the tables, the page and the ledger show them.
2. Samples of equal id come from different models or rounds: each is a find of its own.
3. Out: words, a block a find.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from mmst.ledger.stage import Stage, done_stage
from mmst.reporting.runs import read_sweep
from mmst.reporting.samples import SampledStage, sampled_stages, training_title
from mmst.stages.asked import asked_texts, prompt_of
from mmst.types import Dropped, Example, GradedSample, Problem


@dataclass(frozen=True)
class Traced:
    """A run's stages, as far as the ledger still has them."""

    found: Mapping[str, Any]
    """Its results."""
    sampled: tuple[SampledStage, ...]

    @classmethod
    def of(cls, folder: Path) -> Traced:
        """A run by its folder."""
        (run,) = read_sweep(folder).runs
        return cls(run.found, tuple(sampled_stages(run, "", frozenset())))

    def stages(self, name: str) -> Iterator[Stage]:
        """The stages of a name."""
        root = Path(self.found["ledger"]["root"])
        for folder in self.found["ledger"]["stages"]:
            stage = done_stage(root, folder) if folder.startswith(f"{name}-") else None
            if stage is not None:
                yield stage

    @cached_property
    def trainings(self) -> dict[str, str]:
        """The key of what was trained on -> the training's title, such as `multi, round 1`."""
        manifests = [stage.manifest() for stage in self.stages("train")]
        return {manifest["settings"]["examples"]: training_title(manifest) for manifest in manifests}


def trace(folder: Path, id: str) -> list[str]:
    """What a run's ledger holds of an id, a text a find; none where it holds nothing."""
    run = Traced.of(folder)
    return [*_problem(run, id), *_samples(run, id), *_checkpoint(run, id)]


def _problem(run: Traced, id: str) -> Iterator[str]:
    problem = next((row for stage in run.stages("problems") for row in stage.rows(Problem) if row.id == id), None)
    if problem is None:
        return
    lines = [f"problem {id}: {problem.question}", f"  gold answer: {problem.answer}"]
    for stage in run.sampled:
        rows = [row for row in stage.stage.rows(GradedSample) if row.sample.problem_id == id]
        if rows:
            verdicts = Counter(row.verdict.value for row in rows)
            counts = ", ".join(f"{count} {verdict}" for verdict, count in verdicts.items())
            lines.append(f"  {_how(stage)}: {counts} ({rows[0].sample.id}{', ...' if len(rows) > 1 else ''})")
    yield "\n".join(lines)


def _samples(run: Traced, id: str) -> Iterator[str]:
    for stage in run.sampled:
        for row in stage.stage.rows(GradedSample):
            if row.sample.id == id:
                yield "\n".join([*_told(run, stage, row), *_children(run, stage, id)])


def _told(run: Traced, stage: SampledStage, row: GradedSample) -> Iterator[str]:
    sample = row.sample
    yield f"{'translation' if stage.edge else 'sample'} {sample.id}, {_how(stage)}: {row.verdict} ({row.reason})"
    yield f"  problem: {sample.problem_id}; answer: {row.answer}; {sample.completion_tokens} tokens, seed {sample.seed}"
    if sample.source_id:
        yield f"  translated from: {sample.source_id}"
    if stage.prompts is not None:
        asked = next((asked for asked in asked_texts(stage.prompts) if asked.id == prompt_of(sample.id)), None)
        if asked is not None:
            yield f"  asked by prompt: {asked.hash}"
    yield from (f"  | {line}" for line in sample.completion.strip().splitlines())


def _children(run: Traced, stage: SampledStage, id: str) -> Iterator[str]:
    """What became of a sample: translations, examples of trainings, or why it was dropped."""
    for other in run.sampled:
        if stage.is_source_of(other):
            for row in other.stage.rows(GradedSample):
                if row.sample.source_id == id:
                    yield f"  translated, {other.edge}: {row.sample.id}: {row.verdict}, answer {row.answer}"
    if stage.set != "train" or not stage.round:  # round 0: what a checkpoint is measured by, under the same ids
        return
    for examples in run.stages("examples"):
        title = run.trainings.get(examples.manifest()["settings"]["rows"], "no training of this run")
        yield from (f"  trained on: {title}, edge {row.edge}" for row in examples.rows(Example) if row.id == id)
    dropped = Counter((row.edge, row.reason) for rows in run.stages("dropped") for row in rows.rows(Dropped) if row.id == id)
    yield from (f"  left out, {edge}: {reason}" for edge, reason in dropped)


def _checkpoint(run: Traced, id: str) -> Iterator[str]:
    for row in run.found["rounds"]:
        if id not in (row["arm"], row["checkpoint_key"]):
            continue
        lines = [f"checkpoint {row['checkpoint_key']}: {row['arm']}, round {row['round']}", f"  folder: {row['checkpoint']}"]
        if row["round"]:
            edges = run.found["counts"].get(row["arm"], {})
            counts = ", ".join(f"{tally['examples']:,} {edge}" for edge, tally in edges.items())
            lines.append(f"  trained on {row['examples']:,} examples (last round: {counts})")
        lines += [f"  {_how(stage)}" for stage in run.sampled if stage.checkpoint == row["checkpoint_key"]]
        yield "\n".join(lines)


def _how(stage: SampledStage) -> str:
    what = stage.edge or f"by {stage.method}"
    return f"{what}, {stage.set} problems, by the model {stage.model}" + (f", round {stage.round}" if stage.round else "")
