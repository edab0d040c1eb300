"""A training's curves, as a CSV file that stays whole and at W&B."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import CSVLogger, WandbLogger
from lightning.pytorch.utilities import rank_zero_only


class WandbCurves(WandbLogger):
    """Lightning's, but with names as W&B groups them: `train/multi/round1/loss`."""

    LOGGER_JOIN_CHAR = "/"


class WholeCSVLogger(CSVLogger):
    """Lightning's, but with the rows that a killed process left of the steps before those that are logged now.

    Lightning's own begins a file anew where a training is resumed.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._earlier = _rows(Path(self.log_dir) / "metrics.csv")  # the writer removes the file

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:  # type: ignore[override]
        """See `CSVLogger.log_metrics`."""
        if self._earlier and step is not None:
            kept = [row for row in self._earlier if float(row["step"]) < step]
            self._earlier = []
            self.experiment.metrics[:0] = kept
        super().log_metrics(dict(metrics), step)


def _rows(path: Path) -> list[dict[str, Any]]:
    """What a file holds, but for a last line that was cut off."""
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        rows = [{key: value for key, value in row.items() if key and value} for row in csv.DictReader(file)]
    return [row for row in rows if str(row.get("step", "")).isdecimal()]
