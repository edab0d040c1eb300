"""The paper's tables with what was found here beside the paper's own numbers: a row for each of its data sets that was run.

1. In: a sweep over data sets, or a run on one of them. Others have none of this.
2. Text, code, out of domain, with the quantity matched: base, self-training, MMST, by the arms that stand for these here.
3. The methods' correlation on pseudo-labelled problems against the gain, as a plot and a table.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from statistics import fmean

from mmst.methods.edge import BASE_ARM
from mmst.reporting import paper
from mmst.reporting.arms import MEAN, Arm, accuracy, arms_of, columns, data_sets, difference
from mmst.reporting.charts import scatter_chart
from mmst.reporting.part import Part, Table, percent, points
from mmst.reporting.runs import Sweep

NAMES = {
    "gsm8k": "GSM8K",
    "svamp": "SVAMP",
    "mawps": "MAWPS",
    "mathqa": "MathQA",
    "strategyqa": "StrategyQA",
    "commonsenseqa": "CommonsenseQA",
}
"""The data sets as configs call them -> as the paper does."""
SELF = {"text": ("self_text", "self_both"), "code": ("self_code", "self_both")}
"""By method, the arms that stand for its self-training, the paper's own first."""
UNCHECKED, CHECKED, MATCHED = ("unverified",), ("multi",), ("multi_matched",)
SECOND_HAND = "paper, second-hand"
HERE = "here"
HEADER = (
    "data set",
    "method",
    "base",
    "self-training",
    "MMST, unchecked",
    "MMST, checked",
    "MMST - self-training",
    "n",
    "seeds",
)
NOTE = (
    "Base, self-training and MMST in percent; the paper's are of BLOOM-176B, single runs without intervals. Self-training: the "
    "method's own (self_text, self_code), or self_both. Unchecked: `unverified`, as the paper has it, whose difference stands "
    "here where it ran, else that of the checked one. " + paper.SECOND_HAND + "."
)


def paper_tables(sweep: Sweep) -> list[Part]:
    """The tables, with the rows that were run; none for other data sets."""
    of_sets = _by_data_set(sweep)
    if not of_sets:
        return []
    by_method = {method: [row for row in paper.MAIN if row.method == method] for method in SELF}
    about = "The paper's table with the numbers of these runs beside its own."
    parts = [
        Part(f"The paper's data sets: {method}", about, [], [Table([*HEADER, SECOND_HAND], _rows(of_sets, rows), NOTE)])
        for method, rows in by_method.items()
    ]
    parts.append(Part("The paper's tasks out of domain", about, [], [_transfer_table(of_sets)]))
    parts.append(_correlation_part(of_sets))
    matched = Table([*HEADER, SECOND_HAND], _rows(of_sets, paper.MATCHED, MATCHED), NOTE)
    parts.append(Part("The paper's data sets, the quantity of data matched", about, [], [matched]))
    return [part for part in parts if any(table.rows for table in part.tables)]


def _by_data_set(sweep: Sweep) -> dict[str, Sweep]:
    """The runs of each of the paper's data sets, as sweeps of their own."""
    found: dict[str, list[int]] = {}
    for place, run in enumerate(sweep.runs):
        name = NAMES.get(str((run.found["config"].get("dataset") or {}).get("name")))
        if name is not None:
            found.setdefault(name, []).append(place)
    axes = tuple(axis for axis in sweep.axes if axis != "dataset")
    return {name: replace(sweep, runs=[sweep.runs[n] for n in places], axes=axes) for name, places in found.items()}


def _rows(of_sets: dict[str, Sweep], rows: Iterable[paper.PaperRow], unchecked: Sequence[str] = UNCHECKED) -> list[list[str]]:
    """A row for each of the paper's that was run here. unchecked: the arms that stand for the paper's MMST."""
    found = []
    for row in rows:
        if row.dataset in of_sets:
            own = of_sets[row.dataset]
            cells = _cells(_arms(own, data_sets(own)[0]), row.method, unchecked)
            found += [[row.dataset, row.method, *cells, _told(row)]] if cells else []
    return found


def _transfer_table(of_sets: dict[str, Sweep]) -> Table:
    rows = []
    for row in paper.TRANSFER:
        for trained, own in of_sets.items():
            measured = next((name for name in data_sets(own) if NAMES.get(name) == row.dataset), None)
            cells = _cells(_arms(own, measured), row.method, UNCHECKED) if measured else []
            rows += [[f"{row.dataset}, trained on {trained}", row.method, *cells, _told(row)]] if cells else []
    return Table([*HEADER, SECOND_HAND], rows, NOTE)


def _cells(arms: dict[str, Arm], method: str, unchecked: Sequence[str]) -> list[str]:
    """Under `HEADER` from `base` on; nothing where the base has no such method."""
    base = arms.get(BASE_ARM)
    if base is None or accuracy(base, method) is None:
        return []
    own, free, checked = (_first(arms, names) for names in (SELF.get(method, ("self_both",)), unchecked, CHECKED))
    best = free or checked
    gain = difference(own, best, method) if own and best else None
    cell = accuracy(base, method)
    shown = [percent(accuracy(arm, method)) if arm else "" for arm in (base, own, free, checked)]
    return [*shown, points(gain.cell) if gain else "", f"{cell.n:,}" if cell else "", str(len(base.solved))]


def _correlation_part(of_sets: dict[str, Sweep]) -> Part:
    """Where methods fail on different problems, does training on translations gain more?"""
    rows, here, theirs = [], [], []
    for name, own in of_sets.items():
        arms = _arms(own, data_sets(own)[0])
        base, arm = arms.get(BASE_ARM), _first(arms, (*UNCHECKED, *CHECKED))
        if base is None or arm is None:
            continue
        phis = [
            row["phi"]
            for run in own.runs
            for row in run.found["correlations"]
            if (row["arm"], row["round"], row["where"]) == (arm.arm, 1, "labelled") and row["phi"] is not None
        ]
        method = MEAN if MEAN in columns([base, arm]) else columns([base, arm])[0]
        gain = difference(base, arm, method)
        if not phis or gain is None:
            continue
        here.append((fmean(phis), gain.cell.value))
        told = [paper_gain(name), paper.CORRELATIONS.get(name)]
        if told[0] is not None and told[1] is not None:
            theirs.append((told[1], told[0] / 100))
        values = ["" if value is None else f"{value:+.{places}f}" for value, places in zip(told, (1, 3), strict=True)]
        rows.append([name, arm.label, f"{fmean(phis):+.3f}", points(gain.cell), values[1], values[0]])
    series = {HERE: here, SECOND_HAND: theirs}
    chart = scatter_chart({k: v for k, v in series.items() if v}, "phi on pseudo-labelled problems", "gain, points")
    about = (
        "Phi of text and code on pseudo-labelled problems of round 1, the mean over seeds, against the gain over the base on "
        "the mean of the methods that a table has. To choose problems that some method solved lowers phi by itself."
    )
    header = ["data set", "arm", "phi", "gain, points", f"phi: {SECOND_HAND}", f"gain: {SECOND_HAND}"]
    return Part("Correlation of methods and gain, over data sets", about, [chart] if rows else [], [Table(header, rows)])


def paper_gain(dataset: str) -> float | None:
    """The paper's gain of MMST over the base, in points, on the mean of the methods that it gives; None where it gives none."""
    gains = [row.multi - row.base for row in paper.MAIN if row.dataset == dataset and row.base is not None]
    return fmean(gains) if gains else None


def _arms(sweep: Sweep, dataset: str) -> dict[str, Arm]:
    """Arm -> its results, where it has one variant; of several, the first."""
    found: dict[str, Arm] = {}
    for arm in arms_of(sweep, dataset):
        found.setdefault(arm.arm, arm)
    return found


def _first(arms: dict[str, Arm], names: Sequence[str]) -> Arm | None:
    return next((arms[name] for name in names if name in arms), None)


def _told(row: paper.PaperRow) -> str:
    """Base, self-training, MMST, in the paper."""
    return ", ".join("-" if value is None else f"{value:.1f}" for value in (row.base, row.self_training, row.multi))
