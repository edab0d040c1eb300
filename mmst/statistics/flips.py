"""Gains and losses of an arm, by what the base had right: where a difference of two accuracies comes from.

A method that learns from another should gain where the other was right and it was not; one that only practises more should
gain as much where neither was right. The four cells are those of the base's own table (see `agreement.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from mmst.statistics.intervals import accuracy_interval, difference_interval
from mmst.statistics.paired import paired_difference


class Had(StrEnum):
    """What the base had right on a problem, seen from one method."""

    BOTH = "both"
    ONLY_THIS = "only_this"
    ONLY_OTHER = "only_other"
    """This method was wrong; some other method was right."""
    NEITHER = "neither"

    @property
    def was_right(self) -> bool:
        """Whether this method was: a change is a loss then, and a gain otherwise."""
        return self in (Had.BOTH, Had.ONLY_THIS)


@dataclass(frozen=True, slots=True)
class Flip:
    """How many problems of one cell changed from the base to an arm."""

    had: Had
    n: int
    """Problems of the cell."""
    flipped: int
    """Gained, where the base's method was wrong; lost, where it was right."""
    share: float
    """`flipped` of `n`, from 0 to 1; 0 in an empty cell."""
    low: float
    high: float
    """The 95% interval of the share (Wilson); from 0 to 1 in an empty cell."""


@dataclass(frozen=True, slots=True)
class FlipContrast:
    """How much larger the share that changed is in arm `b` than in arm `a`, on the same problems of one cell."""

    had: Had
    n: int
    difference: float
    low: float
    high: float
    """The 95% interval of the difference, paired over problems."""
    p: float
    """McNemar's exact test, two-sided, without a correction for the number of cells."""


@dataclass(frozen=True, slots=True)
class NearFar:
    """How much larger the share that changed is on problems whose translations were trained on (near) than on others (far)."""

    had: Had
    near_n: int
    near_flipped: int
    far_n: int
    far_flipped: int
    difference: float
    """Near minus far, from -1 to 1; tells nothing where either is empty."""
    low: float
    high: float
    """The 95% interval of the difference of two independent shares (Newcombe)."""
    p: float
    """Fisher's exact test, two-sided, without a correction for the number of cells."""


def flips(this: Sequence[bool], other: Sequence[bool], after: Sequence[bool]) -> list[Flip]:
    """What became of each cell of the base; one value a problem, in the same order.

    Args:
        this: whether the base's method was right.
        other: whether some other method of the base was.
        after: whether the method is right in the arm.

    Raises:
        ValueError: the lengths differ.
    """
    return [_flip(had, cell) for had, cell in _cells(this, other, after)]


def flip_contrasts(this: Sequence[bool], other: Sequence[bool], a: Sequence[bool], b: Sequence[bool]) -> list[FlipContrast]:
    """The flips of arm `b` against those of arm `a`, from one base; arguments as for `flips`.

    Raises:
        ValueError: the lengths differ.
    """
    first, second = dict(_cells(this, other, a)), dict(_cells(this, other, b))
    found = []
    for had in Had:
        before, after = ([_flipped(had, right) for right in cells[had]] for cells in (first, second))
        d = paired_difference(before, after)
        found.append(FlipContrast(had, d.n, d.difference, d.low, d.high, d.p))
    return found


def near_and_far(this: Sequence[bool], other: Sequence[bool], after: Sequence[bool], far: Sequence[bool]) -> list[NearFar]:
    """The flips of the problems whose translations were trained on against those of the ones whose were withheld.

    Args:
        this: as for `flips`.
        other: as for `flips`.
        after: as for `flips`.
        far: whether the problem's translations were withheld.

    Raises:
        ValueError: the lengths differ.
    """
    rows = list(zip(this, other, after, far, strict=True))
    groups = [[row[:3] for row in rows if bool(row[3]) is distant] for distant in (False, True)]
    cells = [flips(*([row[place] for row in group] for place in range(3))) for group in groups]
    return [_near_far(near, distant) for near, distant in zip(*cells, strict=True)]


def _near_far(near: Flip, far: Flip) -> NearFar:
    from scipy import stats  # slow to import, and most reports need none

    low, high = difference_interval(near.flipped, near.n, far.flipped, far.n)
    table = np.array([[row.flipped, row.n - row.flipped] for row in (near, far)])
    p = float(stats.fisher_exact(table).pvalue) if near.n and far.n else 1.0
    return NearFar(near.had, near.n, near.flipped, far.n, far.flipped, near.share - far.share, low, high, p)


def _cells(this: Sequence[bool], other: Sequence[bool], after: Sequence[bool]) -> Iterator[tuple[Had, list[bool]]]:
    """Each cell with the arm's outcomes in it."""
    rows = list(zip(this, other, after, strict=True))
    places = {(True, True): Had.BOTH, (True, False): Had.ONLY_THIS, (False, True): Had.ONLY_OTHER, (False, False): Had.NEITHER}
    for place, had in places.items():
        yield had, [bool(z) for x, y, z in rows if (bool(x), bool(y)) == place]


def _flip(had: Had, after: Sequence[bool]) -> Flip:
    n, flipped = len(after), sum(_flipped(had, right) for right in after)
    return Flip(had, n, flipped, flipped / n if n else 0.0, *accuracy_interval(flipped, n))


def _flipped(had: Had, right: bool) -> bool:
    return right is not had.was_right
