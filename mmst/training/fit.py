"""One training: token rows in, a checkpoint in Hugging Face format out, on any trainer."""

from __future__ import annotations

import logging
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import lightning
from lightning.pytorch.callbacks import Callback

from mmst.errors import ConfigError
from mmst.training.batches import TokenRow
from mmst.training.building import ModelBuilder
from mmst.training.checkpoint import load_config, load_tokenizer
from mmst.training.convert import convert
from mmst.training.data import ExampleDataModule
from mmst.training.held_out import BEST, HeldOut, held_out_batches, split_by_problem
from mmst.training.module import CausalLanguageModule
from mmst.training.options import BY_POSITION, TrainingOptions
from mmst.training.prefixes import with_shared_prefixes
from mmst.training.record import TrainingRecord, finish, finished
from mmst.training.recorder import Recorder
from mmst.training.references import References, alone, completions_of
from mmst.training.saving import END, BesideTarget, Saver, is_sound, resumable, writes_files
from mmst.training.schedule import Row, bucketed_steps, check_parts, packed_steps
from mmst.training.stopping import Stopping

log = logging.getLogger(__name__)

TrainerFactory = Callable[..., lightning.Trainer]
UNCLEAR = "not_finite.txt"
"""The ids of a batch whose loss was not finite, one a line."""


def fit(
    start: Path,
    target: Path,
    rows: Sequence[TokenRow],
    options: TrainingOptions,
    trainer_factory: TrainerFactory,
    work: Path,
    seed: int,
    callbacks: Sequence[Callback] = (),
    stop: Path | None = None,
) -> TrainingRecord:
    """Train `start` on `rows` and write `target`, resuming from `work` where an earlier process was killed.

    1. The schedule of batches is fixed for the whole run, and dealt out to processes.
    2. All that the training is (weights, optimizer, scheduler, position in the data) is saved every `save_every` steps.
    3. A checkpoint that is there is continued; on a CPU in fp32 the end is equal to the bit.
    4. The last weights, or the best by the held-out loss, are written in Hugging Face format, by the first process.

    Called by each process of a distributed training alike. `stop`: a file that ends it as SIGTERM does, once it is there.
    """
    tokenizer = load_tokenizer(start)
    pad_id = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id
    objective = options.objective
    weighed = options.weighed(rows)
    shares = options.shares_prefixes and load_config(start)._attn_implementation not in BY_POSITION
    train_rows, held_rows = split_by_problem(with_shared_prefixes(weighed) if shares else weighed, options.held_out, seed)
    _check_split(options, train_rows, held_rows)
    edges = sorted({part.edge for row in rows for part in row.parts})
    steps = options.step_count(len(train_rows))
    lightning.seed_everything(seed, workers=True, verbose=False)
    recorder = Recorder(edges, options.save_every)
    trainer = trainer_factory(
        max_steps=steps, max_epochs=1, default_root_dir=work, use_distributed_sampler=False, enable_checkpointing=False
    )
    if writes_files(trainer.strategy):
        trainer.strategy.checkpoint_io = BesideTarget()
    check_parts(options.batch_size, trainer.world_size, trainer.accumulate_grad_batches)
    schedule = _schedule(train_rows, options, steps, seed, trainer.world_size * trainer.accumulate_grad_batches)
    trainer.accumulate_grad_batches = options.accumulated(len(schedule[0]), trainer.world_size, trainer.accumulate_grad_batches)
    stopping = Stopping(stop)
    made: list[Callback] = [recorder, *callbacks]
    if objective.compares:
        met = {number for step in schedule for row in step for number in row}
        known = completions_of(train_rows[number] for number in sorted(met))
        made.append(References(known, partial(alone, pad_id=pad_id, edges=edges), work))
    if held_rows:
        size = max(1, options.batch_size // (trainer.world_size * trainer.accumulate_grad_batches))
        held = held_out_batches(held_rows, size, trainer.world_size)
        made.append(HeldOut(partial(_tensors, held, trainer, pad_id, edges), work, options.measure_every, options.patience))
    theirs: list[Callback] = trainer.callbacks  # type: ignore[attr-defined]  # set in a connector
    theirs.extend([*made, Saver(work, options.save_every, options.keep, stopping)])
    longest = options.longest_row if options.packed else None
    shared = options.longest_row if objective.compares and options.share_prefixes else None
    builder = ModelBuilder(start, longest, shared, options.attention, options.recompute, options.compile, options.lora)
    builder.check(trainer.strategy)
    module = CausalLanguageModule(
        builder,
        options.optimizer,
        steps,
        options.packed,
        options.loss_chunk,
        work / UNCLEAR,
        seed,
        objective,
    )
    before = finished(work)
    if before is None or not is_sound(before[0]):
        resume = resumable(work)
        if resume is not None:
            log.info("training goes on from %s", resume)
        data = ExampleDataModule(train_rows, schedule, pad_id, edges, options.packed, 1 if options.packed else options.groups)
        with stopping:
            trainer.fit(module, datamodule=data, ckpt_path=resume, weights_only=writes_files(trainer.strategy))
            if trainer.is_global_zero:
                finish(work, *_end(made, recorder.record))
        trainer.strategy.barrier("mmst: the training has ended")
    ended = finished(work)
    assert ended is not None
    if trainer.is_global_zero:
        convert(ended[0], start, target, lora=options.lora, merge=options.merge)
    return ended[1]


def _schedule(rows: Sequence[TokenRow], options: TrainingOptions, steps: int, seed: int, parts: int) -> Sequence[Sequence[Row]]:
    if options.packed:
        lengths = array("L", (row.length for row in rows))
        known: dict[tuple[int, ...], tuple[int, ...]] = {}
        prefixes = [known.setdefault(prefix, prefix) for prefix in (row.prefix for row in rows)]
        schedule = packed_steps(lengths, options.row, options.batch_size, steps, seed, prefixes)
        if len(schedule[0]) < parts:
            raise ConfigError(
                f"trainer.options: a step of batch_size={options.batch_size} examples is {len(schedule[0])} packed rows of "
                f"{options.row} tokens, too few for {parts} batches (processes x accumulated); raise batch_size, or lower row."
            )
        return schedule
    return bucketed_steps(len(rows), options.batch_size, steps, seed)


def _check_split(options: TrainingOptions, train_rows: Sequence[TokenRow], held_rows: Sequence[TokenRow]) -> None:
    if not train_rows or (options.held_out and not held_rows):
        raise ConfigError(
            f"trainer.options.held_out={options.held_out} leaves {len(train_rows)} examples to train on and {len(held_rows)} "
            "to measure; there are too few problems for it."
        )


def _tensors(
    held: Sequence[Sequence[Any]], trainer: lightning.Trainer, pad_id: int, edges: Sequence[str]
) -> list[Mapping[str, Any]]:
    """This process's held-out batches."""
    return [{**alone(batch, pad_id, edges), "share": batch.share} for batch in held[trainer.global_rank]]


def _end(callbacks: Sequence[Callback], record: TrainingRecord) -> tuple[str, TrainingRecord]:
    """Which checkpoint the training ends with: the best where one is chosen, else the last."""
    held = next((callback for callback in callbacks if isinstance(callback, HeldOut)), None)
    if held is None:
        return END, record
    record = replace(record, curve=sorted([*record.curve, *held.curve], key=lambda row: row["step"]))
    return (BEST, replace(record, held_out_loss=held.best, best_step=held.best_step)) if held.best_step else (END, record)
