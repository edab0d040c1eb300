"""One process of a training: `python -m mmst.jobs.worker JOB`, started by `mmst.training.launch` once for each device."""

from __future__ import annotations

import logging
import os
import socket
import sys
import threading
import time
import warnings
from functools import partial
from pathlib import Path
from typing import Any

import lightning
import msgspec
import torch
from lightning.fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from lightning.pytorch.callbacks import Callback

from mmst.config.build import build
from mmst.config.sentences import explained
from mmst.ledger.files import atomic_write
from mmst.training.fit import fit
from mmst.training.launch import FAILURE, PROGRESS, STOP, Job, read_job

WATCH_SECONDS = 1.0
SAY_SECONDS = 0.2


class StepReport(Callback):
    """Tells the process that waits how far the training is."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.begun = 0
        self._said = 0.0

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Remember where a resumed training begins."""
        self.begun = trainer.global_step

    def on_train_batch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Write the step and the loss down, a few times a second."""
        if trainer.is_global_zero and time.monotonic() - self._said > SAY_SECONDS:
            self._said = time.monotonic()
            said = {"begun": self.begun, "step": trainer.global_step, "loss": float(outputs["loss"])}
            atomic_write(self.path, msgspec.json.encode(said))


def main() -> int:
    """Train as the job says; what the user can mend is written down as one sentence."""
    path = Path(sys.argv[1])
    job, rows, options = read_job(path)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
    warnings.filterwarnings("ignore")
    if socket.gethostname() == job.host:
        threading.Thread(target=_end_with, args=(job.owner,), daemon=True).start()
    try:
        fit(
            Path(job.start),
            Path(job.target),
            rows,
            options,
            _trainer_factory(job),
            Path(job.work),
            job.seed,
            [StepReport(path.parent / PROGRESS)],
            path.parent / STOP,
        )
    except Exception as error:
        sentence = explained(error) or _refusal(error)
        if sentence is None:
            raise
        atomic_write(path.parent / FAILURE, sentence.encode())
        logging.exception("the training failed")
        return 2
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()  # after a failure it could wait for processes that failed as well
    return 0


def _trainer_factory(job: Job) -> Any:
    settings: dict[str, Any] = {"logger": build(job.logger, "tracker")() if job.logger else False}
    if TorchElasticEnvironment.detect():
        settings["plugins"] = [TorchElasticEnvironment()]  # also within Slurm, whose own environment Lightning would take
    return partial(build(job.trainer, "trainer.trainer"), **settings)


def _refusal(error: Exception) -> str | None:
    """What Lightning or DeepSpeed refuses in words of their own."""
    from lightning.fabric.utilities.exceptions import MisconfigurationException

    if isinstance(error, MisconfigurationException):
        return f"trainer: {' '.join(str(error).split())}"
    return None


def _end_with(owner: int) -> None:
    """End this process where the one that waits for it is gone: another may already train in the same folder."""
    while True:
        try:
            os.kill(owner, 0)
        except ProcessLookupError:
            os._exit(1)
        time.sleep(WATCH_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
