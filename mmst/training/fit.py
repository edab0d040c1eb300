"""One training: token rows in, a checkpoint in Hugging Face format out, on any trainer."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any

import lightning
from lightning.pytorch.callbacks import Callback
from transformers import AutoConfig

from mmst.errors import ConfigError
from mmst.training.batches import TokenRow, collate, with_shared_prefixes
from mmst.training.building import ModelBuilder, check_attention
from mmst.training.checkpoint import load_tokenizer
from mmst.training.convert import convert
from mmst.training.data import ExampleDataModule
from mmst.training.held_out import BEST, HeldOut, held_out_batches, split_by_problem
from mmst.training.loss import BY_POSITION
from mmst.training.module import CausalLanguageModule, OptimizerOptions
from mmst.training.record import Recorder, TrainingRecord
from mmst.training.saving import END, Saver, finish, finished, latest
from mmst.training.schedule import Layout, Row, bucketed_steps, check_parts, packed_steps

log = logging.getLogger(__name__)

TrainerFactory = Callable[..., lightning.Trainer]
UNCLEAR = "not_finite.txt"
"""The ids of a batch whose loss was not finite, one a line."""


class TooLong(StrEnum):
    """What becomes of an example that is longer than a row. It is never cut."""

    DROP = "drop"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class TrainingOptions:
    """How a model is trained on examples, whatever the machine."""

    steps: int | None = 400
    """Optimizer steps. None: as many as `epochs` take."""
    epochs: float | None = None
    """Passes over the examples; used where `steps` is None."""
    batch_size: int = 32
    """Examples a step, over all processes and accumulated batches; of packed rows, as many as hold so many on average."""
    longest: int = 256
    """Tokens of the longest example."""
    too_long: TooLong = TooLong.DROP
    """Longer examples are dropped, counted and reported, or they are an error."""
    layout: Layout = Layout.BUCKETED
    """How examples are laid into rows; see `mmst.training.schedule`."""
    groups: int = 4
    """Groups of like length that a bucketed batch is computed in, one after the other: the more, the less padding."""
    row: int = 512
    """Tokens of a packed row, at least `longest`."""
    share_prefixes: bool = True
    """Whether few-shot exemplars stand once in a packed row, for all its examples; never with FlashAttention and the like."""
    attention: str | None = None
    """An attention implementation of transformers; None: its own choice."""
    recompute: bool = False
    """Compute activations again in the backward pass instead of keeping them: less memory, a third more time."""
    loss_chunk: int | None = None
    """Completion tokens whose logits are held at a time; None: all of a batch."""
    compile: bool = False
    """torch.compile."""
    lora: int | dict[str, Any] | None = None
    """Train low-rank adapters, of this rank or with these settings of peft.LoraConfig; None: all weights."""
    merge: bool = True
    """Whether adapters are merged into the model; else a checkpoint holds them alone, and needs the one it started from."""
    edge_weights: dict[str, float] | None = None
    """How much a completion token of an edge counts in the loss, by its name (`code -> text`, or `code_to_text`); else 1."""
    held_out: float = 0.0
    """Share of the problems whose examples are held out, to choose the best weights by; 0: the last weights are taken."""
    measure_every: int = 50
    """Steps between two measurements of the held-out loss."""
    patience: int | None = 3
    """Measurements without a better one until a training stops; None: never."""
    optimizer: OptimizerOptions = field(default_factory=OptimizerOptions)
    save_every: int = 100
    """Steps between the checkpoints that a killed training resumes from."""
    keep: int = 1
    """How many of them are kept while the training runs."""
    keep_after: bool = False
    """Whether they stay when it has ended."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "too_long", TooLong(self.too_long))
        object.__setattr__(self, "layout", Layout(self.layout))
        if (self.steps is None) == (self.epochs is None):
            raise ConfigError("trainer.options: give either steps or epochs, and set the other to null.")
        positive = (
            "steps", "epochs", "batch_size", "longest", "groups", "row", "save_every", "keep", "measure_every", "patience",
            "loss_chunk",
        )  # fmt: skip
        for key in positive:
            value = getattr(self, key)
            if value is not None and not 0 < value < float("inf"):
                raise ConfigError(f"trainer.options.{key}={value} must be above 0.")
        check_attention(self.attention)
        if not 0 <= self.held_out < 1:
            raise ConfigError(f"trainer.options.held_out={self.held_out} is a share of the problems, from 0 to below 1.")
        if isinstance(self.lora, int) and self.lora < 1:
            raise ConfigError(f"model.lora={self.lora} is a rank and must be at least 1.")
        if any(not 0 <= weight < float("inf") for weight in (self.edge_weights or {}).values()):
            raise ConfigError("trainer.options.edge_weights must be 0 or above.")

    @property
    def packed(self) -> bool:
        """Whether rows hold several examples."""
        return self.layout is Layout.PACKED

    @property
    def masked(self) -> bool:
        """Whether rows have a mask of blocks, in which all examples of a row can see one prefix."""
        return self.packed and self.attention not in BY_POSITION

    @property
    def shares_prefixes(self) -> bool:
        """Whether a packed row holds once what its examples begin with."""
        return self.masked and self.share_prefixes

    @property
    def longest_row(self) -> int:
        """Tokens of the longest example that is trained on."""
        return min(self.longest, self.row) if self.packed else self.longest

    def step_count(self, rows: int) -> int:
        """Optimizer steps for a training set of `rows` examples."""
        if self.steps is not None:
            return self.steps
        assert self.epochs is not None
        return max(1, round(self.epochs * rows / self.batch_size))

    def check_edges(self, edges: Iterable[str]) -> None:
        """Refuse weights of edges that no recipe can have; an arm may lack an edge that is given one.

        Raises:
            ConfigError: a name is misspelt.
        """
        known = list(edges)
        unknown = sorted(set(self.edge_weights or {}) - set(known) - set(map(_plain_name, known)))
        if unknown:
            raise ConfigError(f"trainer.options.edge_weights: '{unknown[0]}' is no edge; there are {', '.join(known)}.")

    def weighed(self, rows: Sequence[TokenRow]) -> list[TokenRow]:
        """The rows with the weights of their edges; those of weight 0 are left out.

        Raises:
            ConfigError: none is left.
        """
        weights = self.edge_weights or {}
        given = [(row, weights.get(row.edge, weights.get(_plain_name(row.edge), 1.0))) for row in rows]
        found = [replace(row, weight=weight) for row, weight in given if weight]
        if rows and not found:
            edges = ", ".join(sorted({row.edge for row in rows}))
            raise ConfigError(f"trainer.options.edge_weights: all edges of this arm ({edges}) have the weight 0.")
        return found

    def settings(self) -> dict[str, Any]:
        """What determines what comes out: everything but how often is saved, and what this training has no use for."""
        idle = {"save_every", "keep", "keep_after"}
        idle |= set() if self.masked else {"share_prefixes"}
        idle |= {"merge"} if self.merge or self.lora is None else set()
        return {key: value for key, value in asdict(self).items() if key not in idle}


def fit(
    start: Path,
    target: Path,
    rows: Sequence[TokenRow],
    options: TrainingOptions,
    trainer_factory: TrainerFactory,
    work: Path,
    seed: int,
    callbacks: Sequence[Callback] = (),
) -> TrainingRecord:
    """Train `start` on `rows` and write `target`, resuming from `work` where an earlier process was killed.

    1. The schedule of batches is fixed for the whole run, and dealt out to processes.
    2. All that the training is (weights, optimizer, scheduler, position in the data) is saved every `save_every` steps.
    3. A checkpoint that is there is continued; on a CPU in fp32 the end is equal to the bit.
    4. The last weights, or the best by the held-out loss, are written in Hugging Face format, by the first process.

    Called by each process of a distributed training alike.
    """
    tokenizer = load_tokenizer(start)
    pad_id = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id
    weighed = options.weighed(rows)
    shares = options.shares_prefixes and AutoConfig.from_pretrained(start)._attn_implementation not in BY_POSITION
    train_rows, held_rows = split_by_problem(with_shared_prefixes(weighed) if shares else weighed, options.held_out, seed)
    _check_split(options, train_rows, held_rows)
    edges = sorted({row.edge for row in rows})
    steps = options.step_count(len(train_rows))
    lightning.seed_everything(seed, workers=True, verbose=False)
    recorder = Recorder(edges, options.save_every)
    trainer = trainer_factory(
        max_steps=steps, max_epochs=1, default_root_dir=work, use_distributed_sampler=False, enable_checkpointing=False
    )
    check_parts(options.batch_size, trainer.world_size, trainer.accumulate_grad_batches)
    schedule = _schedule(train_rows, options, steps, seed, trainer.world_size * trainer.accumulate_grad_batches)
    made: list[Callback] = [recorder, *callbacks]
    if held_rows:
        size = max(1, options.batch_size // (trainer.world_size * trainer.accumulate_grad_batches))
        held = held_out_batches(held_rows, size, trainer.world_size)
        made.append(HeldOut(partial(_tensors, held, trainer, pad_id, edges), work, options.measure_every, options.patience))
    theirs: list[Callback] = trainer.callbacks  # type: ignore[attr-defined]  # set in a connector
    theirs.extend([*made, Saver(work, options.save_every, options.keep)])
    longest = options.longest_row if options.packed else None
    builder = ModelBuilder(start, longest, options.attention, options.recompute, options.compile, options.lora)
    builder.check(trainer.strategy)
    module = CausalLanguageModule(
        builder,
        options.optimizer,
        steps,
        options.packed,
        options.loss_chunk,
        work / UNCLEAR,
        seed,
    )
    if finished(work) is None:
        resume = latest(work)
        if resume is not None:
            log.info("training goes on from %s", resume)
        data = ExampleDataModule(train_rows, schedule, pad_id, edges, options.packed, 1 if options.packed else options.groups)
        trainer.fit(module, datamodule=data, ckpt_path=resume, weights_only=False)
        if trainer.is_global_zero:
            finish(work, *_end(made, recorder.record))
        trainer.strategy.barrier("mmst: the training has ended")
    ended = finished(work)
    assert ended is not None
    if trainer.is_global_zero:
        convert(ended[0], start, target, lora=options.lora, merge=options.merge)
    return ended[1]


def _schedule(rows: Sequence[TokenRow], options: TrainingOptions, steps: int, seed: int, parts: int) -> Sequence[Sequence[Row]]:
    lengths = [len(row.tokens) for row in rows]
    if options.packed:
        prefixes = [row.prefix for row in rows]
        schedule = packed_steps(lengths, options.row, options.batch_size, steps, seed, prefixes)
        if len(schedule[0]) < parts:
            raise ConfigError(
                f"trainer.options: a step of batch_size={options.batch_size} examples is {len(schedule[0])} packed rows of "
                f"{options.row} tokens, too few for {parts} batches (processes x accumulated); raise batch_size, or lower row."
            )
        return schedule
    return bucketed_steps(len(rows), options.batch_size, steps, seed)


def _plain_name(edge: str) -> str:
    """An edge's name as a command line can have it."""
    return edge.replace(" -> ", "_to_")


def _check_split(options: TrainingOptions, train_rows: Sequence[TokenRow], held_rows: Sequence[TokenRow]) -> None:
    if not train_rows or (options.held_out and not held_rows):
        raise ConfigError(
            f"trainer.options.held_out={options.held_out} leaves {len(train_rows)} examples to train on and {len(held_rows)} "
            "to measure; there are too few problems for it."
        )


def _tensors(
    held: Sequence[Sequence[Any]], trainer: lightning.Trainer, pad_id: int, edges: Sequence[str]
) -> list[Mapping[str, Any]]:
    """This process's held-out batches. They are not packed; position ids do for both layouts."""
    return [{**collate(batch.rows, pad_id, edges, packed=True), "share": batch.share} for batch in held[trainer.global_rank]]


def _end(callbacks: Sequence[Callback], record: TrainingRecord) -> tuple[str, TrainingRecord]:
    """Which checkpoint the training ends with: the best where one is chosen, else the last."""
    held = next((callback for callback in callbacks if isinstance(callback, HeldOut)), None)
    if held is None or not held.best_step:
        return END, record
    return BEST, replace(record, held_out_loss=held.best, best_step=held.best_step)
