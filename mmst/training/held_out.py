"""The loss on examples that are held out, and when to stop for it.

Lightning's own validation comes after its checkpoints of the same step: a run that is killed between the two would not
repeat it, and would stop at another step than an undisturbed one. Here the loss is taken first, and is part of the checkpoint.
"""

from __future__ import annotations

import hashlib
import math
from array import array
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Callback

from mmst.training.batches import Batch, TokenRow
from mmst.training.saving import close_to_others
from mmst.training.token_rows import ChosenRows

BEST = "best.ckpt"


def split_by_problem(rows: Sequence[TokenRow], share: float, seed: int) -> tuple[Sequence[TokenRow], Sequence[TokenRow]]:
    """(to train on, held out): about `share` of the problems, with all their examples, are held out."""
    if not share:
        return rows, ()
    held = bytearray(_position(row.problem, seed) < share for row in rows)
    parts = (array("q", (number for number, mark in enumerate(held) if mark == kind)) for kind in (0, 1))
    rest, measured = (ChosenRows(rows, numbers) for numbers in parts)
    return rest, measured


def held_out_batches(rows: Sequence[TokenRow], size: int, processes: int) -> list[list[Batch]]:
    """Each process's batches of held-out rows, equally many for each: sharded models work in step.

    Where rows run out, a batch is repeated with no weight.
    """
    order = sorted(rows, key=lambda row: len(row.tokens))
    groups = [order[i : i + size] for i in range(0, len(order), size)]
    batches = [Batch(tuple((row,) for row in group), 1.0) for group in groups]
    batches += [Batch(batches[0].rows, 0.0)] * (-len(batches) % processes)
    return [batches[process::processes] for process in range(processes)]


class HeldOut(Callback):
    """Measures the loss of held-out examples every so many steps, keeps the best weights, and stops where it rises.

    Args:
        batches: one process's batches, made into tensors when they are asked for; `share` is 1, or 0 for a repeated one.
        folder: where the best weights are kept.
        every: steps between two measurements.
        patience: measurements without a better one until the training stops; None: never.
    """

    def __init__(
        self, batches: Callable[[], Sequence[Mapping[str, Any]]], folder: Path, every: int, patience: int | None
    ) -> None:
        self.batches = batches
        self.folder = folder
        self.every = every
        self.patience = patience
        self.best = math.inf
        self.best_step = 0
        self.worse = 0
        self.curve: list[dict[str, float]] = []
        self._measured = 0

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Remember where a resumed training begins."""
        self._measured = trainer.global_step

    def on_train_batch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Measure where a step ends that is to be measured."""
        step = trainer.global_step
        if step == self._measured or (step % self.every and step != trainer.max_steps):
            return
        self._measured = step
        loss = self.measure(trainer, pl_module)
        self.curve.append({"step": step, "held_out_loss": loss})
        if trainer.logger is not None:
            trainer.logger.log_metrics({"held_out_loss": loss}, step=step)
        if loss < self.best:
            self.best, self.best_step, self.worse = loss, step, 0
            trainer.save_checkpoint(self.folder / BEST, weights_only=True)
            if trainer.is_global_zero:
                close_to_others(self.folder / BEST)
            return
        self.worse += 1
        if self.patience is not None and self.worse >= self.patience:
            trainer.should_stop = True

    @torch.no_grad()
    def measure(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> float:
        """Mean loss of a held-out completion token, over all processes."""
        module.eval()
        total = torch.zeros(2, device=module.device, dtype=torch.float64)
        for number, batch in enumerate(self.batches()):
            moved = trainer.strategy.batch_to_device(batch, module.device)
            losses = trainer.strategy.validation_step(moved, number)
            assert isinstance(losses, torch.Tensor)
            total += batch["share"] * torch.stack([losses.double().sum(), losses.new_tensor(len(losses)).double()])
        module.train()
        whole = trainer.strategy.reduce(total, reduce_op="sum")
        assert isinstance(whole, torch.Tensor)
        return float(whole[0] / whole[1])

    def state_dict(self) -> dict[str, Any]:
        """What a resumed training needs to stop where an undisturbed one would."""
        return {"best": self.best, "best_step": self.best_step, "worse": self.worse, "curve": self.curve}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what an earlier process measured."""
        self.best, self.best_step, self.worse = state_dict["best"], state_dict["best_step"], state_dict["worse"]
        self.curve = state_dict.get("curve", [])


def _position(problem: str, seed: int) -> float:
    """A number from 0 to 1 that depends on the problem and the seed alone."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{problem}".encode()).digest()[:8], "big") / 2**64
