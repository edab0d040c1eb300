"""A training's curves at the tracker: told while it runs, or afterwards, where a training is found done in the ledger."""

from __future__ import annotations

import importlib
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmst.config.build import build
from mmst.config.schema import TrainSettings
from mmst.errors import MissingExtraError
from mmst.jobs.placeholders import filled, of_job
from mmst.ledger.files import atomic_write
from mmst.ledger.locks import turn
from mmst.rounds import ArmResult, training_name
from mmst.training.batches import TokenRow
from mmst.training.launch import Fitter
from mmst.training.options import TrainingOptions
from mmst.training.record import TrainingRecord

log = logging.getLogger(__name__)

TOLD = "told_curves.json"
"""In a run's folder: logger -> the trainings whose curves it was told, or is being told."""
CURVES = "curves"
"""Where the trackers that write files leave a training's curves; see configs/tracker."""
EXTRAS = {
    "WandbCurves": ("wandb", 'pip install -c constraints.txt -e ".[wandb]"'),
    "WandbLogger": ("wandb", 'pip install -c constraints.txt -e ".[wandb]"'),
    "TensorBoardLogger": ("tensorboard", 'pip install -c constraints.txt -e ".[tensorboard]"'),
    "MLFlowLogger": ("mlflow", "pip install mlflow"),
}
"""Lightning's logger -> the module that it needs, and how to have it."""


@dataclass(frozen=True)
class Noted:
    """Trains, and notes before that this run's tracker is told the curves meanwhile."""

    fitter: Fitter
    settings: TrainSettings
    name: str

    def __call__(
        self, start: Path, target: Path, rows: Sequence[TokenRow], options: TrainingOptions, work: Path, seed: int
    ) -> TrainingRecord:
        """See `Fitter`."""
        _note(self.settings, self.name)
        return self.fitter(start, target, rows, options, work, seed)


def tell_curves(settings: TrainSettings, results: Sequence[ArmResult]) -> None:
    """Tell a tracker the curves that it was not told: those of trainings that were found done in the ledger."""
    if settings.tracker.logger is None:
        return
    nodes, told, without = logger_nodes(settings), _told(settings), 0
    for result in results:
        name = training_name(result.arm, result.round)
        record = result.examples.record if result.examples else None
        if record is None or name in told:
            continue
        node = nodes(name)
        if node is None or not record.curve:  # of a version that kept none
            without += not (settings.folder / CURVES / name).exists()
            continue
        logger = build(node, "tracker")()
        for row in record.curve:
            logger.log_metrics({key: value for key, value in row.items() if key != "step"}, step=int(row["step"]))
        logger.save()
        logger.finalize("success")
        _note(settings, name)
    if without:
        log.info(
            "tracker: %d trainings were found done in the ledger, with nothing of their curves to tell; they are where "
            "they were told first, and paths.ledger=OTHER trains anew",
            without,
        )


def _note(settings: TrainSettings, name: str) -> None:
    if settings.tracker.logger is None:
        return
    with turn(settings.folder / f".{TOLD}.lock"):  # arms may train side by side
        known = _all_told(settings.folder)
        known[_logger(settings)] = sorted({*known.get(_logger(settings), []), name})
        atomic_write(settings.folder / TOLD, json.dumps(known, indent=1).encode() + b"\n")


def _told(settings: TrainSettings) -> list[str]:
    return _all_told(settings.folder).get(_logger(settings), [])


def _logger(settings: TrainSettings) -> str:
    assert settings.tracker.logger is not None
    return str(settings.tracker.logger["_target_"])


def _all_told(folder: Path) -> dict[str, list[str]]:
    path = folder / TOLD
    if not path.is_file():
        return {}
    try:
        known: dict[str, list[str]] = json.loads(path.read_text())
    except ValueError:
        return {}
    return known


def need_logger(node: Mapping[str, Any]) -> None:
    """Refuse the node of a Lightning logger whose package is not installed.

    Raises:
        MissingExtraError: it is not.
    """
    module, command = EXTRAS.get(str(node["_target_"]).rsplit(".", 1)[-1], (None, ""))
    if module:
        try:
            importlib.import_module(module)
        except ImportError as error:
            raise MissingExtraError(f"tracker={module}", command) from error


def logger_nodes(settings: TrainSettings) -> Callable[[str], dict[str, Any] | None]:
    """(name of a training) -> the node of its Lightning logger; None where the tracker is none."""
    node = settings.tracker.logger
    if node is None:
        return lambda training: None
    need_logger(node)
    known = of_job(settings.folder, settings.group)

    def of(training: str) -> dict[str, Any]:
        arm, _, number = training.rpartition("-round")
        of_training = {**known, "training": training, "arm": arm or training, "round": number}
        return filled(node, of_training, "tracker.logger")

    return of
