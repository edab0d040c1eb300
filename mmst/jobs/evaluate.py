"""Score a model, and further checkpoints beside it, by every method."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from mmst.config.schema import EvalSettings
from mmst.errors import ConfigError
from mmst.jobs.doubts import tell_doubts
from mmst.jobs.evaluation import evaluation_of
from mmst.jobs.opened import opened
from mmst.jobs.outlook import hardest_pieces, measured_pieces
from mmst.jobs.power import check_power, plan_evaluation
from mmst.jobs.problems import test_sets
from mmst.jobs.results import leave_results
from mmst.pipeline import Checkpoint
from mmst.policies.learned import Learned, learned_for, load
from mmst.reasons import check_ways
from mmst.reporting.models import MODELS
from mmst.reporting.results import RESULTS
from mmst.rounds import measured_arm
from mmst.training.checkpoint import local_checkpoint


def run(settings: EvalSettings) -> None:
    """Sample greedily, grade, and print the scores of the model and of each of `checkpoints`; with plan=true, plan it."""
    check_power(settings)
    if settings.plan:
        plan_evaluation(settings)
        return
    with opened(settings) as job:
        sets, methods = test_sets(settings), list(settings.solvers)
        tell_doubts(job, sets)
        evaluation = evaluation_of(settings.evaluation, settings.policy, methods)
        check_ways(evaluation.reasons, job.pipeline.methods, job.pipeline.judge)
        named = {settings.model.name: job.base, **checkpoints_of(settings)}
        learned = learned_of(settings.learned, named)
        pieces = measured_pieces(evaluation, methods, sets) * len(named) + hardest_pieces(evaluation, methods, sets)
        job.pipeline.ledger.progress.expect(pieces)
        results = [
            measured_arm(job.pipeline, evaluation, name, 0, found, sets, learned.get(name)) for name, found in named.items()
        ]
        leave_results(job, evaluation, results, sets)


def learned_of(folder: str | None, named: Mapping[str, Checkpoint]) -> dict[str, Learned]:
    """What policies have learned for each checkpoint, by its name; nothing where no folder is given.

    Raises:
        PolicyError: the folder holds nothing for one of them.
    """
    if folder is None:
        return {}
    place = Path(folder).expanduser()
    rows = load(place)
    return {name: learned_for(rows, found.key, place) for name, found in named.items()}


def checkpoints_of(settings: EvalSettings) -> dict[str, Checkpoint]:
    """Name -> checkpoint. A run's folder stands for the last checkpoint of each of its arms."""
    found: dict[str, Checkpoint] = {}
    for name, path in settings.checkpoints.items():
        folder = Path(path).expanduser()
        if (folder / RESULTS).is_file():
            found.update(
                {f"{name}/{arm}": Checkpoint(local_checkpoint(place)) for arm, place in trained_checkpoints(folder).items()}
            )
        else:
            found[name] = Checkpoint(local_checkpoint(folder))
    if settings.model.name in found:
        raise ConfigError(f"checkpoints.{settings.model.name} is the name of the model itself; give it another one.")
    return found


def trained_checkpoints(run: Path) -> dict[str, Path]:
    """Arm -> the checkpoint of its last round, in the run's order: in its folder, or in the ledger for earlier versions."""
    if not run.is_dir():
        raise ConfigError(
            f"there is no run in {run}; give a run's folder, such as runs/train/default (`mmst runs` lists them)."
        )
    left = {path.name: path for path in sorted((run / MODELS).glob("*")) if path.is_dir()}
    try:
        rounds = json.loads((run / RESULTS).read_text())["rounds"] if not left or (run / RESULTS).is_file() else []
        found = {row["arm"]: left.get(row["arm"]) or Path(row["checkpoint"]) for row in rounds if row["round"]}
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"checkpoints: {run / RESULTS} is damaged; give the checkpoint's own folder.") from error
    if left:
        return {arm: left[arm] for arm in dict.fromkeys([*found, *left]) if arm in left}
    if not found:
        raise ConfigError(f"checkpoints: the run in {run} has trained nothing; give one that has, or a checkpoint's folder.")
    return found
