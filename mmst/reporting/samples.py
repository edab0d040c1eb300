"""The samples that a report shows: all of some problems, so that each pseudo-label stands beside its translations.

Which problems is decided by a hash of their ids: the same ones in every run, arm, method and round.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from mmst.ledger.spec import RowsSpec, key_of
from mmst.ledger.stage import Stage, done_stage
from mmst.methods.edge import ARROW, BASE_ARM, TAUGHT
from mmst.reporting.arm_style import arm_name
from mmst.reporting.part import arm_label
from mmst.reporting.runs import Run, Sweep, shared_arms
from mmst.stages.asked import NAME, asked_texts, prompt_of
from mmst.types import Dropped, GradedSample, Problem

COLUMNS = (
    "problem", "set", "method", "edge", "model", "seed", "round", "verdict", "drop", "answer", "reason", "tokens", "completion",
    "output", "source", "prompt",
)  # fmt: skip
NAMED = ("set", "method", "edge", "model", "seed", "verdict", "drop", "reason")
"""Columns that hold a number of a name."""


@dataclass(slots=True)
class SampleTable:
    """Samples by columns."""

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
        numbers = self.names[column]
        return numbers.setdefault(name, len(numbers))

    def drawn(self, most: int) -> SampleTable:
        """About `most` of the samples: all of some problems, drawn by a hash of their ids."""
        share = min(1.0, most / len(self)) if len(self) else 1.0
        if share == 1.0:
            return self
        chosen = {id for id in self.problems if _chosen(id, share)}
        rows = [row for row, id in enumerate(self.columns["problem"]) if id in chosen]
        place = {row: number for number, row in enumerate(rows)}
        columns = {name: [values[row] for row in rows] for name, values in self.columns.items()}
        columns["source"] = [place.get(row, -1) for row in columns["source"]]
        problems = {id: texts for id, texts in self.problems.items() if id in chosen}
        return SampleTable(self.total, share, problems, self.prompts, self.names, columns)

    def rewritten(self, change: Callable[[str, str], str]) -> SampleTable:
        """The table with every text changed. change: (text, where it stands) -> the text to show."""
        places = [f"a sample of the problem {id}" for id in self.columns["problem"]]
        columns = dict(self.columns)
        for name in ("answer", "completion", "output"):
            columns[name] = [change(text, place) for text, place in zip(self.columns[name], places, strict=True)]
        problems = {id: [change(text, f"the problem {id}") for text in texts] for id, texts in self.problems.items()}
        prompts: dict[str, int] = {}
        number = {-1: -1}  # two prompts may have become one
        number |= {old: prompts.setdefault(change(text, "a prompt"), len(prompts)) for text, old in self.prompts.items()}
        columns["prompt"] = [number[old] for old in self.columns["prompt"]]
        return replace(self, columns=columns, problems=problems, prompts=prompts)


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
        by_another = self.round == 1 and TAUGHT in other.edge  # than who made what it translates: in round 1, the base
        same = self.round == other.round and (self.checkpoint == other.checkpoint or by_another)
        return same and self.set == other.set == "train" and not self.edge and other.edge.startswith(f"{self.method} {ARROW}")


Fates = dict[str, dict[str, set[str]]]
"""A sample's id -> why it was left out -> the arms that did."""


@dataclass(frozen=True, slots=True)
class _Found:
    """A stage that a table takes samples from, and whose."""

    stage: SampledStage
    source: SampledStage | None
    seed: str
    fates: Fates = field(default_factory=dict)
    """Why arms of any run left its samples out."""
    arms: set[str] = field(default_factory=set)
    """The arms of these runs that were trained in its round."""

    def fate(self, id: str) -> str:
        """Why a sample was left out; by which arms, where it was not by all."""
        return fate_words(self.fates.get(id, {}), self.arms)


def fate_words(reasons: Mapping[str, set[str]], trained: set[str]) -> str:
    """Why a sample was left out. reasons: reason -> the arms that gave it; trained: all arms of the round."""
    named = {reason: "" if arms >= trained else f" by {' and '.join(sorted(arms))}" for reason, arms in reasons.items()}
    return ", ".join(f"{reason}{arms}" for reason, arms in sorted(named.items()))


def sample_table(sweep: Sweep, most: int) -> SampleTable:
    """About `most` samples of a sweep's runs, or all where there are fewer; none where the ledger is gone."""
    table = SampleTable()
    stages: dict[Path, _Found] = {}
    shared = shared_arms(sweep, sweep.runs[0].found["dataset"])
    of_runs = [(run, list(sampled_stages(run, sweep.variant(run), shared))) for run in sweep.runs]
    rows_of = {found.stage.folder: int(found.stage.manifest()["rows"]) for _, of_run in of_runs for found in of_run}
    table.total = sum(rows_of.values())
    table.share = min(1.0, most / table.total) if table.total else 1.0
    for run, of_run in of_runs:
        fates, trained = fates_of(run, table.share)
        for found in sorted(of_run, key=lambda found: bool(found.edge)):
            source = next((other for other in of_run if found.edge and other.is_source_of(found)), None)
            known = stages.setdefault(found.stage.folder, _Found(found, source, run.seed))
            if found.set == "train":
                known.arms.update(trained.get(found.round, set()))
                for id, reasons in fates.get(found.round, {}).items():
                    for reason, arms in reasons.items():
                        known.fates.setdefault(id, {}).setdefault(reason, set()).update(arms)
    places: dict[tuple[Path, str], int] = {}
    for of_stage in stages.values():
        _read(table, of_stage, places)
    wanted = set(table.columns["problem"])
    for problem in (problem for run in sweep.runs for problem in problems_of(run, wanted - table.problems.keys())):
        table.problems[problem.id] = [problem.question, problem.answer]
    for id in wanted - table.problems.keys():
        table.problems[id] = ["", ""]
    return table


def _read(table: SampleTable, of_stage: _Found, places: dict[tuple[Path, str], int]) -> None:
    """Add a stage's samples; `places` knows the rows of those that translations may have as their source."""
    found, source = of_stage.stage, of_stage.source
    rows = [row for row in found.stage.rows(GradedSample) if _chosen(row.sample.problem_id, table.share)]
    asked = _asked(found, rows)
    constant = {
        "set": table.number("set", found.set),
        "method": table.number("method", found.method),
        "edge": table.number("edge", found.edge),
        "model": table.number("model", found.model),
        "seed": table.number("seed", of_stage.seed),
        "round": found.round,
    }
    number, start = table.number, len(table)
    ids = [row.sample.id for row in rows]
    if found.set == "train" and not found.edge:
        places.update(((found.stage.folder, id), start + place) for place, id in enumerate(ids))
    prompts = (asked.get(prompt_of(id)) for id in ids)
    above = [places.get((source.stage.folder, row.sample.source_id or ""), -1) for row in rows] if source else [-1] * len(rows)
    values: dict[str, list[Any]] = {
        "problem": [row.sample.problem_id for row in rows],
        "verdict": [number("verdict", row.verdict.value) for row in rows],
        "drop": [number("drop", of_stage.fate(id)) for id in ids],
        "answer": [row.answer or "" for row in rows],
        "reason": [number("reason", row.reason) for row in rows],
        "tokens": [row.sample.completion_tokens for row in rows],
        "completion": [row.sample.completion for row in rows],
        "output": [row.output for row in rows],
        "source": above,
        "prompt": [-1 if text is None else table.prompts.setdefault(text, len(table.prompts)) for text in prompts],
    }
    for name, column in values.items():
        table.columns[name] += column
    for name, value in constant.items():
        table.columns[name] += [value] * len(rows)


def _asked(found: SampledStage, rows: Sequence[GradedSample]) -> dict[str, str]:
    """Prompt's id -> its text, of the samples that are shown."""
    if found.prompts is None:
        return {}
    chosen = {prompt_of(row.sample.id) for row in rows}
    return {asked.id: asked.text for asked in asked_texts(found.prompts) if asked.id in chosen}


def fates_of(run: Run, share: float) -> tuple[dict[int, Fates], dict[int, set[str]]]:
    """Round -> why arms left samples out, and round -> the arms that were trained; of a share of the problems.

    What an arm of a round left out stands in the ledger behind what it was trained on.
    """
    root, names = Path(run.found["ledger"]["root"]), list(run.found["ledger"]["stages"])
    stages = [stage for name in names if name.startswith("train-") and (stage := done_stage(root, name))]
    users: dict[str, set[tuple[int, str]]] = {}
    trained: dict[int, set[str]] = {}
    for manifest in (stage.manifest() for stage in stages):
        number, arm = trained_arm(manifest)
        users.setdefault(str(manifest["settings"].get("examples")), set()).add((number, arm))
        trained.setdefault(number, set()).add(arm)
    found: dict[int, Fates] = {}
    for examples, dropped in pairwise(names):
        pair = done_stage(root, examples), done_stage(root, dropped)
        if pair[0] is None or pair[1] is None or (pair[0].name, pair[1].name) != ("examples", "dropped"):
            continue
        for number, arm in users.get(str(pair[0].manifest()["settings"]["rows"]), {(1, "")}):
            for row in (row for row in pair[1].rows(Dropped) if _may_be_chosen(row.id, share)):
                found.setdefault(number, {}).setdefault(row.id, {}).setdefault(row.reason, set()).add(arm)
    return found, trained


def trained_arm(manifest: Mapping[str, Any]) -> tuple[int, str]:
    """The round and the arm of a training."""
    arm, _, number = training_title(manifest).rpartition("round ")
    return int(number) if number.isdecimal() else 1, arm.strip(" ,")


def sampled_stages(run: Run, variant: str, shared: Set[str]) -> Iterator[SampledStage]:
    """The graded stages of a run, with the model that was sampled from. `shared`: the arms that all runs have the same."""
    root = Path(run.found["ledger"]["root"])
    stages = {name: stage for name in run.found["ledger"]["stages"] if (stage := done_stage(root, name)) is not None}
    models = {
        row["checkpoint_key"]: arm_label(row["arm"], "" if row["arm"] in shared else variant)
        for row in run.found["rounds"]
        if not row["round"]
    }
    models |= {
        s.manifest()["checkpoint"]: arm_label(trained, "" if arm_name(trained) in shared else variant)
        for n, s in stages.items()
        if n.startswith("train-") and (trained := _trained_name(run, s.manifest()))
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


def _trained_name(run: Run, manifest: Mapping[str, Any]) -> str:
    """The arm; in a run of several rounds, with the round."""
    title = training_title(manifest)
    return title if any(row["round"] > 1 for row in run.found["rounds"]) else title.removesuffix(", round 1")


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


def _chosen(problem: str, share: float) -> bool:
    return int.from_bytes(hashlib.sha256(problem.encode()).digest()[:4], "big") < share * 2**32


def _may_be_chosen(sample: str, share: float) -> bool:
    """Whether a sample's problem may be among the chosen ones: its id begins with the problem's, which may have a slash too."""
    return share >= 1 or any(_chosen(sample[: slash.start()], share) for slash in re.finditer("/", sample))
