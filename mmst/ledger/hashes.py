"""Texts by eight bytes of their hash: what must be remembered of rows that are gone, as small as it can be.

Among ten million texts two different ones have one hash with a chance of 3 in a million (n squared over 2**65).
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np


def text_hash(text: str) -> int:
    """Eight bytes of a text's hash, below 2**64."""
    return int.from_bytes(hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=8).digest(), "little")


class Seen:
    """Which hashes came before, in 8 bytes each: sorted runs, of which like ones are merged."""

    def __init__(self) -> None:
        self._runs: list[np.ndarray[Any, Any]] = []

    def new(self, hashes: Sequence[int]) -> list[bool]:
        """Of each hash, in order, whether it comes for the first time."""
        given = np.array(hashes, dtype=np.uint64)
        distinct, firsts = np.unique(given, return_index=True)
        known = np.zeros(len(distinct), dtype=bool)
        for run in self._runs:
            places = np.minimum(np.searchsorted(run, distinct), len(run) - 1)
            known |= run[places] == distinct
        found = np.zeros(len(given), dtype=bool)
        found[firsts[~known]] = True
        self._add(distinct[~known])
        return [bool(new) for new in found]

    def _add(self, run: np.ndarray[Any, Any]) -> None:
        while len(run) and self._runs and len(self._runs[-1]) <= 2 * len(run):
            run = np.sort(np.concatenate([self._runs.pop(), run]))
        if len(run):
            self._runs.append(run)


class Lookup:
    """Values by name, in 12 bytes a name: for many names of few different values. Of equal names the last one counts."""

    def __init__(self, pairs: Iterable[tuple[str, str | None]]) -> None:
        hashes, numbers = array("Q"), array("I")
        known: dict[str | None, int] = {}
        for name, value in pairs:
            hashes.append(text_hash(name))
            numbers.append(known.setdefault(value, len(known)))
        given = np.frombuffer(hashes, dtype=np.uint64)
        order = np.argsort(given, kind="stable")
        self._hashes = given[order]
        self._numbers = np.frombuffer(numbers, dtype=np.uint32)[order]
        self._values = list(known)

    def __getitem__(self, name: str) -> str | None:
        own = text_hash(name)
        place = int(np.searchsorted(self._hashes, np.uint64(own), side="right")) - 1
        if place < 0 or int(self._hashes[place]) != own:
            raise KeyError(name)
        return self._values[int(self._numbers[place])]
