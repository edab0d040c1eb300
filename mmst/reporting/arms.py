"""Arms over the repetitions of a sweep: accuracies and paired differences, with the interval that the repetitions allow.

One repetition: intervals are over problems (Wilson; paired bootstrap) and p is McNemar's. Several: they are over the seeds
(Student's t), which holds what sampling and training vary, and, where each seed draws its own problems, these as well. Seeds
that are equal to the digit tell nothing of it: then the interval is over their distinct problems, and there is no p.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from statistics import fmean
from typing import Any

from mmst.methods.edge import BASE_ARM
from mmst.reporting.arm_style import arm_order, natural
from mmst.reporting.policies import label
from mmst.reporting.runs import Run, Solved, Sweep, shared_arms
from mmst.stages.evaluate import EITHER
from mmst.statistics.intervals import accuracy_interval, mean_interval, seeds_interval
from mmst.statistics.paired import holm, mean_p, paired_difference

MEAN = "mean of methods"
MOST_PAIRED = 8
"""Arms without a base that are all compared with each other."""


@dataclass(slots=True)
class Arm:
    """One arm of a sweep, in all its repetitions, on one data set."""

    label: str
    arm: str
    variant: str
    round: int
    solved: dict[str, dict[str, Solved]] = field(default_factory=dict)
    """Seed -> method -> problem id -> outcome."""
    runs: list[Run] = field(default_factory=list)

    def single(self) -> list[str]:
        """Its methods, without `either`."""
        return [method for method in next(iter(self.solved.values())) if method != EITHER]


@dataclass(frozen=True, slots=True)
class Cell:
    """A number of a table: a share, or a difference of shares."""

    value: float
    low: float
    high: float
    n: int
    """Judged problems, each once however many repetitions met it; 0 where nothing was judged, and the value means nothing."""
    unjudged: int
    by_seed: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """Arm `b` minus arm `a` by one method."""

    a: str
    b: str
    method: str
    cell: Cell
    p: float | None
    p_holm: float | None = None


def arms_of(sweep: Sweep, dataset: str, every_round: bool = False) -> list[Arm]:
    """The arms of a sweep on a data set, in the order of `arm_style`; each at its last round, or at every round."""
    shared = shared_arms(sweep, dataset)
    found: dict[tuple[str, int], Arm] = {}
    for run in sweep.runs:
        variant = sweep.variant(run)
        last = {arm: number for arm, number, _, _ in sorted(run.outcomes, key=lambda key: key[1])}
        for (arm, number, name, method), solved in run.outcomes.items():
            if name != dataset or not (every_round or number == last[arm]):
                continue
            own = "" if arm in shared else variant
            label = f"{arm} ({own})" if own else arm
            made = found.setdefault((label, number), Arm(label, arm, own, number))
            made.solved.setdefault(run.seed, {})[method] = solved
            if run not in made.runs:
                made.runs.append(run)
    for made in found.values():
        made.solved = dict(sorted(made.solved.items(), key=lambda item: natural(item[0])))
    return sorted(found.values(), key=lambda arm: arm_order(arm.label, sweep.settings.get("values")))


def columns(arms: Sequence[Arm]) -> list[str]:
    """The methods of a table: each one that some arm has, their mean where there are several, and `either`."""
    single = list(dict.fromkeys(method for arm in arms for method in arm.single()))
    return [*single, MEAN, EITHER] if len(single) > 1 else single


def accuracy(arm: Arm, method: str) -> Cell | None:
    """How often an arm is right by a method, by `either` or on the mean of its methods; None where it has no such method."""
    tables = [_values(by_method, method) for by_method in arm.solved.values()]
    if any(table is None for table in tables):
        return None
    found = [table for table in tables if table]
    total = sum(len(next(iter(by_method.values()))) for by_method in arm.solved.values())
    unjudged = total - sum(map(len, found))
    if not found:
        return Cell(0.0, 0.0, 1.0, 0, unjudged, ())
    by_seed = tuple(fmean(table.values()) for table in found)
    values = by_problem(found)
    if len(set(by_seed)) > 1:
        low, high = seeds_interval(by_seed)
    elif method == MEAN:
        low, high = mean_interval(values)
    else:
        low, high = accuracy_interval(round(sum(values)), len(values))
    return Cell(fmean(by_seed), max(0.0, low), min(1.0, high), len(values), unjudged, by_seed)


def pair_label(a: str, b: str) -> str:
    """Arm `b` minus arm `a`, by their labels; a variant that both have stands once."""
    name, _, variant = a.partition(" (")
    own, _, other = b.partition(" (")
    return f"{own} - {name} ({variant}" if variant and variant == other else f"{b} - {a}"


def difference(a: Arm, b: Arm, method: str) -> Difference | None:
    """Arm `b` minus arm `a`, seed by seed on the problems that both were judged on; None where they share no seed or method."""
    pairs = []
    for seed in a.solved:
        tables = [_values(arm.solved.get(seed, {}), method) for arm in (a, b)]
        if tables[0] and tables[1]:
            pairs.append({id: (tables[0][id], tables[1][id]) for id in tables[0] if id in tables[1]})
    pairs = [pair for pair in pairs if pair]
    if not pairs:
        return None
    by_seed = tuple(fmean(y - x for x, y in pair.values()) for pair in pairs)
    values = by_problem([{id: y - x for id, (x, y) in pair.items()} for pair in pairs])
    p: float | None = None
    if len(set(by_seed)) > 1:
        low, high = seeds_interval(by_seed)
        p = mean_p(by_seed)
    elif len(by_seed) > 1 or method == MEAN:
        low, high = mean_interval(values, bounds=(-1.0, 1.0))
    else:
        first, second = ([bool(pair[side]) for pair in pairs[0].values()] for side in (0, 1))
        single = paired_difference(first, second)
        low, high, p = single.low, single.high, single.p
    cell = Cell(fmean(by_seed), max(-1.0, low), min(1.0, high), len(values), 0, by_seed)
    return Difference(a.label, b.label, method, cell, p)


def differences(pairs: Iterable[tuple[Arm, Arm]], methods: Sequence[str]) -> list[Difference]:
    """All pairs by all methods, with p values corrected for their number."""
    found = [row for a, b in pairs for method in methods if (row := difference(a, b, method)) is not None]
    corrected = iter(holm([row.p for row in found if row.p is not None]))
    return [Difference(r.a, r.b, r.method, r.cell, r.p, None if r.p is None else next(corrected)) for r in found]


def contrasts(sweep: Sweep, arms: Sequence[Arm], named: Sequence[str] = ()) -> list[tuple[Arm, Arm]]:
    """The pairs that answer the question: the sweep's contrast within each variant, else each arm with the base.

    A contrast is an arm and those that are compared with it; where it stands alone, all others but the base are. named: another
    contrast than the sweep's; none where its arms are not there.
    """
    first, *others = named or sweep.settings.get("contrast") or (BASE_ARM,)
    pairs = []
    for b in arms:
        if b.arm == BASE_ARM or (others and b.arm not in others):
            continue
        beside = [a for a in arms if a.arm == first and a.variant in ("", b.variant)]
        pairs += [(a, b) for a in beside[-1:] if a is not b]
    return pairs if pairs or named else [(a, b) for a in arms[:1] for b in arms[1:]]


def with_base(arms: Sequence[Arm]) -> list[tuple[Arm, Arm]]:
    """Every arm beside its base; where there is no base, as in an evaluation of checkpoints, all pairs of a few arms."""
    bases = bases_of(arms)
    if not bases and len(arms) <= MOST_PAIRED:
        return list(combinations(arms, 2))
    return [(bases[arm.label], arm) for arm in arms if arm.arm != BASE_ARM and arm.label in bases]


def with_others(sweep: Sweep, arms: Sequence[Arm]) -> list[tuple[Arm, Arm]]:
    """What the contrast looks at beside every arm that it does not name, within each variant."""
    named = sweep.settings.get("contrast") or ()
    others = [arm for arm in arms if arm.arm not in (BASE_ARM, *named)]
    return [(a, b) for b in arms if b.arm in named[1:] for a in others if a.variant in ("", b.variant)]


def bases_of(arms: Sequence[Arm]) -> dict[str, Arm]:
    """An arm's label -> its base: that of its variant, or the one that all share."""
    bases = {arm.variant: arm for arm in arms if arm.arm == BASE_ARM}
    return {arm.label: base for arm in arms if (base := bases.get(arm.variant) or bases.get(""))}


def policy_answers(sweep: Sweep, dataset: str) -> list[str]:
    """What the policies that a sweep asks about gain over each arm's best single method: a sentence each."""
    asked = sweep.settings.get("policies") or ()
    rows: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for run in sweep.runs:
        variant = sweep.variant(run)
        for row in run.found.get("policy_comparisons", {}).get(dataset, []):
            if row["policy"] in asked:
                arm = f"{row['arm']} ({variant})" if variant else row["arm"]
                rows.setdefault((row["policy"], arm), []).append(row)
    return [_policy_answer(policy, arm, of_seeds) for (policy, arm), of_seeds in rows.items()]


def _policy_answer(policy: str, arm: str, rows: Sequence[Mapping[str, Any]]) -> str:
    values = [row["difference"] for row in rows]
    low, high = seeds_interval(values) if len(set(values)) > 1 else (rows[0]["low"], rows[0]["high"])
    verdict = "better than" if low > 0 else "worse than" if high < 0 else "not reliably different from"
    seeds = f"{len(rows)} seeds" if len(rows) > 1 else "1 seed"
    low, high = max(-1.0, low), min(1.0, high)
    points = f"{100 * fmean(values):+.1f} points [{100 * low:+.1f}, {100 * high:+.1f}]"
    return f"{arm}, {label(policy)}, is {verdict} its best single method: {points}, {seeds}."


def data_sets(sweep: Sweep) -> list[str]:
    """The names of the data sets that all runs were measured on; the one that the question is about comes first."""
    first = [sweep.runs[0].found["dataset"], *sweep.runs[0].found["heldout"]]
    common = [name for name in first if all(name in (r.found["dataset"], *r.found["heldout"]) for r in sweep.runs)]
    asked = sweep.settings.get("split")
    return sorted(common, key=lambda name: name != asked) if asked in common else common


def by_problem(tables: Sequence[dict[str, float]]) -> list[float]:
    """A value a problem: the mean over the repetitions that met it."""
    met: dict[str, list[float]] = {}
    for table in tables:
        for id, value in table.items():
            met.setdefault(id, []).append(value)
    return [fmean(values) for values in met.values()]


def _values(by_method: dict[str, Solved], method: str) -> dict[str, float] | None:
    """Problem id -> 0 or 1, or the mean over methods; judged problems alone. None where the method is not there."""
    if method != MEAN:
        solved = by_method.get(method)
        return None if solved is None else {id: float(right) for id, right in solved.items() if right is not None}
    single = [solved for name, solved in by_method.items() if name != EITHER]
    if not single:
        return None
    ids = [id for id in single[0] if all(solved.get(id) is not None for solved in single)]
    return {id: fmean(float(bool(solved[id])) for solved in single) for id in ids}
