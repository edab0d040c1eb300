"""How fast a run's stages were, as its ledger tells: the rates that a larger round is planned with."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from mmst.errors import ConfigError
from mmst.ledger.stage import Stage, done_stage

SAMPLED, GRADED, TRAINED = ("sample", "translate"), ("grade",), "train"
WRITTEN = ("problems", "prompts", "examples", "dropped", "contrasted")
"""Stages that only write what is there: the ledger's own pace."""
RECORD = "record.json"
JUDGED = 18_000.0


@dataclass(frozen=True, slots=True)
class Rates:
    """What was measured. All but `rows`, `kept` and `start` must be above 0."""

    sample: float
    """Completions a second of one device."""
    grade: float
    """Completions a second of the driver: answers read, programs run, verdicts written."""
    ledger: float
    """Rows a second of the driver."""
    train: float
    """Examples a second of one device."""
    rows: float = 1.0
    """Rows of prompts and examples for each completion."""
    kept: float = 1.0
    """Distinct examples of one training for each completion: what epochs are counted by."""
    start: float = 0.0
    """Seconds of a training beside its steps."""
    judge: float = JUDGED
    """Completions a second that the driver reads and judges where others run the programs: of one core, in tests of scale."""


NAMES = tuple(field.name for field in fields(Rates))
NEEDED = ("sample", "grade", "ledger", "train", "judge")


def read_rates(run: str | None, devices: int, named: Mapping[str, float]) -> Rates:
    """The rates of a run's folder, which ran on `devices` devices, and `named` ones instead of those of the same name.

    Raises:
        ConfigError: it is no run's folder, its ledger is gone, or a rate is missing.
    """
    if wrong := [name for name in named if name not in NAMES]:
        raise ConfigError(f"hardware.cluster.rates: {', '.join(wrong)} is none of {', '.join(NAMES)}.")
    found = {"judge": JUDGED, **(_of_run(Path(run), devices) if run else {}), **named}
    if missing := [name for name in NEEDED if not found.get(name)]:
        how = f"the stages of {run} do not tell them" if run else "hardware.cluster.run=FOLDER of a run tells them"
        raise ConfigError(f"hardware.cluster.rates: {', '.join(missing)} must be above 0; {how}.")
    return Rates(**found)


def _of_run(folder: Path, devices: int) -> dict[str, float]:
    rows: dict[str, float] = {}
    seconds: dict[str, float] = {}
    trained = stepping = distinct = 0.0
    trainings = 0
    for stage in _stages(folder):
        seconds[stage.name] = seconds.get(stage.name, 0.0) + stage.seconds
        if stage.name == TRAINED:
            record = _read(stage.folder / RECORD) or {}
            trained += record.get("examples", 0)
            stepping += record.get("seconds", 0.0)
            trainings += 1
        else:
            rows[stage.name] = rows.get(stage.name, 0.0) + stage.manifest().get("rows", 0)
        distinct = max(distinct, stage.manifest().get("rows", 0) if stage.name == "examples" else 0)
    completions = sum(rows.get(name, 0.0) for name in SAMPLED)
    written = sum(rows.get(name, 0.0) for name in WRITTEN)
    found = {
        "sample": _rate(completions, sum(seconds.get(name, 0.0) for name in SAMPLED)) / devices,
        "grade": _rate(sum(rows.get(name, 0.0) for name in GRADED), sum(seconds.get(name, 0.0) for name in GRADED)),
        "ledger": _rate(written, sum(seconds.get(name, 0.0) for name in WRITTEN)),
        "train": _rate(trained, stepping) / devices,
    }
    if completions:
        found |= {"rows": written / completions, "kept": distinct / completions}
    if trainings:
        found["start"] = max(0.0, seconds[TRAINED] - stepping) / trainings
    return found


def _stages(folder: Path) -> Iterator[Stage]:
    """The stages that a run asked for, once each, as far as they are there."""
    results = _read(folder / "results.json")
    if results is None or "ledger" not in results:
        raise ConfigError(f"hardware.cluster.run={folder} is no folder of a run that ended: it has no results.json.")
    root = Path(results["ledger"]["root"])
    named = dict.fromkeys(results["ledger"]["stages"])
    there = [stage for name in named if (stage := done_stage(root, name)) is not None]
    if not there:
        raise ConfigError(f"hardware.cluster.run={folder}: its stages are no longer in {root}; run it again, or name rates.")
    yield from there


def _read(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _rate(amount: float, seconds: float) -> float:
    return amount / seconds if seconds > 0 else 0.0
