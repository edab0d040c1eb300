"""Where a chunk closes: after about a minute of work, so that a kill loses no more, or after a fixed number of inputs.

Samplers are faster on larger calls, so a chunk is one call, and as large as the time allows. The first one of a stage is small,
since nothing is known of the rate; each further one is what the rate of the one before fits into the time. No row depends on
where a chunk closes, and what is written of a stage says where its chunks did.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

FIRST = 32
"""Rows of a stage's first chunk, at least: enough for an engine to work on at once, few enough to take no long time."""


@dataclass(frozen=True, slots=True)
class Chunking:
    """When chunks close."""

    most: int
    """Inputs a chunk, at most."""
    seconds: float = math.inf
    """About how long the work on a chunk takes, in seconds; infinite: each chunk has `most` inputs."""
    clock: Callable[[], float] = time.monotonic
    """Seconds since any moment; tests pass their own."""

    def first(self, units: int) -> int:
        """Inputs of the first chunk, which no later one is smaller than. `units`: rows for each input."""
        return self.most if math.isinf(self.seconds) else min(self.most, math.ceil(FIRST / max(units, 1)))


class Pace:
    """How many inputs the next chunk takes, by what the last one took."""

    def __init__(self, chunking: Chunking, units: int = 1) -> None:
        self._chunking = chunking
        self._least = self.size = chunking.first(units)
        self.clock = chunking.clock

    def took(self, inputs: int, seconds: float) -> None:
        """Work on a chunk of so many inputs is done."""
        fit = inputs * self._chunking.seconds / seconds if seconds > 0 else math.inf
        self.size = int(max(self._least, min(self._chunking.most, fit)))
