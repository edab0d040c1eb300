"""The samples that a report shows: all of some problems, so that each pseudo-label stands beside its translations.

Which problems is decided by a hash of their ids: the same ones in every run, arm, method and round.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmst.ledger.ledger import MANIFEST, Stage
from mmst.ledger.spec import RowsSpec, key_of
from mmst.methods.edge import ARROW, BASE_ARM
from mmst.reporting.part import arm_label
from mmst.reporting.runs import Run, Sweep, base_is_shared
from mmst.stages.asked import NAME, asked_texts, prompt_of
from mmst.types import GradedSample, Problem

COLUMNS = ("problem", "set", "method", "edge", "model", "round", "verdict", "answer", "completion", "source", "prompt")
NAMED = ("set", "method", "edge", "model", "verdict")
"""Columns that hold a number of a name."""


@dataclass(slots=True)
class SampleTable:
    """Samples by columns, as the page's script reads them."""

    total: int = 0
    """Samples that the ledger holds of these runs."""
    share: float = 1.0
    """The share of the problems that is shown."""
    problems: dict[str, list[str]] = field(default_factory=dict)
    """Id -> question, gold answer."""
    prompts: dict[str, int] = field(default_factory=dict)
    """What models were asked -> its number."""
    names: dict[str, dict[str, int]] = field(default_factory=lambda: {name: {} for name in NAMED})
    columns: dict[str, list[Any]] = field(default_factory=lambda: {name: [] for name in COLUMNS})

    def __len__(self) -> int:
        return len(self.columns["problem"])

    def number(self, column: str, name: str) -> int:
        """The number that stands for a name in a column."""
        return self.names[column].setdefault(name, len(self.names[column]))

    def encoded(self) -> str:
        """JSON, compressed and in letters: what an HTML page can hold."""
        order = {id: n for n, id in enumerate(self.problems)}
        columns = {**self.columns, "problem": [order[id] for id in self.columns["problem"]]}
        plain = {
            "problems": [[id, *texts] for id, texts in self.problems.items()],
            "prompts": list(self.prompts),
            "names": {column: list(names) for column, names in self.names.items()},
            "columns": columns,
        }
        return base64.b64encode(gzip.compress(json.dumps(plain).encode(), 6, mtime=0)).decode()


@dataclass(frozen=True, slots=True)
class SampledStage:
    """One graded stage, with what its settings tell."""

    stage: Stage
    set: str
    method: str
    edge: str
    model: str
    round: int
    checkpoint: str
    prompts: Stage | None
    """What was asked; None in ledgers of before it was kept."""

    def is_source_of(self, other: SampledStage) -> bool:
        """Whether `other` translates its samples; both of one run."""
        same = (self.round, self.checkpoint) == (other.round, other.checkpoint)
        return same and self.set == other.set == "train" and not self.edge and other.edge.startswith(f"{self.method} {ARROW}")


def sample_table(sweep: Sweep, most: int) -> SampleTable:
    """About `most` samples of a sweep's runs, or all where there are fewer; none where the ledger is gone."""
    table = SampleTable()
    stages: dict[Path, tuple[SampledStage, SampledStage | None]] = {}
    shared = base_is_shared(sweep, sweep.runs[0].found["dataset"])
    for run in sweep.runs:
        of_run = list(sampled_stages(run, sweep.variant(run), shared))
        for found in sorted(of_run, key=lambda found: bool(found.edge)):
            source = next((other for other in of_run if found.edge and other.is_source_of(found)), None)
            stages.setdefault(found.stage.folder, (found, source))
    table.total = sum(int(found.stage.manifest()["rows"]) for found, _ in stages.values())
    table.share = min(1.0, most / table.total) if table.total else 1.0
    places: dict[tuple[Path, str], int] = {}
    for found, source in stages.values():
        asked = _asked(found, table.share)
        for row in found.stage.rows(GradedSample):
            if _chosen(row.sample.problem_id, table.share):
                if found.set == "train" and not found.edge:
                    places[found.stage.folder, row.sample.id] = len(table)
                above = places.get((source.stage.folder, row.sample.source_id or ""), -1) if source else -1
                _add(table, found, row, above, asked.get(prompt_of(row.sample.id)))
    wanted = set(table.columns["problem"])
    for problem in (problem for run in sweep.runs for problem in problems_of(run, wanted - table.problems.keys())):
        table.problems[problem.id] = [problem.question, problem.answer]
    for id in wanted - table.problems.keys():
        table.problems[id] = ["", ""]
    return table


def _asked(found: SampledStage, share: float) -> dict[str, str]:
    """Prompt's id -> its text, of the problems that are shown."""
    if found.prompts is None:
        return {}
    chosen = {prompt_of(row.sample.id) for row in found.stage.rows(GradedSample) if _chosen(row.sample.problem_id, share)}
    return {asked.id: asked.text for asked in asked_texts(found.prompts) if asked.id in chosen}


def _add(table: SampleTable, found: SampledStage, row: GradedSample, source: int, prompt: str | None) -> None:
    values = {
        "problem": row.sample.problem_id,
        "set": table.number("set", found.set),
        "method": table.number("method", found.method),
        "edge": table.number("edge", found.edge),
        "model": table.number("model", found.model),
        "round": found.round,
        "verdict": table.number("verdict", row.verdict.value),
        "answer": row.answer or "",
        "completion": row.sample.completion,
        "source": source,
        "prompt": -1 if prompt is None else table.prompts.setdefault(prompt, len(table.prompts)),
    }
    for name, value in values.items():
        table.columns[name].append(value)


def sampled_stages(run: Run, variant: str, shared: bool) -> Iterator[SampledStage]:
    """The graded stages of a run, with the model that was sampled from. `shared`: the base is that of all runs."""
    root = Path(run.found["ledger"]["root"])
    stages = {name: stage for name in run.found["ledger"]["stages"] if (stage := done_stage(root, name)) is not None}
    models = {
        row["checkpoint_key"]: arm_label(row["arm"], "" if shared and row["arm"] == BASE_ARM else variant)
        for row in run.found["rounds"]
        if not row["round"]
    }
    models |= {
        s.manifest()["checkpoint"]: _trained_name(s.manifest(), variant) for n, s in stages.items() if n.startswith("train-")
    }
    for name, stage in stages.items():
        if not name.startswith("grade-"):
            continue
        key = stage.manifest()["settings"]["samples"]
        made = stages.get(f"sample-{key}") or stages.get(f"translate-{key}")
        if made is None:
            continue
        settings = made.manifest()["settings"]
        draw = settings["draw"]
        where, _, what = draw["purpose"].rpartition("/")
        edge = what if made.name == "translate" else ""
        yield SampledStage(
            stage,
            where or "train",
            stage.manifest()["settings"]["method"],
            edge,
            models.get(settings["checkpoint"], BASE_ARM),
            int(draw["round"]),
            settings["checkpoint"],
            stages.get(f"{NAME}-{key_of(RowsSpec(settings.get('prompts', '')))}"),
        )


def _trained_name(manifest: Mapping[str, Any], variant: str) -> str:
    return arm_label(training_title(manifest), variant)


def training_title(manifest: Mapping[str, Any]) -> str:
    """Of a training's manifest, such as `multi, round 1`."""
    return " ".join(str(manifest["title"]).removeprefix("train").split())


def problems_of(run: Run, wanted: set[str]) -> Iterator[Problem]:
    """The problems of a run with these ids, as far as the ledger has them."""
    if not wanted:
        return
    root = Path(run.found["ledger"]["root"])
    for name in run.found["ledger"]["stages"]:
        stage = done_stage(root, name) if name.startswith("problems-") else None
        if stage is not None:
            yield from (problem for problem in stage.rows(Problem) if problem.id in wanted)


def done_stage(root: Path, folder: str) -> Stage | None:
    """A stage that is done, by its folder; None where it was deleted."""
    name, _, key = folder.rpartition("-")
    place = root / folder
    if not (place / MANIFEST).is_file():
        return None
    return Stage(name, key, place, {})


def _chosen(problem: str, share: float) -> bool:
    return int.from_bytes(hashlib.sha256(problem.encode()).digest()[:4], "big") < share * 2**32
