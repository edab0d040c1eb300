"""What became of each job: written by a callback of Hydra into the job's folder, whatever process runs the job.

A job of a sweep that fails is named, and the others go on; the same command tries it again.
"""

from __future__ import annotations

import json
import logging
import os
import time
from pathlib import Path
from typing import Any, ClassVar

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.utils import JobReturn, JobStatus
from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from mmst.cli.names import SWEPT, run_name, swept_overrides
from mmst.config.sentences import explained
from mmst.ledger.files import atomic_write, natural_order
from mmst.reporting.outlook import SweepOutlook
from mmst.reporting.progress import among, label

log = logging.getLogger(__name__)

JOB = "job.json"
WHOLE = "MMST_SWEEP"
"""Environment variable by which a sweep tells its jobs, also those in other processes, how many they are and when it began."""
SWEEP = "sweep.json"
"""How many jobs a sweep has, for `mmst report --watch`."""
CLOCKS = 2.0
"""Seconds that the times of a file system's files may be off."""


class JobRecord(Callback):
    """Writes `job.json` when a job ends: whether it failed and why, its overrides, and its seconds."""

    sweep: ClassVar[Path | None] = None
    """The folder of the sweep that this process runs; None for a single job."""
    begun: ClassVar[float] = 0.0
    """When it began, as the time of files."""

    def __init__(self) -> None:
        self.started = time.perf_counter()

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Remember where the jobs are, how many there are, and by which overrides they differ."""
        JobRecord.sweep, JobRecord.begun = Path(config.hydra.sweep.dir), time.time()
        jobs, swept = swept_jobs(config)
        atomic_write(JobRecord.sweep / SWEEP, json.dumps({"jobs": jobs}).encode())
        os.environ[SWEPT] = ",".join(swept)
        os.environ[WHOLE] = json.dumps({"jobs": jobs, "begun": JobRecord.begun})

    def on_job_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Start the clock; where jobs run side by side, their lines say whose they are, by what differs between them."""
        self.started = time.perf_counter()
        swept = config.hydra.mode.name == "MULTIRUN"
        label(run_name(swept_overrides(config.hydra.overrides.task)) if _beside_others(config) else None)
        among((lambda: _rest(Path(config.hydra.sweep.dir))) if swept else None)

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
        label(None)
        among(None)
        if config.hydra.mode.name == "MULTIRUN":
            if failed:
                log.error("job %s failed: %s", folder.name, found["why"])
            if rest := _rest(Path(config.hydra.sweep.dir)):
                log.info("%s", rest)

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        """Say where the jobs are, and what makes a page of these and no others."""
        sweep = Path(config.hydra.sweep.dir)
        recorded = sorted(sweep.glob(f"*/{JOB}"), key=natural_order)
        own = [path.parent for path in recorded if path in _ended(sweep, JobRecord.begun)]
        pages = sweep if not own or len(own) == len(recorded) else " ".join(map(str, own))
        log.info("sweep: %s; `mmst report %s` makes its page", sweep, pages)


def swept_jobs(config: DictConfig) -> tuple[int | None, list[str]]:
    """(how many jobs a sweep has, the overrides that differ between them); nothing is known where a search chooses them."""
    if not str(config.hydra.get("sweeper", {}).get("_target_", "")).endswith("BasicSweeper"):
        return None, []
    lists = [f"{key}={value}" for key, value in (config.hydra.sweeper.get("params") or {}).items()]
    parsed = OverridesParser.create().parse_overrides([*lists, *config.hydra.overrides.task])
    if any(one.is_sweep_override() and not one.is_discrete_sweep() for one in parsed):
        return None, []  # the sweeper refuses it
    (jobs,) = BasicSweeper.split_arguments(parsed, None)
    varied = [words for words in zip(*jobs, strict=True) if len(set(words)) > 1]
    return len(jobs), [words[0].partition("=")[0].lstrip("+~") for words in varied]


def _beside_others(config: DictConfig) -> bool:
    launcher = config.hydra.get("launcher") or {}
    return config.hydra.mode.name == "MULTIRUN" and not str(launcher.get("_target_", "BasicLauncher")).endswith("BasicLauncher")


def _rest(sweep: Path) -> str:
    """How far a sweep is; nothing where that is not known, or all is done."""
    told = os.environ.get(WHOLE)
    if told is None:
        return ""
    outlook = SweepOutlook(**json.loads(told))
    return outlook.left(list(_ended(sweep, outlook.begun).values()), time.time())


def _ended(sweep: Path, begun: float) -> dict[Path, float]:
    """The records of the jobs that have ended since the sweep began, with their times."""
    times = {path: path.stat().st_mtime for path in sweep.glob(f"*/{JOB}")}
    return {path: ended for path, ended in times.items() if ended >= begun - CLOCKS}


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
