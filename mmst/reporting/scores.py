"""The parts of the report page about what was measured: accuracies, differences, along axes and rounds, by pair and family."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from mmst.methods.edge import BASE_ARM
from mmst.reporting.arms import (
    MEAN,
    Arm,
    Cell,
    Difference,
    accuracy,
    arms_of,
    bases_of,
    columns,
    contrasts,
    differences,
    pair_label,
    with_base,
    with_others,
)
from mmst.reporting.charts import for_any_width, interval_chart, line_chart
from mmst.reporting.part import Part, Table, arm_label, p_value, percent, phi, points
from mmst.reporting.results import tables_of
from mmst.reporting.runs import Sweep
from mmst.stages.evaluate import EITHER
from mmst.statistics.intervals import accuracy_interval
from mmst.types import Verdict

FULL_SHADE = 60
"""Points of difference at which a cell is coloured fully."""


def accuracy_parts(sweep: Sweep, dataset: str) -> list[Part]:
    """Accuracies and differences on one data set."""
    arms = arms_of(sweep, dataset)
    methods = columns(arms)
    cells = {arm.label: {m: cell for m in methods if (cell := accuracy(arm, m)) is not None} for arm in arms}
    rows = [[arm.label, *(percent(cells[arm.label].get(m)) for m in methods), *_sizes(arm)] for arm in arms]
    unjudged = sum(cell.unjudged for of_arm in cells.values() for m, cell in of_arm.items() if m not in (MEAN, EITHER))
    several = any(len(cell.by_seed) > 1 for of_arm in cells.values() for cell in of_arm.values())
    between = "over problems (Wilson)"
    if several:
        between = "over an arm's seeds (Student's t); over its problems (Wilson) where it has one, or all agree"
    note = f"% right [95% interval {between}]; n: distinct problems over all seeds; {unjudged:,} answers unjudged."
    shown = [(arm.label, cells[arm.label]) for arm in arms]
    parts = [
        Part(
            f"Accuracy: {dataset}",
            "Greedy answers; either: some method is right.",
            [
                for_any_width(
                    lambda stacked: interval_chart(shown, "% right", stacked=stacked, colours=sweep.colours), len(methods) > 1
                )
            ],
            [Table(["arm", *methods, "n", "seeds"], rows, note)],
        )
    ]
    asked = contrasts(sweep, arms)
    known = {(a.label, b.label) for a, b in asked}
    answering = differences(asked, methods)
    further = [*with_base(arms), *with_others(sweep, arms)]
    others = differences([(a, b) for a, b in further if (a.label, b.label) not in known], methods)
    if answering or others:
        parts.append(_difference_part(sweep, dataset, [*answering, *others], answering or others))
    return parts


def _sizes(arm: Arm) -> tuple[str, str]:
    """How many distinct problems an arm was measured on, and with how many seeds."""
    problems = {id for by_method in arm.solved.values() for solved in by_method.values() for id in solved}
    return f"{len(problems):,}", str(len(arm.solved))


def _difference_part(sweep: Sweep, dataset: str, found: Sequence[Difference], charted: Sequence[Difference]) -> Part:
    by_pair: dict[str, dict[str, Cell]] = defaultdict(dict)
    for row in charted:
        by_pair[pair_label(row.a, row.b)][row.method] = row.cell
    rows = [
        [
            pair_label(r.a, r.b),
            r.method,
            points(r.cell),
            ", ".join(f"{100 * v:+.1f}" for v in r.cell.by_seed),
            p_value(r.p),
            p_value(r.p_holm),
            f"{r.cell.n:,}",
        ]
        for r in found
    ]
    note = (
        "Points [95%], each seed's on the same problems. p by Student's t over several seeds, by McNemar's exact test for one; "
        "none where all seeds agree to the digit, or for the mean over one seed. Holm's correction is made twice: among the "
        "comparisons that answer the question, which come first, and among all others."
    )
    shown, panels = list(by_pair.items()), len({row.method for row in charted})
    if found and all(len(row.cell.by_seed) == 1 for row in found):
        note += " One seed: intervals and p are over problems, and say nothing of what another seed would give."
    return Part(
        f"Paired differences: {dataset}",
        "",
        [for_any_width(lambda s: interval_chart(shown, "points", zero=True, stacked=s, colours=sweep.colours), panels > 1)],
        [Table(["arms", "method", "difference", "by seed", "p", "p (Holm)", "n"], rows, note)],
    )


def axis_part(sweep: Sweep, dataset: str) -> Part | None:
    """Accuracies along what is varied, where that is one number."""
    if len(sweep.axes) != 1:
        return None
    (axis,) = sweep.axes
    try:
        places = {sweep.variant(run): float(run.overrides[axis]) for run in sweep.runs}
    except (KeyError, ValueError):
        return None
    arms = arms_of(sweep, dataset)
    if len(set(places.values())) < 2 or not any(arm.variant in places for arm in arms):
        return None
    lines: dict[str, dict[str, list[tuple[float, Cell]]]] = {method: defaultdict(list) for method in columns(arms)}
    values = sorted(set(places.values()))
    for arm in sorted(arms, key=lambda arm: places.get(arm.variant, values[0])):
        for method, of_arm in lines.items():
            if (cell := accuracy(arm, method)) is not None:
                at = [places[arm.variant]] if arm.variant in places else values  # of an arm that no setting changes: all
                of_arm[arm.arm] += [(place, cell) for place in at]
    logarithmic = values[0] > 0 and values[-1] / values[0] >= 8
    chart = for_any_width(
        lambda stacked: line_chart(lines, axis, "% right", logarithmic, stacked, sweep.colours), len(lines) > 1
    )
    return Part(f"Along {axis}", "Bands are 95% intervals.", [chart])


def rounds_part(sweep: Sweep, dataset: str) -> Part | None:
    """Accuracies after each round, where there were several."""
    arms = arms_of(sweep, dataset, every_round=True)
    if max(arm.round for arm in arms) < 2:
        return None
    methods = columns(arms)
    lines: dict[str, dict[str, list[tuple[float, Cell]]]] = {method: defaultdict(list) for method in methods}
    bases = bases_of(arms)
    for method, of_arm in lines.items():
        for arm in sorted(arms, key=lambda arm: arm.round):
            cell = accuracy(arm, method)
            base = bases.get(arm.label)
            start = accuracy(base, method) if base else None
            if cell is None or start is None or arm.arm == BASE_ARM:
                continue
            of_arm[arm.label] = of_arm[arm.label] or [(0, start)]
            of_arm[arm.label].append((arm.round, cell))
    chart = for_any_width(
        lambda stacked: line_chart(lines, "round", "% right", stacked=stacked, colours=sweep.colours), len(lines) > 1
    )
    return Part("Round by round", "Round 0 is the base. Bands are 95% intervals.", [chart])


def pairs_part(sweep: Sweep, dataset: str) -> Part | None:
    """How the methods of each arm hang together on the test problems."""
    rows = []
    for run in sweep.runs:
        for row in tables_of(run.found)[dataset]["pairs"]:
            cells = row["table"]
            counts = [str(cells[key]) for key in ("both", "only_a", "only_b", "neither")]
            shares = [_interval(round(s["accuracy"] * s["n"]), s["n"]) for s in (row["agree"], row["right_when_agree"])]
            label = arm_label(row["arm"], sweep.variant(run))
            rows.append([label, run.seed, f"{row['a']}, {row['b']}", *counts, phi(cells), *shares])
    header = [
        "arm",
        "seed",
        "methods",
        "both right",
        "first",
        "second",
        "neither",
        "phi [95%]",
        "% same answer [95%] of n",
        "% right then [95%] of n",
    ]
    return Part(f"Methods beside each other: {dataset}", "Greedy answers to the same problems.", [], [Table(header, rows)])


def families_part(sweep: Sweep, dataset: str) -> Part | None:
    """Accuracy by family over all seeds, and what each arm gained over the base."""
    counts: dict[tuple[str, str, str], dict[str, list[int]]] = defaultdict(lambda: defaultdict(lambda: [0, 0]))
    for run in sweep.runs:
        for arm, by_method in tables_of(run.found)[dataset]["families"].items():
            for method, families in by_method.items():
                for family, score in families.items():
                    cell = counts[arm, sweep.variant(run), method][family]
                    cell[0] += round((score["accuracy"] or 0) * score["n"])
                    cell[1] += score["n"]
    families = list(dict.fromkeys(family for of_arm in counts.values() for family in of_arm))
    rows: list[list[str]] = []
    shades = {}
    for (arm, variant, method), values in counts.items():
        if method == EITHER:
            continue
        base = counts.get((BASE_ARM, variant, method), {})
        for column, family in enumerate(families, 2):
            if values[family][1] and base and base[family][1]:
                shades[len(rows), column] = 100 * (_share(values[family]) - _share(base[family])) / FULL_SHADE
        rows.append([arm_label(arm, variant), method, *(_interval(*values[family]) for family in families)])
    if not families:
        return None
    about = "% right [95% interval, Wilson] of n, all seeds together. Green: more than the base; red: less."
    return Part(f"By family: {dataset}", about, [], [Table(["arm", "method", *families], rows, shades=shades)])


def sampled_part(sweep: Sweep, dataset: str) -> Part | None:
    """pass@k and maj@k, where several samples of a problem were drawn."""
    rows = [
        [
            arm_label(row["arm"], sweep.variant(run)),
            run.seed,
            row["method"],
            row["metric"],
            f"{100 * row['value']:.1f} [{100 * row['low']:.1f}, {100 * row['high']:.1f}]",
            f"{row['n']:,}",
        ]
        for run in sweep.runs
        for row in tables_of(run.found)[dataset]["sampled"]
    ]
    about = "pass@k: some of k samples is right (unbiased); maj@k: their vote is, within a method or over all of them."
    header = ["arm", "seed", "method", "metric", "% [95%, over problems]", "n"]
    return Part(f"Several samples a problem: {dataset}", about, [], [Table(header, rows)]) if rows else None


def verdicts_part(sweep: Sweep, dataset: str) -> Part | None:
    """How the greedy answers were judged."""
    rows = []
    for run in sweep.runs:
        for arm, by_method in tables_of(run.found)[dataset]["verdicts"].items():
            for method, verdicts in by_method.items():
                counts = [verdicts.get(verdict.value, 0) for verdict in Verdict]
                unjudged = f"{100 * counts[-1] / max(1, sum(counts)):.1f}%"
                rows.append([arm_label(arm, sweep.variant(run)), run.seed, method, *map(str, counts), unjudged])
    header = ["arm", "seed", "method", *(verdict.value.replace("_", " ") for verdict in Verdict), "unjudged share"]
    return Part(f"Verdicts: {dataset}", "Greedy answers.", [], [Table(header, rows)]) if rows else None


def _share(count: Sequence[int]) -> float:
    return count[0] / count[1]


def _interval(right: int, n: int) -> str:
    if not n:
        return ""
    low, high = accuracy_interval(right, n)
    return f"{100 * right / n:.0f} [{100 * low:.0f}, {100 * high:.0f}] of {n}"
