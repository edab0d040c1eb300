"""Whether a confidence means what it says: reliability, and what refusing the least confident answers buys.

Confidences are from 0 to 1; one of 0.7 is calibrated where 70% of such answers are right.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mmst.statistics.intervals import accuracy_interval

BINS = 10


@dataclass(frozen=True, slots=True)
class Bin:
    """Answers of similar confidence."""

    low: float
    high: float
    """Confidences of the bin: above `low`, up to and with `high`; the first holds 0 as well."""
    n: int
    confidence: float
    """Their mean; the bin's middle where it is empty."""
    accuracy: float
    """The share that is right; 0 where it is empty."""
    accuracy_low: float
    accuracy_high: float
    """The 95% interval of the accuracy (Wilson)."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """What is wrong among the answers of at least some confidence."""

    confidence: float
    coverage: float
    """Share of all answers that are this confident, above 0 and up to 1."""
    risk: float
    """Share of those that is wrong."""


def reliability(confidences: Sequence[float], right: Sequence[bool], bins: int = BINS) -> list[Bin]:
    """Answers in bins of equal width (Niculescu-Mizil and Caruana 2005, ICML; the diagram is DeGroot and Fienberg's, 1983).

    Raises:
        ValueError: the lengths differ, or a confidence is not within 0 and 1.
    """
    sure, hits = _checked(confidences, right)
    edges = np.linspace(0, 1, bins + 1)
    places = np.clip(np.searchsorted(edges, sure, side="left") - 1, 0, bins - 1)
    return [_bin(edges[k], edges[k + 1], sure[places == k], hits[places == k]) for k in range(bins)]


def expected_calibration_error(confidences: Sequence[float], right: Sequence[bool], bins: int = BINS) -> float:
    """ECE: how far confidence and accuracy are apart in the mean over answers (Guo et al. 2017, arXiv 1706.04599, equation 3).

    From 0 to 1; 0 where there are no answers. It is biased upwards by chance, by about a point with a thousand answers.

    Raises:
        ValueError: as `reliability`.
    """
    found = reliability(confidences, right, bins)
    total = sum(row.n for row in found)
    return sum(row.n * abs(row.confidence - row.accuracy) for row in found) / total if total else 0.0


def risk_coverage(confidences: Sequence[float], right: Sequence[bool]) -> list[Coverage]:
    """The risk at each confidence that occurs, the most confident first (El-Yaniv and Wiener 2010, JMLR 11).

    Answers of one confidence enter together: which of them comes first would be chance.

    Raises:
        ValueError: as `reliability`.
    """
    sure, hits = _checked(confidences, right)
    order = np.argsort(-sure, kind="stable")
    sure, wrong = sure[order], np.cumsum(~hits[order])
    last = np.flatnonzero(np.append(sure[1:] != sure[:-1], True)) if len(sure) else np.array([], dtype=int)
    return [Coverage(float(sure[k]), (k + 1) / len(sure), float(wrong[k]) / (k + 1)) for k in last.tolist()]


def area_under_risk(confidences: Sequence[float], right: Sequence[bool]) -> float:
    """AURC: the mean risk over all coverages (Geifman and El-Yaniv 2017, arXiv 1705.08500); lower is better.

    Steps of equal confidence count with the risk at their end. 0 where there are no answers.

    Raises:
        ValueError: as `reliability`.
    """
    area = before = 0.0
    for point in risk_coverage(confidences, right):
        area += (point.coverage - before) * point.risk
        before = point.coverage
    return area


def _checked(confidences: Sequence[float], right: Sequence[bool]) -> tuple[np.ndarray, np.ndarray]:
    sure, hits = np.asarray(confidences, dtype=float), np.asarray(right, dtype=bool)
    if len(sure) != len(hits):
        raise ValueError(f"{len(sure)} confidences for {len(hits)} answers")
    if not ((sure >= 0) & (sure <= 1)).all():
        raise ValueError("a confidence is from 0 to 1")
    return sure, hits


def _bin(low: float, high: float, sure: np.ndarray, hits: np.ndarray) -> Bin:
    n, right = len(sure), int(hits.sum())
    confidence = float(sure.mean()) if n else float(low + high) / 2
    return Bin(float(low), float(high), n, confidence, right / n if n else 0.0, *accuracy_interval(right, n))
