"""Intervals of an accuracy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

CONFIDENCE = 0.95
RESAMPLES = 9999


def accuracy_interval(right: int, n: int) -> tuple[float, float]:
    """The 95% interval of a share of independent problems, by Wilson's score (1927).

    It keeps its coverage near 0 and 1, where a bootstrap of all-right answers collapses to a point. (0, 1) where n is 0.
    """
    if n == 0:
        return 0.0, 1.0
    low, high = proportion_confint(right, n, alpha=1 - CONFIDENCE, method="wilson")
    return min(float(low), right / n), max(float(high), right / n)


def mean_interval(values: Sequence[float], seed: int = 0) -> tuple[float, float]:
    """The 95% bootstrap interval of a mean over problems (Efron 1979, percentile); one value a problem.

    Several samples of a problem are one cluster: give their mean. All-equal values give a point, and so does one value.
    """
    data = np.asarray(values, dtype=float)
    if len(data) == 0:
        return float("-inf"), float("inf")
    if len(data) == 1 or np.ptp(data) == 0:
        return float(data[0]), float(data[0])
    generator = np.random.default_rng(seed)
    result = stats.bootstrap(
        (data,), np.mean, n_resamples=RESAMPLES, batch=500, method="percentile", confidence_level=CONFIDENCE, rng=generator
    )
    return float(result.confidence_interval.low), float(result.confidence_interval.high)


def seeds_interval(values: Sequence[float]) -> tuple[float, float]:
    """The 95% interval of a mean over independent runs, by Student's t (1908); needs at least two.

    It holds what training and sampling seeds vary, which an interval over the problems of one run does not.
    """
    data = np.asarray(values, dtype=float)
    if len(data) < 2:
        return float("-inf"), float("inf")
    error = stats.sem(data)
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, len(data) - 1)) * float(error)
    return float(data.mean()) - half, float(data.mean()) + half
