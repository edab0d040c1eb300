"""The LightningModule: a causal language model trained on completions, built the way each strategy wants it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.strategies import DeepSpeedStrategy, FSDPStrategy
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor
from torch.nn.utils import clip_grad_norm_
from transformers import PreTrainedModel, get_scheduler

from mmst.training.flops import multiplied_parameters
from mmst.training.loss import CompletionLoss, labelled
from mmst.training.objective import Aim, Objective
from mmst.training.options import OptimizerOptions
from mmst.training.preference import Scores, margins, unit_losses
from mmst.training.units import Units, whole_logprobs

SFT = Objective()


class LossNotFiniteError(FloatingPointError):
    """A loss that is not a number; its message says where the batch is written down."""


class CausalLanguageModule(lightning.LightningModule):
    """Next-token loss on completion tokens, averaged over the loss weights of a whole step.

    Args:
        build: (the module, once it has a trainer) -> the model. Called in the strategy's own context, once.
        optimizer: of the training.
        steps: of the whole training, for the schedule of the learning rate.
        packed: whether rows hold several examples.
        loss_chunk: see `CompletionLoss`.
        unclear: where the ids of a batch are written whose loss is not finite.
        seed: of dropout.
        objective: what is lowered.
    """

    model: PreTrainedModel
    multiplied: int
    """Parameters that take part in products."""
    _losses: CompletionLoss

    def __init__(
        self,
        build: Callable[[lightning.LightningModule], PreTrainedModel],
        optimizer: OptimizerOptions,
        steps: int,
        packed: bool = False,
        loss_chunk: int | None = None,
        unclear: Path | None = None,
        seed: int = 0,
        objective: Objective = SFT,
    ) -> None:
        super().__init__()
        self.optimizer_options = optimizer
        self.steps = steps
        self.packed = packed
        self.loss_chunk = loss_chunk
        self.unclear = unclear
        self.seed = seed
        self.objective = objective
        self.references: dict[str, float] = {}
        """Completion's id -> the log-probability that the start model gives it, for objectives that compare."""
        self.shares_prompts = False
        """Whether completions of one prompt may stand behind it in one row; the builder knows, which has seen the model."""
        self._build = build
        self._vectors: frozenset[str] = frozenset()
        self._norm: Tensor | None = None
        self._ids: list[str] = []

    @property
    def gradient_norm(self) -> float | None:
        """Of the latest step, before clipping; None before the first."""
        strategy: Any = self.trainer.strategy
        norm = strategy.deepspeed_engine.get_global_grad_norm() if isinstance(strategy, DeepSpeedStrategy) else self._norm
        return None if norm is None else float(norm)

    @property
    def laid(self) -> Units:
        """How units of an objective that compares are laid into rows."""
        if self.objective.aim is Aim.KTO:
            return Units.UNGRADED
        return Units.FORKED if self.shares_prompts else Units.APART

    def configure_model(self) -> None:
        """Build the model: Lightning calls this in the context that the strategy wants weights to be made in."""
        if "model" not in self._modules:
            self.model = self._build(self)
            self.multiplied = multiplied_parameters(self.model)
            named = list(self.model.named_parameters())
            self._vectors = frozenset(name for name, p in named if len(_shape(p)) < 2)
            self._losses = CompletionLoss(self.model, self.loss_chunk)
            self.strict_loading = not self._frozen()  # checkpoints lack what is not trained

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Leave out weights that are not trained: the model that a training starts from has them."""
        for name in self._frozen() & checkpoint.get("state_dict", {}).keys():
            del checkpoint["state_dict"][name]

    def _frozen(self) -> set[str]:
        return {name for name, p in self.named_parameters(remove_duplicate=False) if not p.requires_grad}

    def training_step(self, batch: dict[str, Any], batch_idx: int) -> dict[str, Tensor]:
        """A batch's part of its step's loss, with what each labelled token contributes to it."""
        losses = torch.cat([*self._group_losses(batch, True), *self._group_losses(batch, False)])
        weights = torch.cat([labelled(group, "weights") for group in batch["groups"]])
        told = {"losses": losses.detach()}
        if self.objective.compares:
            loss, told["margins"] = self._compared(losses, weights, batch)
        else:
            loss = (losses * weights).sum() * batch["share"]
        self._ids += batch["ids"]
        self._check_finite(loss, "loss")
        if isinstance(self.trainer.strategy, DeepSpeedStrategy):
            loss = loss * self.trainer.accumulate_grad_batches  # Lightning divides by it, and DeepSpeed does so again
        return {"loss": loss, **told}

    def _group_losses(self, batch: dict[str, Any], learned: bool) -> list[Tensor]:
        """The losses of a batch's groups that gradients go through, or of the others."""
        groups = batch["groups"][: batch["learned"]] if learned else batch["groups"][batch["learned"] :]
        with torch.set_grad_enabled(learned and torch.is_grad_enabled()):
            return [self._losses(group, batch["masked"]) for group in groups]

    def _compared(self, losses: Tensor, weights: Tensor, batch: dict[str, Any]) -> tuple[Tensor, Tensor]:
        """A batch's part of the loss of an objective that compares, and the margin of each unit, (U,)."""
        objective, ids = self.objective, batch["completions"]
        losses, weights = losses[batch["token"]], weights[batch["token"]]
        whole = whole_logprobs(losses, batch["completion"], len(ids))
        before = torch.tensor([self.references[id] for id in ids], device=whole.device, dtype=whole.dtype)
        solution, beside = batch["solution"], batch["beside"]
        scores = Scores(whole[solution], whole[beside], before[solution], before[beside], batch["right"])
        chance = self._mean_over_processes(scores.gained_beside.mean().detach()) if objective.aim is Aim.KTO else None
        loss = (unit_losses(objective, scores, chance) * batch["unit_weights"]).sum() * batch["share"]
        if objective.aim is Aim.RPO:
            own = torch.isin(batch["completion"], solution)
            loss = loss + objective.alpha * (losses * weights)[own].sum() * batch["token_share"]
        return loss, margins(objective, scores)

    def _mean_over_processes(self, value: Tensor) -> Tensor:
        if self.trainer.world_size == 1:
            return value
        mean: Tensor = self.trainer.strategy.reduce(value.clone(), reduce_op="mean")
        return mean

    def validation_step(self, batch: dict[str, Any], batch_idx: int) -> Tensor:
        """The loss of each completion token of some rows, (N,). `masked`: whether these hold several completions."""
        return self._losses(batch, batch.get("masked", self.packed))

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        """Make what is random in a batch (dropout) depend on its place alone, so that a resumed training repeats it."""
        torch.manual_seed(hash((self.seed, self.global_rank, batch_idx)) % 2**63)
        if batch_idx % self.trainer.accumulate_grad_batches == 0:
            self._ids.clear()

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """AdamW over two groups, and a schedule in steps."""
        options = self.optimizer_options
        learned = [(name, p) for name, p in self.model.named_parameters() if p.requires_grad]
        vectors = [p for name, p in learned if _unwrapped(name) in self._vectors]
        matrices = [p for name, p in learned if _unwrapped(name) not in self._vectors]
        groups = [{"params": matrices, "weight_decay": options.weight_decay}, {"params": vectors, "weight_decay": 0.0}]
        optimizer = _optimizer(options)([group for group in groups if group["params"]], lr=options.lr, betas=options.betas)
        warmup = round(options.warmup * self.steps)
        scheduler = get_scheduler(options.schedule, optimizer, num_warmup_steps=warmup, num_training_steps=self.steps)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    def configure_gradient_clipping(
        self,
        optimizer: torch.optim.Optimizer,
        gradient_clip_val: int | float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """Clip by the norm of all gradients, and keep the norm. DeepSpeed clips by itself, and never calls this."""
        most = float("inf") if gradient_clip_val is None else float(gradient_clip_val)
        strategy = self.trainer.strategy
        if isinstance(strategy, FSDPStrategy):
            whole: Any = strategy.model
            self._norm = whole.clip_grad_norm_(most)  # gradients are sharded: only the root knows their norm
        else:
            self._norm = clip_grad_norm_(self.model.parameters(), most)
        self._check_finite(self._norm, "gradient")

    def check_weights(self) -> None:
        """Refuse to save weights that are no numbers.

        Raises:
            LossNotFiniteError: names the step.
        """
        with torch.no_grad():
            finite = all(bool(torch.isfinite(p.detach()).all()) for p in self.model.parameters())
        if not finite:
            raise LossNotFiniteError(
                f"the weights after step {self.global_step} are not finite; lower trainer.options.optimizer.lr"
            )

    def _check_finite(self, value: Tensor, what: str) -> None:
        """Stop before what is not a number reaches the weights: what follows would be noise, saved as a checkpoint."""
        if torch.isfinite(value):
            return
        where = ""
        if self.unclear is not None:
            self.unclear.parent.mkdir(parents=True, exist_ok=True)
            self.unclear.write_text("".join(f"{identity}\n" for identity in self._ids))
            where = f" (its examples are listed in {self.unclear})"
        raise LossNotFiniteError(
            f"the {what} of step {self.global_step} is not finite{where}; lower trainer.options.optimizer.lr"
        )


def _optimizer(options: OptimizerOptions) -> Callable[..., torch.optim.Optimizer]:
    if not options.offloaded:
        return torch.optim.AdamW
    from deepspeed.ops.adam import DeepSpeedCPUAdam

    made: Callable[..., torch.optim.Optimizer] = DeepSpeedCPUAdam
    return made


def _shape(parameter: Tensor) -> torch.Size:
    """A parameter's shape, also where ZeRO-3 has split it and keeps the shape aside."""
    shape: torch.Size = getattr(parameter, "ds_shape", parameter.shape)
    return shape


def _unwrapped(name: str) -> str:
    """A parameter's name without what FSDP and torch.compile put into it."""
    return name.replace("_fsdp_wrapped_module.", "").replace("_orig_mod.", "")
