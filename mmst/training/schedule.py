"""Which examples are trained on in which step, for a whole run, and how a step's are laid out.

The schedule depends on the seed, the lengths and the options alone: a resumed run meets the same batches in the same order,
and any number of processes together meet those that one process would meet. Every step is a random draw: batches that hold like
lengths alone would be faster still, and learn less from the same examples (docs/training.md has the figures).

    bucketed   a row an example; a batch is computed in groups of like length, so that little is padding
    packed     rows of a fixed length that hold several examples each, by best-fit decreasing (Johnson 1973; for language
               models: Krell et al., arXiv 2107.02027). Examples of a row never see each other: see `mmst.training.loss`.
               Those of one row begin with the same prefix, if any: it stands there once.
"""

from __future__ import annotations

import math
import random
from array import array
from bisect import bisect_left, insort
from collections.abc import Mapping, Sequence
from enum import StrEnum

import numpy as np

from mmst.errors import ConfigError
from mmst.ledger.spooled import Mapped

Row = tuple[int, ...]
"""The numbers of the examples that share a row."""


class Layout(StrEnum):
    """How examples are laid into rows."""

    BUCKETED = "bucketed"
    PACKED = "packed"


def bucketed_steps(examples: int, batch_size: int, steps: int, seed: int) -> Sequence[Sequence[Row]]:
    """The rows of `steps` steps of `batch_size` examples, in random order epoch by epoch; a step may reach into the next."""
    rng = random.Random(seed)
    order = array("L")
    while len(order) < steps * batch_size:
        epoch = array("L", range(examples))
        rng.shuffle(epoch)
        order += epoch
    return Mapped(range(0, steps * batch_size, batch_size), lambda start: [(n,) for n in order[start : start + batch_size]])


def like_lengths(lengths: Sequence[int], groups: int) -> list[list[int]]:
    """The places of `lengths` in groups with the least padding, where each group is as wide as its longest.

    By dynamic programming over the sorted lengths. Of fewer lengths than groups, each is a group; else there are never fewer
    groups than asked for: processes that share a model must compute equally many.
    """
    order = sorted(range(len(lengths)), key=lambda place: lengths[place])
    count = len(order)
    least = np.full((groups + 1, count + 1), np.inf)
    least[0, 0] = 0.0
    cut = np.zeros((groups + 1, count + 1), dtype=int)
    for group in range(1, min(groups, count) + 1):
        for end in range(group, count + 1):
            padded = least[group - 1, :end] + (end - np.arange(end)) * lengths[order[end - 1]]
            cut[group, end] = padded.argmin()
            least[group, end] = padded.min()
    found, end = [], count
    for group in range(min(groups, count), 0, -1):
        found.append(order[cut[group, end] : end])
        end = cut[group, end]
    return found[::-1]


def packed_steps(
    lengths: Sequence[int],
    row_length: int,
    batch_size: int,
    steps: int,
    seed: int,
    prefixes: Sequence[Sequence[int]] | None = None,
) -> list[list[Row]]:
    """The rows of `steps` steps of about `batch_size` examples each, packed anew in each epoch.

    A step has the number of rows whose mean content is nearest to `batch_size` examples. `prefixes`: what each example begins
    with, counted in its length; only those with equal ones share a row.
    """
    rng = random.Random(seed)
    groups: dict[tuple[int, ...], list[int]] = {}
    for number in range(len(lengths)):
        groups.setdefault(tuple(prefixes[number]) if prefixes else (), []).append(number)
    rows = _packed_epoch(lengths, groups, row_length, rng)
    per_step = max(1, round(batch_size * len(rows) / len(lengths)))
    while len(rows) < steps * per_step:
        rows += _packed_epoch(lengths, groups, row_length, rng)
    return [rows[i : i + per_step] for i in range(0, steps * per_step, per_step)]


def _packed_epoch(
    lengths: Sequence[int], groups: Mapping[tuple[int, ...], Sequence[int]], row_length: int, rng: random.Random
) -> list[Row]:
    """The rows of one epoch. groups: prefix -> the examples that begin with it."""
    rows: list[Row] = []
    for prefix, numbers in groups.items():
        packed = pack([lengths[number] - len(prefix) for number in numbers], row_length - len(prefix), rng)
        rows += [tuple(numbers[place] for place in row) for row in packed]
    if len(groups) > 1:
        rng.shuffle(rows)
    return rows


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
    """A step's rows, dealt out to its batches; packed rows need not divide evenly."""
    return [list(rows[part::parts]) for part in range(parts)]


def check_parts(batch_size: int, processes: int, accumulated: int) -> None:
    """Refuse a step that cannot be divided evenly.

    Raises:
        ConfigError: some batches would have more examples than others.
    """
    if accumulated < 1:
        raise ConfigError(f"trainer.accumulate={accumulated} must be at least 1.")
    parts = processes * accumulated
    if batch_size % parts:
        better = math.ceil(batch_size / parts) * parts
        raise ConfigError(
            f"trainer.options.batch_size={batch_size} is the examples of a step and must be a multiple of {processes} "
            f"(processes) x {accumulated} (accumulated batches); {better} is one."
        )
