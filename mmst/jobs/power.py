"""How many problems and seeds a comparison would take: `plan=true power=1.0`, before anything is run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from math import comb
from pathlib import Path
from typing import Any

from mmst.config.build import build
from mmst.config.schema import EvalSettings, TrainSettings
from mmst.errors import ConfigError, DataError
from mmst.jobs.problems import test_sets
from mmst.ledger.files import atomic_write
from mmst.ledger.remote import folder_of
from mmst.ledger.stage import MANIFEST, done_stage
from mmst.methods.edge import BASE_ARM
from mmst.pipeline import Checkpoint, ProblemSet
from mmst.planning.power import PHI, UNKNOWN, Known, assumed, power_row
from mmst.reporting.power import known_differences, power_notes, power_table
from mmst.reporting.progress import say
from mmst.reporting.results import RESULTS
from mmst.reporting.runs import Sweep, read_sweep
from mmst.reporting.screen import show_table
from mmst.stages.evaluate import EITHER, outcomes_by_method, score
from mmst.types import GradedSample


def print_power(settings: TrainSettings | EvalSettings, checkpoint: Path | None) -> list[dict[str, Any]]:
    """Print what a difference of `settings.power` points takes on each data set; returns the rows as plain data.

    checkpoint: the base's folder; None where the model is not here.
    """
    assert settings.power is not None
    sweep, place = _source(settings)
    found: list[dict[str, Any]] = []
    comparisons = _comparisons(settings)
    for problems in test_sets(settings):
        known = _wanted(known_differences(sweep, problems.name), settings) if sweep else []
        source = f"as counted in {place}"
        if not known:
            known, source = _assumed(settings, checkpoint, problems)
        n = len(problems.problems)
        rows = [power_row(row, settings.power / 100, n, comparisons) for row in known]
        say(f"\na difference of {settings.power:g} points on {problems.name}, with {n:,} problems now")
        show_table(power_table(rows, comparisons), heads=2)
        say(f"discordant, solved by one of the two arms alone: {source}")
        found += [{"dataset": problems.name, "n": n, "comparisons": comparisons, "source": source, **asdict(r)} for r in rows]
    for note in power_notes(settings.power, comparisons):
        say(note)
    return found


def plan_evaluation(settings: EvalSettings) -> None:
    """Print what a difference takes, and write it to `plan.json`.

    Raises:
        ConfigError: no difference is asked for: an evaluation has no trainings to plan.
    """
    if settings.power is None:
        raise ConfigError("plan=true: of an evaluation, what a difference takes is planned; add power=1.0, in points.")
    here = settings.model.architecture is None
    rows = print_power(settings, build(settings.model.checkpoint, "model") if here else None)
    write_plan({"power": rows}, settings.folder)


def write_plan(content: Mapping[str, Any], folder: Path) -> None:
    """Write `plan.json` into a run's folder, and say so."""
    place = folder / "plan.json"
    atomic_write(place, json.dumps(content, indent=1).encode())
    say(f"plan: {place}")


def check_power(settings: TrainSettings | EvalSettings) -> None:
    """Refuse a power that would be ignored.

    Raises:
        ConfigError: nothing is planned.
    """
    if settings.power is not None and not settings.plan:
        raise ConfigError(f"power={settings.power:g} is of a plan; add plan=true, or leave it out to run the job.")


def _comparisons(settings: TrainSettings | EvalSettings) -> int:
    """Of the table that the run would print: every pair of arms by every method, and by any."""
    trained = sum(row.edges != [] for row in settings.recipes)
    arms = 1 + (trained if isinstance(settings, TrainSettings) else len(settings.checkpoints))
    methods = len(settings.solvers) + (len(settings.solvers) > 1)
    return max(1, comb(arms, 2) * methods)


def _source(settings: TrainSettings | EvalSettings) -> tuple[Sweep | None, str]:
    """What has run already: the folder that is named, else the sweep's own, else the newest run of this model and data set."""
    if settings.power_from is not None:
        place = Path(settings.power_from).expanduser()
        return read_sweep(place), str(place)
    beside = settings.folder.parent
    if settings.group is not None and any(beside.glob(f"*/{RESULTS}")):
        return read_sweep(beside), str(beside)
    paths = sorted(beside.glob(f"*/{RESULTS}"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in paths:
        try:
            sweep = read_sweep(path.parent)
        except DataError:
            continue
        if _same(sweep.runs[0].found.get("config", {}), settings):
            return sweep, str(path.parent)
    return None, ""


def _same(config: Any, settings: TrainSettings | EvalSettings) -> bool:
    names = {"model": settings.model.name, "dataset": settings.dataset.name}
    return all((config.get(key) or {}).get("name") == name for key, name in names.items())


def _wanted(known: Sequence[Known], settings: TrainSettings | EvalSettings) -> list[Known]:
    """The pairs of the main arm, where there are any: a table of all pairs is long."""
    if not isinstance(settings, TrainSettings):
        return list(known)
    return [row for row in known if settings.method.name in row.arms.split(" (")[0].split(" - ")] or list(known)


def _assumed(settings: TrainSettings | EvalSettings, checkpoint: Path | None, problems: ProblemSet) -> tuple[list[Known], str]:
    assert settings.power is not None
    ledger = folder_of(settings.paths.ledger, settings.paths.cache)
    base = {} if checkpoint is None else _base(ledger, checkpoint, problems, settings)
    methods = [*settings.solvers, *([EITHER] if len(settings.solvers) > 1 else [])]
    arms = f"an arm - {BASE_ARM}"
    rows = [assumed(arms, method, base.get(method), settings.power / 100) for method in methods]
    where = "the base's answers in the ledger" if base else f"none known, and a base of {UNKNOWN:.0%} assumed"
    words = (
        f"assumed, since no run of these is known ({where}): outcomes of two arms correlate at {PHI:g}; run one seed, "
        "or name a run or a sweep by power_from=FOLDER"
    )
    return rows, words


def _base(root: Path, checkpoint: Path, problems: ProblemSet, settings: TrainSettings | EvalSettings) -> dict[str, float]:
    """Method -> the base's accuracy on these problems, where the ledger has its greedy answers by every method."""
    key = Checkpoint(checkpoint).key
    samples = {}
    for path in root.glob(f"sample-*/{MANIFEST}"):
        told = _settings(path)
        draw, params = told.get("draw") or {}, told.get("params") or {}
        if told.get("checkpoint") == key and params.get("temperature") == 0 and draw.get("count") == 1:
            samples[path.parent.name.rpartition("-")[2]] = str(draw.get("purpose"))
    graded: dict[str, list[GradedSample]] = {}
    for path in root.glob(f"grade-*/{MANIFEST}"):
        told = _settings(path)
        method = str(told.get("method"))
        if told.get("problems") == problems.key and samples.get(str(told.get("samples"))) == f"{problems.name}/{method}":
            stage = done_stage(root, path.parent.name)
            graded[method] = [] if stage is None else list(stage.rows(GradedSample))
    if set(graded) < set(settings.solvers):
        return {}
    found = outcomes_by_method({method: graded[method] for method in settings.solvers})
    return {method: row.accuracy for method, outcomes in found.items() if (row := score(outcomes)).n}


def _settings(path: Path) -> dict[str, Any]:
    """A stage's settings; nothing of a manifest that is damaged."""
    try:
        return dict(json.loads(path.read_bytes())["settings"])
    except (OSError, ValueError, KeyError, TypeError):
        return {}
