"""A job told to one of Lightning's loggers (CSV, TensorBoard, MLflow, ...): its stages while they run, and what it found."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import Logger

from mmst.reporting.tracking import TrackedJob


class LoggerTracker:
    """A tracker that takes numbers alone; samples and the page are in the job's folder.

    Args:
        job: what it is about.
        logger: of Lightning; it takes the numbers of stages by the seconds since the job began.
    """

    def __init__(self, job: TrackedJob, logger: Logger) -> None:
        self._job, self._logger = job, logger
        self._begun = time.perf_counter()

    def summary(self, values: Mapping[str, float | int | str]) -> None:
        """See `Tracker`: the numbers, at the second at which they were found."""
        numbers = {name: float(value) for name, value in values.items() if not isinstance(value, str)}
        self._logger.log_metrics(numbers, step=self._seconds())

    def history(self, step: str, rows: Sequence[Mapping[str, float]]) -> None:
        """See `Tracker`."""
        for row in rows:
            self._logger.log_metrics({name: value for name, value in row.items() if name != step}, step=int(row[step]))

    def table(self, name: str, header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """See `Tracker`: not told, the page has it."""

    def progress(self, values: Mapping[str, float]) -> None:
        """See `Tracker`."""
        self._logger.log_metrics(dict(values), step=self._seconds())
        self._logger.save()

    def page(self, name: str, html: str) -> None:
        """See `Tracker`: not told, it is in the job's folder."""

    def files(self, name: str, kind: str, paths: Sequence[Path]) -> None:
        """See `Tracker`: not told, they are in the job's folder."""

    def close(self, failed: bool) -> None:
        """See `Tracker`."""
        self._logger.save()
        self._logger.finalize("failed" if failed else "success")

    def _seconds(self) -> int:
        return int(time.perf_counter() - self._begun)
