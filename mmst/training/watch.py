"""A training's steps on a progress bar."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import lightning
from lightning.pytorch.callbacks import Callback

from mmst.ledger.progress import Progress, Task


class StepWatch(Callback):
    """Shows steps and loss. A resumed training begins where it was."""

    def __init__(self, progress: Progress, title: str) -> None:
        self.progress = progress
        self.title = title
        self._stack = ExitStack()
        self._task: Task | None = None

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Open the bar."""
        self._task = self._stack.enter_context(self.progress.task(self.title, trainer.max_steps))
        self._task.found(trainer.global_step)

    def on_train_batch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """One more step."""
        assert self._task is not None
        self._task.advance(trainer.global_step - self._task.done)
        self._task.note(f"loss {float(outputs['loss']):.3f}")

    def on_train_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Close the bar."""
        self._stack.close()

    def on_exception(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, exception: BaseException) -> None:
        """Close the bar."""
        self._stack.close()
