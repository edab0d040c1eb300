"""Two arms on the same problems. Pairing removes the problems' own difficulty from the noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mmst.statistics.intervals import CONFIDENCE, mean_interval, nearly_equal


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """How much more often `b` is right than `a`."""

    difference: float
    low: float
    high: float
    """95%, paired bootstrap over problems; `adjusted_wald` where too few problems tell the arms apart for that."""
    p: float
    """McNemar's exact test (McNemar 1947), two-sided."""
    n: int
    discordant: int = 0
    """Problems that only one of the arms solves: all that the test looks at."""


def paired_difference(a: Sequence[bool], b: Sequence[bool], seed: int = 0) -> PairedDifference:
    """Compare two arms' verdicts on the same problems, in the same order.

    Raises:
        ValueError: the lengths differ.
    """
    differences = [float(y) - float(x) for x, y in zip(a, b, strict=True)]
    if not differences:
        return PairedDifference(0.0, -1.0, 1.0, 1.0, 0)
    only_a, only_b = (sum(sign * d > 0 for d in differences) for sign in (-1, 1))
    if nearly_equal(differences):
        low, high = adjusted_wald(only_a, only_b, len(differences))
    else:
        low, high = mean_interval(differences, seed, (-1.0, 1.0))
    p = mcnemar_p(only_a, only_b)
    n = len(differences)
    return PairedDifference(sum(differences) / n, low, high, p, n, only_a + only_b)


def adjusted_wald(only_a: int, only_b: int, n: int) -> tuple[float, float]:
    """The 95% interval of a paired difference of shares (Bonett and Price 2012, J. Educ. Behav. Stat. 37): b minus a.

    It keeps a width where all problems agree, as a bootstrap does not.
    """
    from scipy import stats

    share_a, share_b = (only_a + 1) / (n + 2), (only_b + 1) / (n + 2)
    middle = share_b - share_a
    half = float(stats.norm.ppf((1 + CONFIDENCE) / 2)) * ((share_a + share_b - middle**2) / (n + 2)) ** 0.5
    return max(-1.0, middle - half), min(1.0, middle + half)


def mcnemar_p(only_a: int, only_b: int) -> float:
    """The two-sided exact p of McNemar's test from the counts of problems that only one arm solved; 1 where there are none."""
    from scipy import stats

    discordant = only_a + only_b
    return 1.0 if discordant == 0 else float(stats.binomtest(only_b, discordant, 0.5).pvalue)


def mean_p(values: Sequence[float]) -> float | None:
    """Student's p of a mean of nothing, two-sided; None where values are fewer than two, or equal."""
    from scipy import stats

    return float(stats.ttest_1samp(values, 0.0).pvalue) if len(set(values)) > 1 else None


def holm(p_values: Sequence[float]) -> list[float]:
    """P values corrected for their number (Holm 1979), in their order."""
    corrected, least = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        least = max(least, min(1.0, (len(p_values) - rank) * p_values[place]))
        corrected[place] = least
    return corrected
