"""Examples -> Checkpoint: one training from one checkpoint to another.

1. In: examples, the checkpoint to start from, options.
2. Too long examples are dropped and counted; the rest is trained on by `mmst.training.fit`, which resumes.
3. Out: a folder in Hugging Face format, that any later stage or other tool loads by its path.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lightning.pytorch.callbacks import Callback

from mmst.errors import ModelError, UserError
from mmst.training.batches import tokenize
from mmst.training.checkpoint import load_model, load_tokenizer, save_checkpoint
from mmst.training.fit import TrainerFactory, TrainingOptions, fit
from mmst.types import Dropped, Example

VERSION = 1


class NothingToTrainOnError(UserError):
    """An arm has no examples. Raised before its training; the user widens the filter or samples more."""


def train(
    examples: Sequence[Example],
    start: Path,
    target: Path,
    work: Path,
    options: TrainingOptions,
    trainer: TrainerFactory,
    seed: int,
    callbacks: Sequence[Callback] = (),
) -> list[Dropped]:
    """Train `start` on the examples and write the result to `target`; returns the examples that were too long.

    Raises:
        NothingToTrainOnError: no example is left.
    """
    tokenizer = load_tokenizer(start)
    rows, dropped = tokenize(examples, tokenizer, options.longest)
    if not rows:
        raise NothingToTrainOnError(
            f"train: no example to train on ({len(dropped)} of {len(examples)} were longer than {options.longest} tokens); "
            "sample more problems, or loosen filter or trainer.options.longest."
        )
    model = load_model(start, "float32")  # what is trained is kept in full; the trainer's precision says how it is computed
    embeddings: Any = model.get_input_embeddings()
    if len(tokenizer) > embeddings.num_embeddings:
        raise ModelError(f"model: the tokenizer in {start} has {len(tokenizer)} tokens, more than the model has embeddings.")
    fit(model, tokenizer, rows, options, trainer, work, seed, callbacks)
    save_checkpoint(model, tokenizer, target)
    return dropped
