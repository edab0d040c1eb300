"""Checkpoints of a training under way: what a killed one goes on from."""

from __future__ import annotations

import logging
import os
import pickle
import re
import shutil
import zipfile
from collections import OrderedDict, defaultdict
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.fabric.plugins.io.torch_io import TorchCheckpointIO
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.strategies import DeepSpeedStrategy, FSDPStrategy, ModelParallelStrategy, Strategy

from mmst.errors import TrainingError
from mmst.ledger.files import atomic_write, told_of_space
from mmst.training.module import CausalLanguageModule
from mmst.training.stopping import Stopping

log = logging.getLogger(__name__)

LATEST = "latest"
"""Names the newest checkpoint that is complete: a sharded one is a folder, which may be there in part."""
NAMED = re.compile(r"step-\d{7,}\.ckpt")
END = "end.ckpt"
OTHERS_WRITE = 0o022
"""Permission bits by which others than a file's owner write to it."""
PLAIN: list[Any] = [OrderedDict, defaultdict, dict, set]
"""Containers that a checkpoint may hold beside tensors, numbers and texts."""


class BesideTarget(TorchCheckpointIO):
    """Checkpoints in one file: written beside their place, not through TMPDIR, and read without running what they hold."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any | None = None) -> None:
        """Write a file that is there whole or not at all."""
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        work = target.with_name(f".{target.name}.{os.getpid()}.tmp")
        try:
            with told_of_space(target), work.open("wb") as file:
                torch.save(checkpoint, file)
                file.flush()
                os.fsync(file.fileno())
            work.replace(target)
        finally:
            work.unlink(missing_ok=True)

    def load_checkpoint(self, path: Any, map_location: Any = None, weights_only: bool | None = None) -> dict[str, Any]:
        """Read tensors and plain values; a pickle of anything else is refused, for a ledger may be shared.

        Raises:
            TrainingError: it holds more, or is damaged.
        """
        return read_state(Path(path), map_location)


def read_state(path: Path, map_location: Any = None, mmap: bool = False) -> dict[str, Any]:
    """What a checkpoint's file holds: tensors and plain values.

    Raises:
        TrainingError: it holds more than these, which would run code, or is damaged.
    """
    try:
        with torch.serialization.safe_globals(PLAIN):
            state: dict[str, Any] = torch.load(path, map_location=map_location, weights_only=True, mmap=mmap)
    except (RuntimeError, EOFError, KeyError, ValueError, pickle.UnpicklingError, OSError) as error:
        raise TrainingError(
            f"train: {path} is damaged, or holds more than tensors and numbers, which is never read; delete the folder "
            f"{path.parent}, and the training begins anew."
        ) from error
    return state


def writes_files(strategy: Strategy) -> bool:
    """Whether a strategy's checkpoints are files of torch.save; the others write folders in formats of their own."""
    return not isinstance(strategy, FSDPStrategy | DeepSpeedStrategy | ModelParallelStrategy)


class Saver(Callback):
    """Saves all that a training is (weights, optimizer, schedules, place in the data) every so many steps.

    The name of the newest is written after it is complete, and an older one is removed after that. A signal that ends the
    training saves as well, at the end of its step.
    """

    def __init__(self, folder: Path, every: int, keep: int = 1, stopping: Stopping | None = None) -> None:
        self.folder = folder
        self.every = every
        self.keep = keep
        self.stopping = stopping or Stopping()
        self._ended = 0

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Remember where a resumed training begins."""
        self._ended = trainer.global_step
        self.stopping.begin()

    def on_train_batch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Save where a step ends that is to be saved."""
        step = trainer.global_step
        if step == self._ended or trainer.should_stop or step >= trainer.max_steps:
            return
        self._ended = step
        asked = self.stopping.asked(trainer)
        if asked or not step % self.every:
            self._save(trainer, pl_module, step)
        if asked:
            log.info("training stops after step %d, which is saved", step)
            trainer.strategy.barrier("mmst: the last step is saved")
            self.stopping.end()

    def _save(self, trainer: lightning.Trainer, module: lightning.LightningModule, step: int) -> None:
        _check(module)
        path = self.folder / f"step-{step:07d}.ckpt"
        with told_of_space(path):  # sharded formats say of it in words of their own
            trainer.save_checkpoint(path)
        if trainer.is_global_zero:
            close_to_others(path)
            atomic_write(self.folder / LATEST, path.name.encode())
            there = sorted(self.folder.glob("step-*.ckpt"))
            beyond = [old for old in there if old.name > path.name]  # of an earlier process that saved at other steps
            for old in [*beyond, *[old for old in there if old.name <= path.name][: -self.keep]]:
                remove(old)

    def on_train_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Save the weights that the training ends with."""
        _check(pl_module)
        with told_of_space(self.folder / END):
            trainer.save_checkpoint(self.folder / END, weights_only=True)
        if trainer.is_global_zero:
            close_to_others(self.folder / END)


def _check(module: lightning.LightningModule) -> None:
    """Weights that are no numbers are not saved: a training that goes on from them never recovers."""
    assert isinstance(module, CausalLanguageModule)
    module.check_weights()


def latest(folder: Path) -> Path | None:
    """The newest complete checkpoint of a training; None where there is none."""
    pointer = folder / LATEST
    name = pointer.read_text(errors="replace") if pointer.is_file() else ""
    path = folder / name
    return path if NAMED.fullmatch(name) and path.exists() else None


def resumable(folder: Path) -> Path | None:
    """The newest complete checkpoint that is as it was written; those that are not are passed over, with a warning."""
    newest = latest(folder)
    older = sorted(folder.glob("step-*.ckpt"), reverse=True) if newest is not None else []
    return next((path for path in older if newest is not None and path.name <= newest.name and is_sound(path)), None)


def is_sound(checkpoint: Path) -> bool:
    """Whether a training may go on from a checkpoint; with a warning where it may not.

    A file must be whole, by the checksums in it, and hold tensors and plain values. A folder is of a sharded strategy, whose
    formats (torch.distributed.checkpoint, DeepSpeed) are read by unpickling: nobody else may have been able to write to it.
    """
    try:
        if checkpoint.is_dir():
            _refuse_others(checkpoint)
        else:
            _refuse_torn(checkpoint)
            read_state(checkpoint, mmap=True)
    except TrainingError as error:
        log.warning("%s It is passed over.", error)
        return False
    return True


def _refuse_torn(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as file:
            torn = file.testzip()
    except (OSError, ValueError, EOFError, NotImplementedError, zipfile.BadZipFile) as error:
        raise TrainingError(f"train: {path} is damaged ({error}).") from error
    if torn is not None:
        raise TrainingError(f"train: {path} is damaged (its part {torn} does not match its checksum).")


def _refuse_others(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        there = path.lstat()
        if path.is_symlink() or there.st_uid != os.geteuid() or there.st_mode & OTHERS_WRITE:
            raise TrainingError(f"train: {path} may have been written to by others than this user, and reading it runs code.")


def close_to_others(checkpoint: Path) -> None:
    """Let nobody else write to a sharded checkpoint, whose formats run code when they are read; see `is_sound`."""
    if checkpoint.is_dir():
        for path in (checkpoint, *checkpoint.rglob("*")):
            path.chmod(path.stat().st_mode & ~OTHERS_WRITE)


def remove(checkpoint: Path) -> None:
    """Remove a checkpoint, be it a file or a folder."""
    if checkpoint.is_dir():
        shutil.rmtree(checkpoint)
    else:
        checkpoint.unlink(missing_ok=True)
