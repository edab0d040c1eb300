"""Which examples are trained on in which batch, for a whole run.

The schedule depends on the seed, the lengths and the options alone: a resumed run meets the same batches in the same order,
and any number of processes together meet those that one process would meet.

    bucketed   a row an example; rows of like length share a batch
    packed     rows of a fixed length that hold several examples each, by best-fit decreasing (Johnson 1973; for language
               models: Krell et al., arXiv 2107.02027). Examples of a row never see each other: see `mmst.training.loss`.
"""

from __future__ import annotations

import math
import random
from bisect import bisect_left, insort
from collections.abc import Sequence
from enum import StrEnum

from mmst.errors import ConfigError

Row = tuple[int, ...]
"""The numbers of the examples that share a row."""
POOL_BATCHES = 32
"""How many batches' worth of shuffled rows are sorted by length together: little padding, still random."""


class Layout(StrEnum):
    """How examples are laid into rows."""

    BUCKETED = "bucketed"
    PACKED = "packed"


def bucketed_steps(lengths: Sequence[int], batch_size: int, steps: int, seed: int) -> list[list[Row]]:
    """The rows of `steps` steps of `batch_size` examples. Over a run, examples come equally often, or once more.

    Epochs are shuffled one by one, and then sorted by length in pools of `POOL_BATCHES` batches that may reach from one epoch
    into the next: with few examples, one may come again before another came.
    """
    rng = random.Random(seed)
    order: list[int] = []
    while len(order) < steps * batch_size:
        epoch = list(range(len(lengths)))
        rng.shuffle(epoch)
        order += epoch
    batches: list[list[Row]] = []
    pool_size = POOL_BATCHES * batch_size
    for start in range(0, steps * batch_size, pool_size):
        pool = order[start : min(start + pool_size, steps * batch_size)]
        pool.sort(key=lambda row: lengths[row])
        cut: list[list[Row]] = [[(row,) for row in pool[i : i + batch_size]] for i in range(0, len(pool), batch_size)]
        rng.shuffle(cut)
        batches += cut
    return batches


def packed_steps(
    lengths: Sequence[int], row_length: int, batch_size: int, steps: int, seed: int, parts: int = 1
) -> list[list[Row]]:
    """The rows of `steps` steps of about `batch_size` examples each, packed anew in each epoch.

    A step has the number of rows, a multiple of `parts`, whose mean content is nearest to `batch_size` examples.
    """
    rng = random.Random(seed)
    rows = pack(lengths, row_length, rng)
    per_step = parts * max(1, round(batch_size * len(rows) / len(lengths) / parts))
    while len(rows) < steps * per_step:
        rows += pack(lengths, row_length, rng)
    return [rows[i : i + per_step] for i in range(0, steps * per_step, per_step)]


def pack(lengths: Sequence[int], row_length: int, rng: random.Random) -> list[Row]:
    """All examples in rows of at most `row_length` tokens, by best-fit decreasing; the rows in random order.

    An example goes into the fullest row that has room for it. Examples of one length come in random order, so that no two
    epochs have the same rows.

    Raises:
        ValueError: an example is longer than a row.
    """
    order = list(range(len(lengths)))
    rng.shuffle(order)
    order.sort(key=lambda number: -lengths[number])
    if order and lengths[order[0]] > row_length:
        raise ValueError(f"an example of {lengths[order[0]]} tokens does not fit a row of {row_length}")
    rows: list[list[int]] = []
    room: list[tuple[int, int]] = []  # (tokens left, row), sorted
    for number in order:
        place = bisect_left(room, (lengths[number], -1))
        left, row = room.pop(place) if place < len(room) else (row_length, len(rows))
        if row == len(rows):
            rows.append([])
        rows[row].append(number)
        insort(room, (left - lengths[number], row))
    for packed in rows:
        rng.shuffle(packed)
    rng.shuffle(rows)
    return [tuple(packed) for packed in rows]


def parts_of_step(rows: Sequence[Row], parts: int) -> list[list[Row]]:
    """A step's rows, dealt out to its batches: like lengths come next to each other, so each batch gets a like load."""
    return [list(rows[part::parts]) for part in range(parts)]


def check_parts(batch_size: int, processes: int, accumulated: int) -> None:
    """Refuse a step that cannot be divided evenly.

    Raises:
        ConfigError: some batches would have more examples than others.
    """
    parts = processes * accumulated
    if batch_size % parts:
        better = math.ceil(batch_size / parts) * parts
        raise ConfigError(
            f"trainer.options.batch_size={batch_size} is the examples of a step and must be a multiple of {processes} "
            f"(processes) x {accumulated} (accumulated batches); {better} is one."
        )
