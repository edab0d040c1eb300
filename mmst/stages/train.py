"""Examples -> Checkpoint: one training from one checkpoint to another.

1. In: examples, the checkpoint to start from, options.
2. Too long examples are dropped and counted, or refused; the rest is trained on, here or in processes of its own.
3. Out: a folder in Hugging Face format, that any later stage or other tool loads by its path.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmst.errors import ConfigError, UserError
from mmst.ledger.spooled import Spooled
from mmst.stages.sets import ExampleSet
from mmst.training.batches import TokenRow, tokenize, tokenize_contrasted
from mmst.training.checkpoint import embedding_count, load_tokenizer
from mmst.training.launch import Fitter
from mmst.training.objective import Aim
from mmst.training.options import TooLong, TrainingOptions
from mmst.training.record import TrainingRecord
from mmst.training.token_rows import ROWS, write_rows
from mmst.training.tokenization import refuse_unknown
from mmst.types import Dropped

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

VERSION = 4
SHOWN = ("enable_progress_bar", "enable_model_summary", "log_every_n_steps")
"""Settings of Lightning's trainer that change what is seen of a training, and nothing of the training."""


@dataclass(frozen=True, slots=True)
class TrainSpec:
    """What determines a checkpoint."""

    examples: str
    """A hash of the examples as they are trained on: prompts and completions, not what they were made by."""
    start: str
    options: Mapping[str, Any]
    trainer: Mapping[str, Any]
    seed: int
    version: int = VERSION

    @classmethod
    def of(
        cls,
        examples: str,
        start: str,
        options: TrainingOptions,
        trainer: Mapping[str, Any],
        seed: int,
        weights: str | None = None,
    ) -> TrainSpec:
        """The spec, without the settings that change nothing. weights: a hash of those of the examples' problems."""
        telling = {name: value for name, value in trainer.items() if name not in SHOWN}
        weighed = {} if weights is None else {"weights": weights}
        return cls(examples, start, {**options.settings(), **weighed}, telling, seed)


KEPT = "What was sampled and measured is kept."


class NothingToTrainOnError(UserError):
    """An arm has no examples. Raised before its training; the user widens the filter or samples more."""


def train(
    examples: ExampleSet,
    start: Path,
    target: Path,
    work: Path,
    options: TrainingOptions,
    fitter: Fitter,
    seed: int,
) -> tuple[TrainingRecord, Sequence[Dropped]]:
    """Train `start` on the examples and write the result to `target`; also returns the examples that were too long.

    Raises:
        NothingToTrainOnError: no example is left.
        ConfigError: some are too long, and the options refuse that.
    """
    tokenizer = load_tokenizer(start)
    given = len(examples.examples if examples.contrasted is None else examples.contrasted)
    dropped = Spooled(Dropped, work)
    rows = write_rows(work / ROWS, _tokenized(examples, tokenizer, options, dropped))
    if dropped and options.too_long is TooLong.REFUSE:
        raise ConfigError(
            f"train: {len(dropped)} of {given} examples are longer than {options.longest_row} tokens (the first is "
            f"{dropped[0].id}); raise trainer.options.longest (and row), or set trainer.options.too_long=drop."
        )
    if not rows:
        raise NothingToTrainOnError(f"no example to train on: {_why(examples, len(dropped), given, options)}. {KEPT}")
    refuse_unknown(tokenizer, (row.tokens for row in rows), embedding_count(start))
    return fitter(start, target, rows, options, work, seed), dropped


def _tokenized(
    examples: ExampleSet, tokenizer: PreTrainedTokenizerBase, options: TrainingOptions, dropped: Spooled[Dropped]
) -> Iterator[TokenRow]:
    """The rows, weighed by their problems; what is too long is noted."""
    if examples.contrasted is None:
        rows = tokenize(examples.examples, tokenizer, options.longest_row, dropped)
    else:
        together = options.row if options.packed else None
        rows = tokenize_contrasted(examples.contrasted, tokenizer, options.longest_row, dropped, together)
    weights = examples.weights
    yield from rows if weights is None else (replace(row, weight=weights.get(row.problem, 1.0)) for row in rows)


def _why(examples: ExampleSet, dropped: int, given: int, options: TrainingOptions) -> str:
    if given:
        return f"{dropped} of {given} were longer than {options.longest_row} tokens (trainer.options.longest)"
    if examples.examples and options.objective.aim is Aim.KTO:
        return (
            "objective=kto sets each solution beside one by the same method of another problem, and there is none; take more "
            "problems, or objective=sft"
        )
    if examples.examples:
        return (
            f"objective={options.objective.aim} sets right beside wrong solutions of the same problem and method, and of the "
            "right ones none has a wrong one beside it; draw more samples (sampling.per_problem), choose other pairs "
            "(objective.pairs=both), or objective=sft"
        )
    return "no sample passed the filter; take more problems or samples (sampling.per_problem), or an abler model"
