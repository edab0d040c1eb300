"""Where a training runs: in this process, or in processes of its own, one for each device.

Processes of its own give their memory back when they end, and a distributed launcher that starts a script anew never starts
the whole job anew. They are started by torchrun, through whatever starts it on each node.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from mmst.errors import ConfigError, TrainingError
from mmst.ledger.files import atomic_write
from mmst.ledger.progress import Progress
from mmst.training.batches import TokenRow
from mmst.training.options import TrainingOptions
from mmst.training.record import TrainingRecord, finished
from mmst.training.signals import SIGNALS
from mmst.training.token_rows import ROWS, TokenTable, write_rows

if TYPE_CHECKING:
    from lightning.pytorch.callbacks import Callback

    from mmst.training.fit import TrainerFactory

log = logging.getLogger(__name__)

JOB, PROGRESS, FAILURE, OUTPUT = "job.json", "progress.json", "failure.txt", "training.log"
STOP = "stop"
"""A file that asks a training to save its step and end, where it was started by another program than torchrun.

`srun` kills what it started when it is sent SIGTERM.
"""
POLL_SECONDS = 0.2
STOP_SECONDS = 600
"""What processes that are told to end have for their step and its checkpoint; a scheduler that allows less ends them itself."""


class Fitter(Protocol):
    """Trains somewhere; see `mmst.training.fit.fit`."""

    def __call__(
        self, start: Path, target: Path, rows: Sequence[TokenRow], options: TrainingOptions, work: Path, seed: int
    ) -> TrainingRecord:
        """Train `start` on rows and write `target`, going on from what is in `work`."""


@dataclass(frozen=True)
class Here:
    """Trains in this process."""

    trainer: TrainerFactory
    callbacks: Sequence[Callback] = ()

    def __call__(
        self, start: Path, target: Path, rows: Sequence[TokenRow], options: TrainingOptions, work: Path, seed: int
    ) -> TrainingRecord:
        """See `Fitter`."""
        from mmst.training.fit import fit  # by Lightning, seconds of imports that only a training needs

        return fit(start, target, rows, options, self.trainer, work, seed, self.callbacks)


@dataclass(frozen=True)
class Launcher:
    """How the processes of a training are started."""

    devices: int | str = 1
    """Processes on each node; auto: as many as it has GPUs."""
    nodes: int = 1
    prefix: list[str] = field(default_factory=list)
    """What starts the rest of the command on each node, such as `srun --nodes=4 --ntasks-per-node=1`."""
    rendezvous: str | None = None
    """HOST:PORT where several nodes meet."""

    def __post_init__(self) -> None:
        if isinstance(self.devices, str) and self.devices != "auto":
            raise ConfigError(f"trainer.devices={self.devices} must be a number, or auto.")
        if isinstance(self.devices, int) and self.devices < 1:
            raise ConfigError(f"trainer.devices={self.devices} must be at least 1.")
        if self.nodes > 1 and not self.rendezvous:
            raise ConfigError("trainer.nodes: give trainer.launcher.rendezvous=HOST:PORT, where the nodes meet.")

    @property
    def processes(self) -> int:
        """Processes on each node."""
        import torch

        return max(1, torch.cuda.device_count()) if isinstance(self.devices, str) else self.devices

    def command(self, job: Path) -> list[str]:
        """The command line that trains what a job file says."""
        work = ["-m", "mmst.jobs.worker", str(job)]
        if self.processes * self.nodes == 1:
            return [*self.prefix, sys.executable, *work]
        meet = ["--standalone"]
        if self.nodes > 1:
            there = ["--rdzv-backend=c10d", f"--rdzv-endpoint={self.rendezvous}", f"--rdzv-id={rendezvous_id(job)}"]
            meet = [f"--nnodes={self.nodes}", *there]
        torchrun = [sys.executable, "-m", "torch.distributed.run", f"--nproc-per-node={self.processes}", *meet]
        return [*self.prefix, *torchrun, *work]

    def environment(self) -> dict[str, str]:
        """This process's environment, and for each process a fair share of its threads, and time to save when it is ended."""
        import torch

        threads = max(1, torch.get_num_threads() // self.processes)
        torchrun = {
            "TORCH_ELASTIC_SHUTDOWN_TIMEOUT": str(STOP_SECONDS),
            "PET_SIGNALS_TO_HANDLE": ",".join(["SIGINT", "SIGHUP", "SIGQUIT", *(number.name for number in SIGNALS)]),
        }
        return {**torchrun, **os.environ, "OMP_NUM_THREADS": str(threads)}


def rendezvous_id(job: Path) -> str:
    """What the nodes of one start of one training meet under.

    Two trainings that are given one address never take each other's nodes, nor does a restart those of a killed start.
    """
    return f"mmst-{hashlib.sha256(str(job.absolute()).encode()).hexdigest()[:16]}-{os.getpid()}"


@dataclass(frozen=True)
class Processes:
    """Trains in processes of its own.

    Args:
        launcher: starts them.
        trainer: the node that each of them builds its Lightning trainer from.
        logger: the same of the trainer's logger; None: no curves are kept.
        progress: where steps are shown.
        title: under which.
    """

    launcher: Launcher
    trainer: Mapping[str, Any]
    logger: Mapping[str, Any] | None
    progress: Progress
    title: str

    def __call__(
        self, start: Path, target: Path, rows: Sequence[TokenRow], options: TrainingOptions, work: Path, seed: int
    ) -> TrainingRecord:
        """See `Fitter`.

        Raises:
            TrainingError: the processes failed; with what they said.
        """
        work.mkdir(parents=True, exist_ok=True)
        if not (isinstance(rows, TokenTable) and rows.path == work / ROWS):
            write_rows(work / ROWS, rows)
        job = Job(
            str(start),
            str(target),
            str(work),
            asdict(options),
            dict(self.trainer),
            None if self.logger is None else dict(self.logger),
            seed,
            os.getpid(),
            socket.gethostname(),
        )
        atomic_write(work / JOB, msgspec.json.encode(job))
        for name in (FAILURE, PROGRESS, STOP):
            (work / name).unlink(missing_ok=True)
        command = self.launcher.command(work / JOB)
        log.debug("training: %s", " ".join(command))
        with (work / OUTPUT).open("ab") as output:
            try:
                process = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=self.launcher.environment()
                )
            except OSError as error:
                raise ConfigError(f"trainer.launcher: {command[0]} cannot be started ({error.strerror}).") from error
            try:
                self._follow(process, work, options.step_count(len(rows)))
            finally:
                if self.launcher.prefix and (work / PROGRESS).exists():
                    _ask_to_end(process, work)
                _end(process)
        ended = finished(work)
        if process.returncode or ended is None or not target.exists():
            raise TrainingError(_what_failed(work, process.returncode))
        return ended[1]

    def _follow(self, process: subprocess.Popen[bytes], work: Path, steps: int) -> None:
        with self.progress.task(self.title, steps) as task:
            first = True
            while process.poll() is None:
                time.sleep(POLL_SECONDS)
                said = _said(work / PROGRESS)
                if said is None:
                    continue
                if first:
                    task.found(said["begun"])
                    first = False
                task.advance(said["step"] - task.done)
                task.note(f"loss {said['loss']:.3f}")


class Job(msgspec.Struct, frozen=True):
    """What a worker is told, as `job.json`."""

    start: str
    target: str
    work: str
    options: dict[str, Any]
    trainer: dict[str, Any]
    logger: dict[str, Any] | None
    seed: int
    owner: int
    """The process that waits for the training: without it, nobody does."""
    host: str


def read_job(path: Path) -> tuple[Job, Sequence[TokenRow], TrainingOptions]:
    """A job, with its rows, of which none is in memory yet, and options."""
    job = msgspec.json.decode(path.read_bytes(), type=Job)
    return job, TokenTable(path.parent / ROWS), msgspec.convert(job.options, TrainingOptions)


def _said(path: Path) -> dict[str, Any] | None:
    try:
        loaded: dict[str, Any] = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return loaded


def _ask_to_end(process: subprocess.Popen[bytes], work: Path) -> None:
    if process.poll() is None:
        atomic_write(work / STOP, b"")
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            log.warning("train: its processes did not end a step within %d s, and are killed", STOP_SECONDS)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _what_failed(work: Path, code: int) -> str:
    failure = work / FAILURE
    if failure.exists():
        return failure.read_text()
    how = f"by signal {-code}" if code < 0 else f"with code {code}"
    sentence = f"train: its processes ended {how}; {work / OUTPUT} holds what they wrote. The same command goes on from there."
    # Where there is no room for that, there was none for the reason either: it says so.
    atomic_write(failure, sentence.encode())
    return sentence
