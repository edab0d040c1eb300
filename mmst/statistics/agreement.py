"""How two methods' successes hang together on the same problems: the 2x2 table, and phi.

Methods that fail on different problems (phi below 0) have most to learn from each other; the paper reports phi from -0.33 to
-0.55 on pseudo-labelled problems (arXiv 2307.10633). Such a selection pushes phi down by itself: among problems that one
method or the other has solved, the cell "neither" is empty (Berkson 1946). So it is given for all problems as well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations
from math import atanh, nan, sqrt, tanh

from mmst.statistics.intervals import CONFIDENCE


@dataclass(frozen=True, slots=True)
class Agreement:
    """Two methods on the same problems."""

    both: int
    only_a: int
    only_b: int
    neither: int
    phi: float
    """The correlation of being right, from -1 to 1; not a number where a method is always right, or never."""
    low: float
    high: float
    """The 95% interval of phi."""

    @property
    def n(self) -> int:
        """Problems."""
        return self.both + self.only_a + self.only_b + self.neither


@dataclass(frozen=True, slots=True)
class Correlation:
    """Two methods on the training problems, by the first sample of each."""

    where: str
    """`all` problems; those with a `labelled` solution, by any method; those that the training set's `examples` are of."""
    a: str
    b: str
    table: Agreement


def correlations(successes: Mapping[str, Mapping[str, bool]], places: Mapping[str, Container[str] | None]) -> list[Correlation]:
    """Each pair of methods on each set of problems, of those that both were judged on.

    `successes`: method -> problem id -> whether it is right. `places`: name -> problem ids; None: all.
    """
    return [
        Correlation(where, a, b, _table(successes[a], successes[b], problems))
        for where, problems in places.items()
        for a, b in combinations(successes, 2)
    ]


def _table(a: Mapping[str, bool], b: Mapping[str, bool], problems: Container[str] | None) -> Agreement:
    return agreement((right, b[id]) for id, right in a.items() if id in b and (problems is None or id in problems))


def agreement(pairs: Iterable[tuple[bool, bool]]) -> Agreement:
    """The table of (a is right, b is right), one pair a problem, with phi and its interval."""
    counts = Counter((bool(a), bool(b)) for a, b in pairs)
    cells = counts[True, True], counts[True, False], counts[False, True], counts[False, False]
    return Agreement(*cells, *phi(*cells))


def phi(both: float, only_a: float, only_b: float, neither: float) -> tuple[float, float, float]:
    """Phi (Yule 1912) with its 95% interval.

    The interval is symmetric on Fisher's scale (atanh), with the large-sample variance of phi under multinomial sampling
    (Bishop, Fienberg and Holland 1975, Discrete Multivariate Analysis, section 11.3). Where phi is 1 or -1, it is that of a
    table with half a problem more in each cell.
    """
    from scipy import stats

    n = both + only_a + only_b + neither
    a, b = both + only_a, both + only_b
    if not 0 < a < n or not 0 < b < n:
        return nan, -1.0, 1.0
    value = (both * neither - only_a * only_b) / sqrt(a * (n - a) * b * (n - b))
    if abs(value) >= 1:
        _, low, high = phi(both + 0.5, only_a + 0.5, only_b + 0.5, neither + 0.5)
        return value, min(low, value), max(high, value)
    skew_a, skew_b = (2 * a - n) / n, (2 * b - n) / n
    spread_a, spread_b = a * (n - a) / n**2, b * (n - b) / n**2
    variance = (
        1
        - value**2
        + value * (1 + value**2 / 2) * skew_a * skew_b / sqrt(spread_a * spread_b)
        - 0.75 * value**2 * (skew_a**2 / spread_a + skew_b**2 / spread_b)
    ) / n
    half = float(stats.norm.ppf((1 + CONFIDENCE) / 2)) * sqrt(max(variance, 0.0)) / (1 - value**2)
    return value, tanh(atanh(value) - half), tanh(atanh(value) + half)
