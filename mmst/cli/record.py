"""What became of each job: written by a callback of Hydra into the job's folder, whatever process runs the job.

A job of a sweep that fails is named, and the others go on; the same command tries it again.
"""

from __future__ import annotations

import json
import logging
import time
from pathlib import Path
from typing import Any, ClassVar

from hydra.core.utils import JobReturn, JobStatus
from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from mmst.config.sentences import explained
from mmst.ledger.files import atomic_write

log = logging.getLogger(__name__)

JOB = "job.json"


class JobRecord(Callback):
    """Writes `job.json` when a job ends: whether it failed and why, its overrides, and its seconds."""

    sweep: ClassVar[Path | None] = None
    """The folder of the sweep that this process runs; None for a single job."""

    def __init__(self) -> None:
        self.started = time.perf_counter()

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Remember where the jobs are."""
        JobRecord.sweep = Path(config.hydra.sweep.dir)

    def on_job_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Start the clock."""
        self.started = time.perf_counter()

    def on_job_end(self, config: DictConfig, job_return: JobReturn, **kwargs: Any) -> None:
        """Write what became of it."""
        folder = Path(config.hydra.runtime.output_dir)
        failed = job_return.status is not JobStatus.COMPLETED
        found = {
            "name": folder.name,
            "failed": failed,
            "why": _why(job_return) if failed else None,
            "overrides": list(config.hydra.overrides.task),
            "seconds": round(time.perf_counter() - self.started, 1),
        }
        if folder.is_dir():
            atomic_write(folder / JOB, json.dumps(found, indent=1).encode() + b"\n")
        if failed and config.hydra.mode.name == "MULTIRUN":
            log.error("job %s failed: %s", folder.name, found["why"])

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        """Say where the jobs are."""
        log.info("sweep: %s; `mmst report %s` makes its page", config.hydra.sweep.dir, config.hydra.sweep.dir)


def failures() -> str | None:
    """One sentence about the jobs of this process's sweep that failed when they were last run; None where there are none."""
    if JobRecord.sweep is None:
        return None
    failed = failed_jobs(JobRecord.sweep)
    if not failed:
        return None
    jobs, them = ("1 job", "it") if len(failed) == 1 else (f"{len(failed)} jobs", "them")
    named = " ".join(f"{name}: {why}" for name, why in failed.items())
    return f"{jobs} of the sweep failed, and the others went on; the same command tries {them} again. {named}"


def failed_jobs(sweep: Path) -> dict[str, str]:
    """The names of a sweep's jobs that failed when they were last run, with the reasons."""
    found = [json.loads(path.read_text()) for path in sorted(sweep.glob(f"*/{JOB}"))]
    return {str(job["name"]): str(job["why"]) for job in found if job["failed"]}


def _why(job: JobReturn) -> str:
    error = job._return_value
    return explained(error) or f"{type(error).__name__}: {error}" if isinstance(error, BaseException) else "it was stopped."
