"""The parts of the report page about what was measured: accuracies, differences, along axes and rounds, by pair and family."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from statistics import fmean

from mmst.methods.edge import BASE_ARM
from mmst.reporting.arms import MEAN, Cell, Difference, accuracy, arms_of, columns, contrasts, differences, with_base
from mmst.reporting.charts import interval_chart, line_chart
from mmst.reporting.part import Part, Table, arm_label, p_value, percent, phi, points
from mmst.reporting.runs import Sweep
from mmst.stages.evaluate import EITHER


def accuracy_parts(sweep: Sweep, dataset: str) -> list[Part]:
    """Accuracies and differences on one data set."""
    arms = arms_of(sweep, dataset)
    methods = columns(arms)
    cells = {arm.label: {m: cell for m in methods if (cell := accuracy(arm, m)) is not None} for arm in arms}
    n = sum(len(next(iter(by_method.values()))) for by_method in arms[0].solved.values())
    rows = [[arm.label, *(percent(cells[arm.label].get(m)) for m in methods)] for arm in arms]
    unjudged = sum(cell.unjudged for of_arm in cells.values() for m, cell in of_arm.items() if m not in (MEAN, EITHER))
    seeds = len(arms[0].solved)
    between = f"over {seeds} seeds (Student's t)" if seeds > 1 else "over problems (Wilson)"
    note = f"% right [95% interval {between}]; n = {n:,} problems an arm, over all seeds; {unjudged:,} answers unjudged."
    parts = [
        Part(
            f"Accuracy: {dataset}",
            "Greedy answers; either: some method is right.",
            [interval_chart([(arm.label, cells[arm.label]) for arm in arms], "% right")],
            [Table(["arm", *methods], rows, note)],
        )
    ]
    asked, against = differences(contrasts(sweep, arms), methods), differences(with_base(arms), methods)
    known = {(row.a, row.b) for row in asked}
    found = [*asked, *(row for row in against if (row.a, row.b) not in known)]
    if found:
        parts.append(_difference_part(dataset, found, asked or against, seeds))
    return parts


def _difference_part(dataset: str, found: Sequence[Difference], charted: Sequence[Difference], seeds: int) -> Part:
    by_pair: dict[str, dict[str, Cell]] = defaultdict(dict)
    for row in charted:
        by_pair[f"{row.b} - {row.a}"][row.method] = row.cell
    rows = [
        [
            f"{r.b} - {r.a}",
            r.method,
            points(r.cell),
            ", ".join(f"{100 * v:+.1f}" for v in r.cell.by_seed),
            p_value(r.p),
            p_value(r.p_holm),
        ]
        for r in found
    ]
    test = "Student's t over seeds" if seeds > 1 else "McNemar's exact test"
    holm = "Holm's correction among those that answer the question, and among those with the base"
    note = f"Points [95%], each seed's on the same problems; p by {test}, and {holm}."
    return Part(
        f"Paired differences: {dataset}",
        "",
        [interval_chart(list(by_pair.items()), "points", zero=True)],
        [Table(["arms", "method", "difference", "by seed", "p", "p (Holm)"], rows, note)],
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
    arms = [arm for arm in arms_of(sweep, dataset) if arm.variant in places]
    if len(set(places.values())) < 2 or not arms:
        return None
    lines: dict[str, dict[str, list[tuple[float, Cell]]]] = {method: defaultdict(list) for method in columns(arms)}
    for arm in sorted(arms, key=lambda arm: places[arm.variant]):
        for method, of_arm in lines.items():
            if (cell := accuracy(arm, method)) is not None:
                of_arm[arm.arm].append((places[arm.variant], cell))
    values = sorted(places.values())
    chart = line_chart(lines, axis, "% right", logarithmic=values[0] > 0 and values[-1] / values[0] >= 8)
    return Part(f"Along {axis}", "Bands are 95% intervals.", [chart])


def rounds_part(sweep: Sweep, dataset: str) -> Part | None:
    """Accuracies after each round, where there were several."""
    arms = arms_of(sweep, dataset, every_round=True)
    if max(arm.round for arm in arms) < 2:
        return None
    methods = columns(arms)
    lines: dict[str, dict[str, list[tuple[float, Cell]]]] = {method: defaultdict(list) for method in methods}
    base = next(arm for arm in arms if arm.arm == BASE_ARM)
    for method, of_arm in lines.items():
        for arm in sorted(arms, key=lambda arm: arm.round):
            cell = accuracy(arm, method)
            start = accuracy(base, method)
            if cell is None or start is None or arm.arm == BASE_ARM:
                continue
            of_arm[arm.label] = of_arm[arm.label] or [(0, start)]
            of_arm[arm.label].append((arm.round, cell))
    return Part("Round by round", "Round 0 is the base. Bands are 95% intervals.", [line_chart(lines, "round", "% right")])


def pairs_part(sweep: Sweep, dataset: str) -> Part | None:
    """How the methods of each arm hang together on the test problems."""
    rows = []
    for run in sweep.runs:
        table = run.found if run.found["dataset"] == dataset else run.found["heldout"][dataset]
        for row in table["pairs"]:
            cells = row["table"]
            counts = [str(cells[key]) for key in ("both", "only_a", "only_b", "neither")]
            shares = [f"{100 * row[key]['accuracy']:.1f}" for key in ("agree", "right_when_agree")]
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
        "% same answer",
        "% right then",
    ]
    return Part(f"Methods beside each other: {dataset}", "Greedy answers to the same problems.", [], [Table(header, rows)])


def families_part(sweep: Sweep, dataset: str) -> Part | None:
    """Accuracy by family: means over seeds, and what each arm gained over the base."""
    cells: dict[tuple[str, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for run in sweep.runs:
        table = run.found if run.found["dataset"] == dataset else run.found["heldout"][dataset]
        for arm, by_method in table["families"].items():
            for method, families in by_method.items():
                for family, score in families.items():
                    cells[arm_label(arm, sweep.variant(run)), method][family].append(100 * score["accuracy"])
    families = list(dict.fromkeys(family for of_arm in cells.values() for family in of_arm))
    base = {method: values for (arm, method), values in cells.items() if arm.startswith(BASE_ARM)}
    rows, shades = [], {}
    for number, ((arm, method), values) in enumerate((key, value) for key, value in cells.items() if key[1] != EITHER):
        rows.append([arm, method, *(f"{fmean(values[family]):.0f}" if family in values else "" for family in families)])
        for column, family in enumerate(families):
            if family in values and family in base.get(method, {}):
                shades[number, column + 2] = (fmean(values[family]) - fmean(base[method][family])) / 60
    if not families:
        return None
    about = "% right, mean over seeds. Green: more than the base; red: less."
    return Part(f"By family: {dataset}", about, [], [Table(["arm", "method", *families], rows, shades=shades)])
