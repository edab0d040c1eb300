"""How many problems and seeds would show a difference: from what is known of two arms before they are compared.

McNemar's test looks at the problems that only one of the arms solves. How many these are is known where the arms, or others of
the same kind, have run; else it is assumed, from the base's accuracy where that is known.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mmst.statistics.intervals import accuracy_interval
from mmst.statistics.power import ALPHA, power, problems_needed, seeds_needed, smallest_difference

PHI = 0.75
"""How alike the outcomes of two arms from one base are assumed to be: their correlation. `multi` and the base of README's table
have 0.73 (text) and 0.77 (code), arms without a translation more, hence fewer problems that tell them apart."""
UNKNOWN = 0.5
"""The base's accuracy where it is not known: what needs the most problems."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of two arms by one method before they are compared."""

    arms: str
    """Such as `multi - self_both`."""
    method: str
    discordant: float | None
    """The share of problems that only one of them solves; None for a mean over methods, which McNemar's test does not take."""
    high: float | None
    """The upper end of its 95% interval (Wilson); None where it is assumed."""
    spread: float | None = None
    """The standard deviation over seeds of their difference, from 0 to 1; None where it is not known."""
    seeds: int = 0
    """Of which the spread is known."""


@dataclass(frozen=True, slots=True)
class PowerRow:
    """What a difference takes to be shown at 80%."""

    known: Known
    problems: int | None
    """Judged problems, for this comparison by itself; None where ten million do not do, or where the test does not apply."""
    problems_high: int | None
    """The same at the upper end of the discordance."""
    problems_in_table: int | None
    """The same with p corrected as the smallest of all comparisons in the table (Holm)."""
    power: float | None
    """The chance to show it with the problems that there are, in the table."""
    visible: float | None
    """The smallest difference that the table would show with these problems; None: none."""
    seeds: int | None
    """Runs with seeds of their own that show it on their mean, by Student's t; None where a million do not do."""
    at_least: bool
    """Whether the seeds are a lower bound: from the spread that the problems make alone, since that of seeds is not known."""


def counted(arms: str, method: str, tables: Iterable[tuple[int, int]], spread: float | None = None, seeds: int = 0) -> Known:
    """What runs tell of two arms. tables: (discordant problems, judged problems), one a run.

    Raises:
        ValueError: no problem was judged.
    """
    rows = list(tables)
    discordant, n = (sum(row[place] for row in rows) for place in (0, 1))
    if not n:
        raise ValueError(f"{arms} by {method}: no problem was judged")
    return Known(arms, method, discordant / n, accuracy_interval(discordant, n)[1], spread, seeds)


def assumed(arms: str, method: str, base: float | None, difference: float) -> Known:
    """What is assumed of an arm that is better than a base by `difference`, where neither has run beside the other.

    base: its accuracy, from 0 to 1; None where not even that is known.
    """
    first = UNKNOWN if base is None else base
    second = min(1.0, first + difference)
    independent = first * (1 - second) + second * (1 - first)
    return Known(arms, method, min(1.0, max(difference, (1 - PHI) * independent)), None)


def power_row(known: Known, difference: float, n: int, comparisons: int) -> PowerRow:
    """What `difference` takes. n: the problems that there are. comparisons: of the table that the row will stand in."""
    alpha = ALPHA / max(1, comparisons)
    share = known.discordant
    if share is None:
        seeds = None if known.spread is None else seeds_needed(difference, known.spread)
        return PowerRow(known, None, None, None, None, None, seeds, at_least=False)
    spread, bound = known.spread, known.spread is None
    if spread is None:
        spread = max(0.0, (max(share, difference) - difference**2) / max(1, n)) ** 0.5
    return PowerRow(
        known,
        problems_needed(difference, share),
        None if known.high is None else problems_needed(difference, known.high),
        problems_needed(difference, share, alpha=alpha),
        power(difference, share, n, alpha),
        smallest_difference(share, n, alpha=alpha),
        seeds_needed(difference, spread),
        bound,
    )
