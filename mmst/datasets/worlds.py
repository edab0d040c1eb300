"""What the embedded worlds have in common: splits by a hash, and distinct problems of their families in turn."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Collection, Iterator, Sequence

from mmst.errors import ConfigError
from mmst.types import Problem

SPLITS = {"pretrain": (0, 60), "train": (60, 80), "validation": (80, 85), "test": (85, 100), "heldout": (85, 100)}
"""The share of a family's draws that belongs to each split, in hundredths: [start, end)."""


def split_of_text(text: str) -> str:
    """The split of what a text stands for; `test` stands for `heldout` as well, whose families are in no other split."""
    bucket = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") % 100
    return next(name for name, (start, end) in SPLITS.items() if start <= bucket < end)


def check_draw(world: str, split: str, size: int) -> None:
    """Refuse a split that there is none of, and a size that is no number above 0.

    Raises:
        ConfigError: says which.
    """
    if split not in SPLITS:
        raise ConfigError(f"dataset.split: {world} has no split '{split}'; it has {', '.join(SPLITS)}.")
    if isinstance(size, bool) or not isinstance(size, int) or size < 1:
        raise ConfigError(f"dataset.{split}.size={size} must be a whole number above 0.")


def check_families(world: str, key: str, names: Sequence[str], known: Collection[str]) -> None:
    """Refuse a family that there is none of. key: the setting that named it.

    Raises:
        ConfigError: says which.
    """
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ConfigError(f"{key}: {world} has no family '{unknown[0]}'; it has {', '.join(known)}.")


def drawn_in_turn(names: Sequence[str], size: int, rng: random.Random, draw: Callable[[str], Problem]) -> list[Problem]:
    """`size` problems with distinct questions, families in turn, then shuffled. draw: one problem of a family, from `rng`."""
    streams = [_distinct(name, draw) for name in names]
    drawn = [next(streams[i % len(streams)]) for i in range(size)]
    rng.shuffle(drawn)
    return drawn


def _distinct(name: str, draw: Callable[[str], Problem]) -> Iterator[Problem]:
    seen: set[str] = set()
    while True:
        problem = draw(name)
        if problem.question not in seen:
            seen.add(problem.question)
            yield problem
