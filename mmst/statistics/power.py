"""What a paired table could have shown: power of McNemar's exact test, from the share of problems that tell two arms apart.

Of `n` problems, a share is discordant: only one of the arms solves it. A difference of the accuracies is the share that only
the second solves minus the share that only the first does. The test looks at the discordant problems alone, whose number is
random: its power is the mean over that number (Duffy 1984, Biometrics 40), here by sums and not by the normal curve.
"""

from __future__ import annotations

from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

ALPHA = 0.05
POWER = 0.8
NEGLIGIBLE = 1e-12
"""Chance of a number of discordant problems that is not gone through."""
HALVINGS = 20
"""Of a search among differences: exact to a millionth."""
MOST_PROBLEMS = 10**7
MOST_SEEDS = 10**6


def power(difference: float, discordant: float, n: int, alpha: float = ALPHA) -> float:
    """The chance that McNemar's exact test, two-sided, finds a difference.

    Args:
        difference: the true difference of the accuracies, from 0 to 1.
        discordant: the share of problems that only one arm solves; raised to `difference` where it is below, since a
            difference needs so many.
        n: problems.
        alpha: the p value below which a difference counts as found.

    Raises:
        ValueError: a share is not within 0 and 1.
    """
    from scipy import stats

    if not 0 <= difference <= 1 or not 0 <= discordant <= 1:
        raise ValueError(f"a share is from 0 to 1; got a difference of {difference} and {discordant} discordant")
    discordant = max(difference, discordant)
    if n <= 0 or discordant == 0:
        return 0.0
    first, last = (int(stats.binom.ppf(chance, n, discordant)) for chance in (NEGLIGIBLE, 1 - NEGLIGIBLE))
    counts = np.arange(max(first, 1), last + 1)
    chances = stats.binom.pmf(counts, n, discordant)
    return float(min(1.0, chances @ _found(counts, (1 + difference / discordant) / 2, alpha)))


def smallest_difference(discordant: float, n: int, target: float = POWER, alpha: float = ALPHA) -> float | None:
    """The smallest true difference that is found with a chance of `target`; None where no difference would be.

    Arguments as for `power`. Where `discordant` is too small for it, the difference itself makes problems discordant.
    """
    if power(1.0, discordant, n, alpha) < target:
        return None
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if power(middle, discordant, n, alpha) >= target else (middle, high)
    return high


def problems_needed(difference: float, discordant: float, target: float = POWER, alpha: float = ALPHA) -> int | None:
    """How many problems show a difference with a chance of `target`; None where ten million do not.

    Arguments as for `power`. The power rises with the problems in small waves: one more may lack a hair of `target`.
    """
    enough = 1
    while power(difference, discordant, enough, alpha) < target:
        enough *= 2
        if enough > MOST_PROBLEMS:
            return None
    few = enough // 2
    while enough - few > 1:
        middle = (few + enough) // 2
        few, enough = (few, middle) if power(difference, discordant, middle, alpha) >= target else (middle, enough)
    return enough


def seeds_needed(difference: float, spread: float, target: float = POWER, alpha: float = ALPHA) -> int | None:
    """How many runs with seeds of their own show a mean difference, by Student's t of one sample, two-sided.

    Args:
        difference: the true mean of the paired differences.
        spread: their standard deviation over seeds.
        target: the chance to be reached.
        alpha: as for `power`.

    Returns:
        At least 2; None where a million are not enough.
    """
    if difference == 0:
        return None
    if spread == 0:
        return 2
    few, enough = 1, 2
    while _t_power(abs(difference) / spread, enough, alpha) < target:
        few, enough = enough, enough * 2
        if enough > MOST_SEEDS:
            return None
    while enough - few > 1:
        middle = ceil((few + enough) / 2)
        few, enough = (few, middle) if _t_power(abs(difference) / spread, middle, alpha) >= target else (middle, enough)
    return enough


def smallest_mean(spread: float, n: int, target: float = POWER, alpha: float = ALPHA) -> float | None:
    """The smallest true mean of n values that Student's t of one sample finds with a chance of `target`.

    Args:
        spread: the values' standard deviation.
        n: how many values there are: seeds, or problems.
        target: the chance to be reached.
        alpha: as for `power`.

    Returns:
        None where no mean is, since there are fewer than two values, or they are equal and tell nothing of their spread.
    """
    if n < 2 or spread == 0:
        return None
    low, high = 0.0, 1.0
    while _t_power(high, n, alpha) < target:
        low, high = high, 2 * high
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if _t_power(middle, n, alpha) >= target else (middle, high)
    return high * spread


def _found(counts: NDArray[Any], share: float, alpha: float) -> NDArray[Any]:
    """For each number of discordant problems, the chance of p <= alpha, where `share` of them favour the second arm."""
    from scipy import stats

    most = stats.binom.ppf(alpha / 2, counts, 0.5) + 1
    for _ in range(2):  # the largest count on one side whose p is still at most alpha; -1 where there is none
        most = np.where(2 * stats.binom.cdf(most, counts, 0.5) > alpha, most - 1, most)
    found = stats.binom.cdf(most, counts, share) + stats.binom.sf(counts - most - 1, counts, share)
    return np.asarray(np.where(most < 0, 0.0, found))


def _t_power(effect: float, n: int, alpha: float) -> float:
    from scipy import stats

    critical = stats.t.ppf(1 - alpha / 2, n - 1)
    shift = effect * n**0.5
    return float(stats.nct.sf(critical, n - 1, shift) + stats.nct.cdf(-critical, n - 1, shift))
