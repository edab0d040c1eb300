"""Intervals of an accuracy."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import numpy as np

CONFIDENCE = 0.95
RESAMPLES = 9999
LEAST_OTHERS = 15
"""Values that must differ from the commonest one for the bootstrap to know how they vary."""


def accuracy_interval(right: int, n: int) -> tuple[float, float]:
    """The 95% interval of a share of independent problems, by Wilson's score (1927).

    It keeps its coverage near 0 and 1, where a bootstrap of all-right answers collapses to a point. (0, 1) where n is 0.
    """
    from scipy import stats

    if n == 0:
        return 0.0, 1.0
    share, z = right / n, float(stats.norm.isf((1 - CONFIDENCE) / 2))
    width = 1 + z**2 / n
    middle = (share + z**2 / (2 * n)) / width
    half = z * sqrt(share * (1 - share) / n + z**2 / (4 * n**2)) / width
    return min(max(0.0, middle - half), share), max(min(1.0, middle + half), share)


def difference_interval(right: int, n: int, other_right: int, other_n: int) -> tuple[float, float]:
    """The 95% interval of a share minus another, of independent groups (Newcombe 1998, Stat. Med. 17, method 10)."""
    share, other = (right / n if n else 0.5), (other_right / other_n if other_n else 0.5)
    (low, high), (other_low, other_high) = accuracy_interval(right, n), accuracy_interval(other_right, other_n)
    difference = share - other
    below = sqrt((share - low) ** 2 + (other_high - other) ** 2)
    above = sqrt((high - share) ** 2 + (other - other_low) ** 2)
    return max(-1.0, difference - below), min(1.0, difference + above)


def mean_interval(values: Sequence[float], seed: int = 0, bounds: tuple[float, float] = (0.0, 1.0)) -> tuple[float, float]:
    """The 95% bootstrap interval of a mean over problems (Efron 1979, percentile); one value a problem, within `bounds`.

    Several samples of a problem are one cluster: give their mean. Where nearly all values are equal, resampling them does not
    show how they vary (and where all are, it shows a point): then it is `bounded_interval`. `bounds` where there is no value.
    """
    from scipy import stats

    data = np.asarray(values, dtype=float)
    if len(data) == 0:
        return bounds
    if nearly_equal(values):
        return bounded_interval(data.tolist(), bounds)
    generator = np.random.default_rng(seed)
    result = stats.bootstrap(
        (data,), np.mean, n_resamples=RESAMPLES, batch=500, method="percentile", confidence_level=CONFIDENCE, rng=generator
    )
    return float(result.confidence_interval.low), float(result.confidence_interval.high)


def nearly_equal(values: Sequence[float]) -> bool:
    """Whether too few values differ from the commonest one for resampling to show how they vary."""
    _, counts = np.unique(values, return_counts=True)
    return bool(len(values) - counts.max() < LEAST_OTHERS)


def bounded_interval(values: Sequence[float], bounds: tuple[float, float] = (0.0, 1.0)) -> tuple[float, float]:
    """The 95% interval of a mean of values within `bounds`, by Agresti and Coull's device (1998, Am. Stat. 52).

    To the values, z*z / 2 are added at each bound; then it is the normal interval. For right and wrong answers it is theirs. It
    keeps a width where all values are equal, and is wider than needed for values far from the bounds.
    """
    from scipy import stats

    low, high = bounds
    z = float(stats.norm.ppf((1 + CONFIDENCE) / 2))
    n = len(values) + z**2
    middle = (sum(values) + z**2 * (low + high) / 2) / n
    variance = (sum(value**2 for value in values) + z**2 * (low**2 + high**2) / 2) / n - middle**2
    half = z * (variance / n) ** 0.5
    return max(low, middle - half), min(high, middle + half)


def ratio_interval(above: Sequence[float], below: Sequence[float]) -> tuple[float, float] | None:
    """The 95% interval of the mean of `above` over the mean of `below`, values in pairs (Fieller 1954, J. R. Stat. Soc. B 16).

    None where it has no bounds, since the mean below cannot be told from nothing; or there are fewer than two pairs.
    """
    from scipy import stats

    n = len(above)
    if n < 2:
        return None
    (upper, lower), spread = np.mean([above, below], axis=1), np.cov(above, below) / n
    wide = float(stats.t.ppf((1 + CONFIDENCE) / 2, n - 1)) ** 2
    square, middle, rest = (
        x - wide * s for x, s in zip((lower**2, upper * lower, upper**2), spread[[1, 0, 0], [1, 1, 0]], strict=True)
    )
    if square <= 0:
        return None
    half = sqrt(max(0.0, middle**2 - square * rest))
    return float((middle - half) / square), float((middle + half) / square)


def seeds_interval(values: Sequence[float]) -> tuple[float, float]:
    """The 95% interval of a mean over independent runs, by Student's t (1908); needs at least two.

    It holds what training and sampling seeds vary, which an interval over the problems of one run does not.
    """
    from scipy import stats

    data = np.asarray(values, dtype=float)
    if len(data) < 2:
        return float("-inf"), float("inf")
    error = stats.sem(data)
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, len(data) - 1)) * float(error)
    return float(data.mean()) - half, float(data.mean()) + half
