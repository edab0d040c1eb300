"""Sums of arms' accuracies, each with a weight: a difference of two arms or of two gains, a slope along settings.

Every such sum is one value a problem, so it is paired and has its interval as a difference has (`mmst.reporting.arms`):
over the seeds, by Student's t, or, for one seed, over its problems.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from mmst.reporting.arms import Arm, Cell, by_problem
from mmst.stages.evaluate import EITHER
from mmst.statistics.intervals import mean_interval, nearly_equal, ratio_interval, seeds_interval
from mmst.statistics.paired import mean_p
from mmst.statistics.power import smallest_mean

DIGITS = 9
"""By which sums of seeds that are equal come out equal."""
Term = tuple[float, Arm]
"""A weight, and the arm whose accuracy it stands before."""


@dataclass(frozen=True, slots=True)
class Effect:
    """A weighted sum of accuracies, and what could have been seen of it."""

    cell: Cell
    visible: float | None
    """The smallest true effect that these seeds, or problems, would show four times in five; None: it is not known."""
    p: float | None = None
    """By Student's t over the seeds, or, of one seed, over its problems; None where these tell nothing of their spread."""

    @property
    def sign(self) -> int:
        """1 or -1 where the interval lies on one side of nothing, else 0."""
        return 1 if self.cell.low > 0 else -1 if self.cell.high < 0 else 0


def shared_methods(arms: Sequence[Arm]) -> list[str]:
    """The methods that all of these arms have, without `either`."""
    first, *others = arms
    return [method for method in first.single() if all(method in arm.single() for arm in others)]


def effect(terms: Sequence[Term], methods: Sequence[str]) -> Effect | None:
    """A weighted sum of arms' accuracies on the mean of `methods`, on the problems that all arms were judged on.

    None where the arms share no seed, or no judged problem.
    """
    seeds = [seed for seed in terms[0][1].solved if all(seed in arm.solved for _, arm in terms)]
    tables = [table for seed in seeds if (table := _seed_values(terms, seed, methods))]
    if not tables:
        return None
    by_seed = tuple(fmean(table.values()) for table in tables)
    values = by_problem(tables)
    several = len({round(value, DIGITS) for value in by_seed}) > 1
    bounds = (sum(min(0.0, w) for w, _ in terms), sum(max(0.0, w) for w, _ in terms))
    low, high = seeds_interval(by_seed) if several else mean_interval(values, bounds=bounds)
    over = by_seed if several else values
    visible = smallest_mean(stdev(over), len(over)) if len(over) > 1 else None
    p = None if not several and nearly_equal(values) else mean_p(over)
    return Effect(Cell(fmean(by_seed), max(bounds[0], low), min(bounds[1], high), len(values), 0, by_seed), visible, p)


def ratio(above: Sequence[Term], below: Sequence[Term], methods: Sequence[str]) -> Cell | None:
    """One sum of accuracies as a share of another, on the problems that all arms of both were judged on.

    None where the other cannot be told from nothing, or the arms share no seed.
    """
    arms = [arm for _, arm in (*above, *below)]
    pairs = []
    for seed in arms[0].solved:
        if all(seed in arm.solved for arm in arms):
            first, second = (_seed_values(terms, seed, methods) for terms in (above, below))
            pairs.append({id: (first[id], second[id]) for id in first if id in second})
    means = [tuple(fmean(side) for side in zip(*pair.values(), strict=True)) for pair in pairs if pair]
    several = len({tuple(round(value, DIGITS) for value in mean) for mean in means}) > 1
    over = means if several else [values for pair in pairs[:1] for values in pair.values()]
    interval = ratio_interval(*zip(*over, strict=True)) if over else None
    if interval is None:
        return None
    value = fmean(first for first, _ in means) / fmean(second for _, second in means)
    problems = {id for pair in pairs for id in pair}
    return Cell(value, *interval, len(problems), 0, tuple(first - value * second for first, second in means))


def gain(a: Arm, b: Arm) -> Effect | None:
    """Arm `b` minus arm `a`, on the mean of the methods that both have."""
    return effect([(1.0, b), (-1.0, a)], shared_methods([a, b]))


def slope(places: Sequence[float], gains: Sequence[Sequence[Term]]) -> Effect | None:
    """How much a sum of accuracies grows from the first to the last of `places`, along the line of least squares."""
    middle = fmean(places)
    square = sum((place - middle) ** 2 for place in places)
    span = max(places) - min(places)
    terms: dict[int, Term] = {}
    for place, of_place in zip(places, gains, strict=True):
        for weight, arm in of_place:
            before = terms.get(id(arm), (0.0, arm))[0]
            terms[id(arm)] = (before + weight * (place - middle) * span / square, arm)
    used = [term for term in terms.values() if abs(term[0]) > 1e-12]
    return effect(used, shared_methods([arm for _, arm in used])) if used else None


def _seed_values(terms: Sequence[Term], seed: str, methods: Sequence[str]) -> dict[str, float]:
    """Problem id -> the sum, on the problems of one seed that every arm was judged on by every method."""
    tables = [(weight / len(methods), arm.solved[seed][method]) for weight, arm in terms for method in methods]
    values: dict[str, float] = {}
    for id in tables[0][1] if tables else ():
        outcomes = [(weight, solved.get(id)) for weight, solved in tables]
        if all(right is not None for _, right in outcomes):
            values[id] = sum(weight for weight, right in outcomes if right)
    return values


def method_words(methods: Sequence[str]) -> str:
    """What a number is on: a method, or the mean of several; of none given, that of those that an arm has."""
    single = [method for method in methods if method != EITHER]
    return (
        f"the mean of {' and '.join(single)}"
        if len(single) > 1
        else f"{single[0]} alone"
        if single
        else "the mean of its methods"
    )
