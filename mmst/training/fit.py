"""One training: examples in, a checkpoint in Hugging Face format out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import lightning
from lightning.pytorch.callbacks import Callback, ModelCheckpoint
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from mmst.errors import ConfigError
from mmst.training.batches import TokenRow, batch_schedule
from mmst.training.data import ExampleDataModule
from mmst.training.module import CausalLanguageModule, OptimizerOptions

log = logging.getLogger(__name__)

RESUME_FILE = "last.ckpt"
TrainerFactory = Callable[..., lightning.Trainer]


@dataclass(frozen=True, slots=True)
class TrainingOptions:
    """How a model is trained on examples, whatever the machine."""

    steps: int | None = 400
    """Optimizer steps. None: as many as `epochs` take."""
    epochs: float | None = None
    """Passes over the examples; used where `steps` is None."""
    batch_size: int = 32
    """Examples a step, over all devices and accumulated batches."""
    longest: int = 256
    """Tokens of the longest example; longer ones are dropped and counted."""
    optimizer: OptimizerOptions = field(default_factory=OptimizerOptions)
    save_every: int = 100
    """Steps between the checkpoints that a killed run resumes from."""

    def __post_init__(self) -> None:
        if (self.steps is None) == (self.epochs is None):
            raise ConfigError("trainer.options: give either steps or epochs, and set the other to null.")
        for key in ("steps", "epochs", "batch_size", "longest", "save_every"):
            value = getattr(self, key)
            if value is not None and value <= 0:
                raise ConfigError(f"trainer.options.{key}={value} must be above 0.")

    def step_count(self, rows: int) -> int:
        """Optimizer steps for a training set of `rows` examples."""
        if self.steps is not None:
            return self.steps
        assert self.epochs is not None
        return max(1, round(self.epochs * rows / self.batch_size))


def fit(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    rows: Sequence[TokenRow],
    options: TrainingOptions,
    trainer_factory: TrainerFactory,
    work: Path,
    seed: int,
    callbacks: Sequence[Callback] = (),
) -> lightning.Trainer:
    """Train `model` in place on `rows`, resuming from `work` where an earlier process was killed.

    1. The schedule of batches is fixed for the whole run.
    2. `last.ckpt` (weights, optimizer, scheduler, position in the data) is written every `save_every` steps.
    3. A `last.ckpt` that is there is continued; on a CPU in fp32 the end is equal to the bit.
    """
    steps = options.step_count(len(rows))
    pad_id = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id
    schedule = batch_schedule([len(row.tokens) for row in rows], options.batch_size, steps, seed)
    lightning.seed_everything(seed, workers=True, verbose=False)
    saver = ModelCheckpoint(dirpath=work, save_last=True, save_top_k=0, every_n_train_steps=options.save_every)
    trainer = trainer_factory(max_steps=steps, max_epochs=1, callbacks=[saver, *callbacks], default_root_dir=work)
    module = CausalLanguageModule(model.train(), options.optimizer, steps)
    resume = work / RESUME_FILE
    if resume.exists():
        log.info("training goes on from %s", resume)
    trainer.fit(
        module,
        datamodule=ExampleDataModule(rows, schedule, pad_id),
        ckpt_path=resume if resume.exists() else None,
        weights_only=False,
    )
    module.eval()
    return trainer
