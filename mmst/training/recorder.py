"""Counts what a training does while it runs."""

from __future__ import annotations

import resource
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Callback
from torch import Tensor

from mmst.training.batches import PREFIX
from mmst.training.flops import flops_per_token, matmul_rate
from mmst.training.loss import labelled
from mmst.training.module import CausalLanguageModule
from mmst.training.record import TrainingRecord

FORWARD = 1 / 3
"""Of a training's operations: what no gradient goes through takes two for a weight and token, and not six."""


class Recorder(Callback):
    """Counts while a training runs, and logs every `trainer.log_every_n_steps` steps.

    Args:
        edges: their names, by the numbers that batches have for them.
        save_every: steps between checkpoints: what was counted until then is in them.
    """

    def __init__(self, edges: Sequence[str], save_every: int) -> None:
        self.edges = tuple(edges)
        self.save_every = save_every
        self.record = TrainingRecord()
        self._norms = (0.0, 0)
        self._window: Tensor | None = None
        self._margins: Tensor | None = None
        """Of objectives that compare: the sum of the margins, how many are above 0, and of how many."""
        self._counts: Tensor | None = None
        self._pending: list[float] = []
        """What an earlier process had counted and not yet logged, over all processes."""
        self._trainer: lightning.Trainer | None = None
        self._start = 0.0
        self._logged = 0

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Measure the machine, and make room to count in."""
        device = pl_module.device
        self.record.rate = matmul_rate(device.type, _dtype(trainer)) * trainer.world_size
        self._window = torch.zeros(2, len(self.edges), device=device, dtype=torch.float64)
        self._counts = torch.zeros(5, device=device, dtype=torch.float64)
        self._margins = torch.zeros(3, device=device, dtype=torch.float64)
        if self._pending and trainer.is_global_zero:
            self._set(torch.tensor(self._pending, device=device, dtype=torch.float64))
        self._trainer = trainer
        self._logged = trainer.global_step
        assert isinstance(pl_module, CausalLanguageModule)
        self._flops = flops_per_token(pl_module.model.config, pl_module.multiplied, 0.0)
        self._attention = flops_per_token(pl_module.model.config, 0, 1.0)

    def on_train_batch_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Start the clock: what other callbacks do between batches is no training."""
        self._start = time.perf_counter()

    def on_train_batch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Count a batch; sum up over processes where it is time to log."""
        assert self._window is not None
        assert self._counts is not None
        edges = torch.cat([labelled(group, "edges") for group in batch["groups"]])
        losses = outputs["losses"].double()
        if "token" in batch:  # what stands once for two completions is of both
            edges, losses = batch["edge"][batch["completion"]], losses[batch["token"]]
        self._window[0].index_add_(0, edges, losses)
        self._window[1].index_add_(0, edges, torch.ones_like(losses))
        if self._margins is not None and (margins := outputs.get("margins")) is not None:
            self._margins += torch.stack([margins.sum(), (margins > 0).sum(), margins.new_tensor(len(margins))]).double()
        for number, group in enumerate(batch["groups"]):
            passes = 1.0 if number < batch["learned"] else FORWARD
            lengths, places = _segment_lengths(group["segments"]), group["segments"].numel()
            prefix = (group["segments"] == PREFIX).sum(1, keepdim=True)
            pairs = lengths.square() + 2 * lengths * prefix  # own tokens look at half of their own, and at all of the prefix
            sums = [
                lengths.gt(0).sum(),
                lengths.sum() + prefix.sum(),
                lengths.new_tensor(places),
                passes * (pairs.sum() + prefix.square().sum()),
                passes * (lengths.sum() + prefix.sum()),
            ]
            self._counts += torch.stack(sums).double()
        step = trainer.global_step
        every: int = trainer.log_every_n_steps  # type: ignore[attr-defined]  # Lightning sets it in a connector
        rhythms = (max(1, every), self.save_every, trainer.max_steps)
        due = step != self._logged and any(step % rhythm == 0 for rhythm in rhythms)
        self.record.seconds += time.perf_counter() - self._start
        assert isinstance(pl_module, CausalLanguageModule)
        if (batch_idx + 1) % trainer.accumulate_grad_batches == 0 and (norm := pl_module.gradient_norm) is not None:
            self._norms = (self._norms[0] + norm, self._norms[1] + 1)
        if due:
            self._log(trainer, step)

    def on_train_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Count what was not yet logged: a training that stops early ends anywhere."""
        if trainer.global_step != self._logged:
            self._log(trainer, trainer.global_step)

    def on_fit_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Take the peak of the memory, once the last checkpoint has been written too."""
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        if pl_module.device.type == "cuda":
            peak = torch.cuda.max_memory_allocated(pl_module.device)
        self.record.peak_bytes = max(self.record.peak_bytes, peak)

    def state_dict(self) -> dict[str, Any]:
        """What a resumed training counts on from. Called by all processes together."""
        pending = [] if self._trainer is None else _summed(self._trainer, self._counted()).tolist()
        return {"record": asdict(self.record), "norms": self._norms, "pending": pending}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Count on from an earlier process."""
        self.record = TrainingRecord(**state_dict["record"])
        self._norms = state_dict["norms"]
        self._pending = state_dict.get("pending", [])

    def _counted(self) -> Tensor:
        """All that was counted since the last log, by this process."""
        assert self._window is not None
        assert self._counts is not None
        assert self._margins is not None
        return torch.cat([self._window.flatten(), self._counts, self._margins])

    def _set(self, counted: Tensor) -> None:
        assert self._window is not None
        self._window, self._counts, self._margins = counted[:-8].view_as(self._window), counted[-8:-3], counted[-3:]

    def _log(self, trainer: lightning.Trainer, step: int) -> None:
        sums = _summed(trainer, self._counted())
        window, counts, margins = sums[:-8].view(2, -1), sums[-8:-3], sums[-3:]
        record = self.record
        record.steps = step
        record.examples += int(counts[0])
        record.tokens += int(counts[1])
        record.places += int(counts[2])
        record.flops += self._flops * float(counts[4]) + self._attention * float(counts[3])
        record.loss = float(window[0].sum() / window[1].sum())
        seen = [(edge, float(window[0, i]), float(window[1, i])) for i, edge in enumerate(self.edges)]
        record.loss_by_edge.update({edge: total / count for edge, total, count in seen if count})
        record.gradient_norm = self._norms[0] / self._norms[1] if self._norms[1] else None
        self._set(torch.zeros_like(sums, device=trainer.strategy.root_device))
        self._logged = step
        metrics = _metrics(record, trainer)
        if margins[2]:
            metrics |= {"margin": float(margins[0] / margins[2]), "right_likelier": float(margins[1] / margins[2])}
        record.curve.append({"step": step, **metrics})
        if trainer.logger is not None:
            trainer.logger.log_metrics(metrics, step=step)


def _metrics(record: TrainingRecord, trainer: lightning.Trainer) -> dict[str, float]:
    rates = {f"loss/{edge}": loss for edge, loss in record.loss_by_edge.items()}
    optimizer = trainer.optimizers[0]
    metrics = {
        "loss": record.loss,
        **rates,
        "tokens_per_second": record.tokens_per_second,
        "flops_utilisation": record.utilisation,
        "padding": record.padding,
        "lr": float(optimizer.param_groups[0]["lr"]),
    }
    return metrics if record.gradient_norm is None else {**metrics, "gradient_norm": record.gradient_norm}


def _summed(trainer: lightning.Trainer, tensor: Tensor) -> Tensor:
    """The sum over processes, on the CPU."""
    summed: Any = trainer.strategy.reduce(tensor.clone(), reduce_op="sum") if trainer.world_size > 1 else tensor
    whole: Tensor = summed.cpu()
    return whole


def _segment_lengths(segments: Tensor) -> Tensor:
    """Tokens of each example of a batch, (B, S): segments are numbered from 1, and 0 is padding."""
    numbers = torch.arange(1, int(segments.max()) + 1, device=segments.device)
    return (segments[:, :, None] == numbers).sum(1)


def _dtype(trainer: lightning.Trainer) -> torch.dtype:
    precision = str(trainer.precision)
    return torch.bfloat16 if "bf16" in precision else torch.float16 if "16" in precision else torch.float32
