"""The LightningModule: a causal language model trained on completions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import lightning
import torch
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor
from torch.nn import functional
from transformers import PreTrainedModel, SchedulerType, get_scheduler

from mmst.errors import ConfigError
from mmst.training.batches import IGNORED


@dataclass(frozen=True, slots=True)
class OptimizerOptions:
    """AdamW with warm-up and decay (Loshchilov and Hutter, arXiv 1711.05101)."""

    lr: float = 1e-3
    """Peak learning rate."""
    weight_decay: float = 0.01
    """On matrices only; never on norms and biases."""
    betas: tuple[float, float] = (0.9, 0.95)
    warmup: float = 0.05
    """Share of the steps, from 0 to 1."""
    schedule: str = "cosine"
    """Any name that transformers.get_scheduler takes."""

    def __post_init__(self) -> None:
        if not 0 < self.lr < float("inf"):
            raise ConfigError(f"trainer.options.optimizer.lr={self.lr} must be above 0.")
        if self.weight_decay < 0:
            raise ConfigError(f"trainer.options.optimizer.weight_decay={self.weight_decay} must be 0 or above.")
        if not 0 <= self.warmup <= 1:
            raise ConfigError(f"trainer.options.optimizer.warmup={self.warmup} is a share of the steps, from 0 to 1.")
        known = [name.value for name in SchedulerType]
        if self.schedule not in known:
            raise ConfigError(f"trainer.options.optimizer.schedule={self.schedule} must be one of {', '.join(known)}.")


class CausalLanguageModule(lightning.LightningModule):
    """Next-token loss on completion tokens, averaged over the completion tokens of the batch."""

    def __init__(self, model: PreTrainedModel, optimizer: OptimizerOptions, steps: int) -> None:
        super().__init__()
        self.model = model
        self.optimizer_options = optimizer
        self.steps = steps

    def training_step(self, batch: dict[str, Tensor], batch_idx: int) -> Tensor:
        """The loss of one batch, logged with its completion tokens."""
        loss = completion_loss(self.model, batch)
        self.log("loss", loss, prog_bar=True)
        return loss

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Stop on a loss that is not a number: what follows would be noise, saved as a checkpoint."""
        if not torch.isfinite(outputs["loss"]):
            raise FloatingPointError(f"the loss of step {self.global_step} is not finite; lower trainer.options.optimizer.lr")

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """AdamW over two groups, and a schedule in steps."""
        options = self.optimizer_options
        matrices = [p for p in self.model.parameters() if p.requires_grad and p.ndim >= 2]
        vectors = [p for p in self.model.parameters() if p.requires_grad and p.ndim < 2]
        groups = [{"params": matrices, "weight_decay": options.weight_decay}, {"params": vectors, "weight_decay": 0.0}]
        optimizer = torch.optim.AdamW(groups, lr=options.lr, betas=options.betas)
        warmup = round(options.warmup * self.steps)
        scheduler = get_scheduler(options.schedule, optimizer, num_warmup_steps=warmup, num_training_steps=self.steps)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}


def completion_loss(model: PreTrainedModel, batch: dict[str, Tensor]) -> Tensor:
    """Mean negative log-likelihood of the labelled tokens of a batch; batch tensors are (B, T)."""
    output = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], use_cache=False)
    logits = output.logits[:, :-1]
    targets = batch["labels"][:, 1:]
    labelled = targets != IGNORED
    return functional.cross_entropy(logits[labelled].float(), targets[labelled])
