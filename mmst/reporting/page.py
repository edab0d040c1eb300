"""The report: one HTML page that needs nothing but itself.

1. In: a sweep, or a single run, read back from its folders (`mmst.reporting.runs`).
2. Each part of the page is made by one function here: its tables as rows, its charts as SVG.
3. Out: the page's text. It works from a file, in light and dark, and prints.
"""

from __future__ import annotations

import csv
import datetime
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from statistics import fmean
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from mmst.methods.edge import BASE_ARM
from mmst.reporting import paper
from mmst.reporting.arms import (
    MEAN,
    Cell,
    Difference,
    accuracy,
    arms_of,
    columns,
    contrasts,
    data_sets,
    differences,
    headline,
    with_base,
)
from mmst.reporting.charts import curves_chart, flow_chart, interval_chart, line_chart, scatter_chart
from mmst.reporting.runs import Sweep
from mmst.reporting.samples import SampleTable, sample_table

STAGES = ("samples", "pseudo_labels", "translations", "verified", "examples")
DROPPED = "dropped "
CURVE_POINTS = 120
"""The most points of one learning curve."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of texts under a header."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""
    shades: Mapping[tuple[int, int], float] = field(default_factory=dict)
    """(row, column) -> from -1 to 1: how a cell is coloured."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the page."""

    title: str
    about: str = ""
    charts: Sequence[str] = ()
    tables: Sequence[Table] = ()


def page(sweep: Sweep, samples: int) -> str:
    """The whole page, with about `samples` samples to look through."""
    names = data_sets(sweep)
    table = sample_table(sweep, samples)
    parts: list[Part | None] = [part for name in names for part in _set_parts(sweep, name)]
    parts += [
        _axis_part(sweep, names[0]), _rounds_part(sweep, names[0]), _correlation_part(sweep, names[0]), _yield_part(sweep),
        _curves_part(sweep), _pairs_part(sweep, names[0]), _families_part(sweep, names[0]), _labels_part(sweep),
        _audit_part(sweep), _paper_part(), _work_part(sweep),
    ]  # fmt: skip
    environment = Environment(
        loader=PackageLoader("mmst.reporting", "page"), undefined=StrictUndefined, autoescape=select_autoescape(["j2"])
    )
    files = resources.files("mmst.reporting") / "page"
    return environment.get_template("page.html.j2").render(
        sweep=sweep,
        answers=headline(sweep, names[0]),
        parts=[part for part in parts if part and (part.charts or any(t.rows for t in part.tables))],
        style=(files / "page.css").read_text(),
        script=(files / "browser.js").read_text(),
        table=table,
        shown=_shown(table),
        made=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d"),
        jobs=len(sweep.runs),
    )


def _shown(table: SampleTable) -> str:
    if not len(table):
        return "The ledger of these runs is gone, so there are no samples to show."
    whole = "all" if table.share == 1 else f"{len(table):,} of"
    of = "" if table.share == 1 else f": all of {table.share:.1%} of the problems, drawn at random"
    return f"{whole} {table.total:,} samples of these runs{of}."


def _set_parts(sweep: Sweep, dataset: str) -> list[Part]:
    """Accuracies and differences on one data set."""
    arms = arms_of(sweep, dataset)
    methods = columns(arms)
    cells = {arm.label: {m: cell for m in methods if (cell := accuracy(arm, m)) is not None} for arm in arms}
    n = sum(len(next(iter(by_method.values()))) for by_method in arms[0].solved.values())
    rows = [[arm.label, *(_share(cells[arm.label].get(m)) for m in methods)] for arm in arms]
    unjudged = sum(cell.unjudged for of_arm in cells.values() for m, cell in of_arm.items() if m not in (MEAN, "either"))
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
            _points(r.cell),
            ", ".join(f"{100 * v:+.1f}" for v in r.cell.by_seed),
            _p(r.p),
            _p(r.p_holm),
        ]
        for r in found
    ]
    test = "Student's t over seeds" if seeds > 1 else "McNemar's exact test"
    note = f"Points [95%], each seed's on the same problems; p by {test}, and Holm's correction for the table."
    return Part(
        f"Paired differences: {dataset}",
        "",
        [interval_chart(list(by_pair.items()), "points", zero=True)],
        [Table(["arms", "method", "difference", "by seed", "p", "p (Holm)"], rows, note)],
    )


def _axis_part(sweep: Sweep, dataset: str) -> Part | None:
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


def _rounds_part(sweep: Sweep, dataset: str) -> Part | None:
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


def _correlation_part(sweep: Sweep, dataset: str) -> Part | None:
    """The correlation of methods on training problems, and what was gained."""
    rows, points = [], defaultdict(list)
    for run in sweep.runs:
        for row in run.found["correlations"]:
            label = _label(row["arm"], sweep.variant(run))
            counts = [str(row[key]) for key in ("both", "only_a", "only_b", "neither")]
            if row["where"] == "examples" and row["round"] == 1 and row["phi"] is not None:
                points[label].append((row["phi"], _gain(run.found, row["arm"], dataset)))
            where = {"all": "all", "labelled": "with a pseudo-label", "examples": "of the training set"}[row["where"]]
            rows.append([label, run.seed, str(row["round"]), where, f"{row['a']}, {row['b']}", *counts, _phi(row)])
    if not rows:
        return None
    chart = scatter_chart(points, "phi of the methods on the training set's problems", "gain, points") if points else ""
    return Part(
        "Are the methods' errors different?",
        "Phi is the correlation of two methods being right, by the first sample of each: below 0 they fail on different "
        "problems. To choose problems that some method solved lowers phi by itself, since those that none solved are gone; "
        "hence all three. "
        f"Gain is that of the mean of methods over the base, on {dataset}; one point an arm and seed.",
        [chart] if chart else [],
        [Table(["arm", "seed", "round", "training problems", "methods", "both", "first", "second", "none", "phi [95%]"], rows)],
    )


def _gain(found: Mapping[str, Any], arm: str, dataset: str) -> float:
    arms = (found if found["dataset"] == dataset else found["heldout"][dataset])["arms"]
    single = [method for method in arms[arm] if method != "either"]
    return fmean(arms[arm][method]["accuracy"] - arms[BASE_ARM][method]["accuracy"] for method in single)


def _yield_part(sweep: Sweep) -> Part | None:
    """From samples to examples, by arm and edge: sums over seeds."""
    sums: dict[str, dict[str, dict[str, int]]] = defaultdict(lambda: defaultdict(lambda: defaultdict(int)))
    for run in sweep.runs:
        for arm, edges in run.found["counts"].items():
            for edge, tally in edges.items():
                for key in (*STAGES, "wrong_steps"):
                    sums[_label(arm, sweep.variant(run))][edge][key] += tally[key]
                for reason, count in tally["dropped"].items():
                    sums[_label(arm, sweep.variant(run))][edge][DROPPED + reason] += count
    if not sums:
        return None
    rows = []
    for arm, edges in sums.items():
        for edge, tally in edges.items():
            crossing = tally["translations"] > 0
            counts = [f"{tally[key]:,}" if crossing or key not in ("translations", "verified") else "" for key in STAGES]
            rate = f"{tally['verified'] / tally['translations']:.0%}" if crossing else ""
            dropped = ", ".join(
                f"{k.removeprefix('dropped ')} {v:,}" for k, v in sorted(tally.items()) if k.startswith("dropped ")
            )
            rows.append([arm, edge, *counts, rate, dropped])
    richest = max(sums, key=lambda arm: sum(tally["examples"] for tally in sums[arm].values()))
    flows = {
        edge: [t[key] if t["translations"] or key not in ("translations", "verified") else None for key in STAGES]
        for edge, t in sums[richest].items()
    }
    names = [stage.replace("_", "-") for stage in STAGES]
    return Part(
        "From samples to examples",
        f"The last round, all seeds together; the diagram shows {richest}. Yield: translations that kept their answer.",
        [flow_chart(flows, names)],
        [Table(["arm", "edge", *names, "yield", "dropped, by reason"], rows)],
    )


def _curves_part(sweep: Sweep) -> Part | None:
    curves: dict[str, list[list[tuple[float, float]]]] = defaultdict(list)
    for run in sweep.runs:
        for path in sorted(run.folder.glob("curves/*/metrics.csv")):
            line = _curve(path)
            if line:
                curves[_label(path.parent.name, sweep.variant(run))].append(line)
    if not curves:
        return None
    return Part("Learning curves", "Mean loss of a completion token over the last logged steps; a line a seed.", [
        curves_chart(curves, "step", "loss")
    ])  # fmt: skip


def _curve(path: Path) -> list[tuple[float, float]]:
    with path.open() as file:
        points = [(float(row["step"]), float(row["loss"])) for row in csv.DictReader(file) if row.get("loss")]
    return points[:: max(1, len(points) // CURVE_POINTS)]


def _pairs_part(sweep: Sweep, dataset: str) -> Part | None:
    """How the methods of each arm hang together on the test problems."""
    rows = []
    for run in sweep.runs:
        table = run.found if run.found["dataset"] == dataset else run.found["heldout"][dataset]
        for row in table["pairs"]:
            cells = row["table"]
            counts = [str(cells[key]) for key in ("both", "only_a", "only_b", "neither")]
            shares = [f"{100 * row[key]['accuracy']:.1f}" for key in ("agree", "right_when_agree")]
            label = _label(row["arm"], sweep.variant(run))
            rows.append([label, run.seed, f"{row['a']}, {row['b']}", *counts, _phi(cells), *shares])
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


def _families_part(sweep: Sweep, dataset: str) -> Part | None:
    """Accuracy by family: means over seeds, and what each arm gained over the base."""
    cells: dict[tuple[str, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for run in sweep.runs:
        table = run.found if run.found["dataset"] == dataset else run.found["heldout"][dataset]
        for arm, by_method in table["families"].items():
            for method, families in by_method.items():
                for family, score in families.items():
                    cells[_label(arm, sweep.variant(run)), method][family].append(100 * score["accuracy"])
    families = list(dict.fromkeys(family for of_arm in cells.values() for family in of_arm))
    base = {method: values for (arm, method), values in cells.items() if arm.startswith(BASE_ARM)}
    rows, shades = [], {}
    for number, ((arm, method), values) in enumerate((key, value) for key, value in cells.items() if key[1] != "either"):
        rows.append([arm, method, *(f"{fmean(values[family]):.0f}" if family in values else "" for family in families)])
        for column, family in enumerate(families):
            if family in values and family in base.get(method, {}):
                shades[number, column + 2] = (fmean(values[family]) - fmean(base[method][family])) / 60
    if not families:
        return None
    about = "% right, mean over seeds. Green: more than the base; red: less."
    return Part(f"By family: {dataset}", about, [], [Table(["arm", "method", *families], rows, shades=shades)])


def _labels_part(sweep: Sweep) -> Part | None:
    rows = []
    for run in sweep.runs:
        for row in run.found["labels"]:
            right = f"{100 * row['right'] / row['known']:.1f}% of {row['known']:,}" if row["known"] else ""
            label = _label(row["arm"], sweep.variant(run))
            first = [label, run.seed, str(row["round"]), row["method"], f"{row['labelled']:,} of {row['problems']:,}", right]
            health = [f"{100 * row['samples_right']:.1f}%", f"{row['samples_entropy']:.2f}", f"{row['samples_distinct']:.0%}"]
            rows.append([*first, *health])
    header = [
        "arm", "seed", "round", "method", "labelled", "right labels", "right samples", "bits a problem", "distinct"
    ]  # fmt: skip
    about = "A collapse shows first in the bits of answers a problem: its samples become all the same."
    return Part("Labels, and the samples they come from", about, [], [Table(header, rows)])


def _audit_part(sweep: Sweep) -> Part | None:
    """What should make one doubt: leaks, wrong reasoning, unjudged answers, contamination."""
    rows = []
    for run in sweep.runs:
        for arm, edges in run.found["counts"].items():
            kept = sum(tally["examples"] for tally in edges.values())
            wrong = sum(tally["wrong_steps"] for tally in edges.values())
            dropped: dict[str, int] = defaultdict(int)
            for tally in edges.values():
                for reason, count in tally["dropped"].items():
                    dropped[reason] += count
            unjudged = sum(verdicts.get("unjudged", 0) for verdicts in run.found["verdicts"].get(arm, {}).values())
            numbers = [f"{kept:,}", f"{wrong:,}", *(f"{dropped[key]:,}" for key in ("leak", "drift", "unjudged"))]
            rows.append([_label(arm, sweep.variant(run)), run.seed, *numbers, f"{unjudged:,}", _decontaminated(run.found)])
    header = [
        "arm", "seed", "examples", "kept solutions with a wrong step", "leaks dropped", "drifted translations",
        "unjudged samples", "unjudged answers", "contamination",
    ]  # fmt: skip
    about = "Right answer, wrong reasoning: a kept solution with a statement such as 3 * 4 = 13 that does not hold."
    return Part("Audit", about, [], [Table(header, rows)])


def _decontaminated(found: Mapping[str, Any]) -> str:
    ngram = found["config"].get("decontaminate")
    return "not looked for: disjoint by its make" if ngram is None else f"problems with {ngram} shared words left out"


def _paper_part() -> Part:
    def text(value: float | None) -> str:
        return "" if value is None else f"{value:.1f}"

    groups = (("main", paper.MAIN), ("quantity matched", paper.MATCHED), ("out of domain", paper.TRANSFER))
    rows = [
        [name, row.dataset, row.method, text(row.base), text(row.self_training), text(row.multi)]
        for name, group in groups
        for row in group
    ]
    phi = ", ".join(f"{name} {value:+.3f}" for name, value in paper.CORRELATIONS.items())
    note = f"{paper.SECOND_HAND}. Correlation of methods on pseudo-labels: {phi}."
    about = (
        "BLOOM-176B, single runs without intervals. The abstract vouches for gains of up to 30 points (weaker method), 32.2 "
        "(stronger) and 10.3 (related tasks)."
    )
    return Part(
        "The paper's numbers", about, [], [Table(["table", "data set", "method", "base", "self-training", "MMST"], rows, note)]
    )


def _work_part(sweep: Sweep) -> Part:
    """What was run, with what, and how long it took."""
    seconds: dict[str, float] = defaultdict(float)
    stages: set[str] = set()
    for run in sweep.runs:
        fresh = set(run.found["ledger"]["stages"]) - stages
        stages |= fresh
        for name, value in run.found["seconds"].items():
            shared = [stage for stage in run.found["ledger"]["stages"] if stage.rpartition("-")[0] == name]
            new = [stage for stage in shared if stage in fresh]
            seconds[name] += value * len(new) / max(1, len(shared))
    config = sweep.runs[0].found["config"]
    versions = ", ".join(f"{name} {value}" for name, value in sweep.runs[0].found["versions"].items())
    rows = [
        ["model, data set", f"{_name(config, 'model')}, {_name(config, 'dataset')}"],
        ["varied", ", ".join(sweep.axes) or "nothing but arms and seeds"],
        ["seeds", ", ".join(sorted({run.seed for run in sweep.runs}))],
        ["versions", versions],
        ["commit", ", ".join(sorted({str(run.found["commit"]) for run in sweep.runs}))],
        ["hours of work", f"{sum(seconds.values()) / 3600:.2f}, stages that jobs share counted about once"],
        *([f"… {name}", f"{value / 60:.1f} min"] for name, value in sorted(seconds.items(), key=lambda item: -item[1])[:6]),
        *([f"failed: {failure.name}", failure.why] for failure in sweep.failures),
    ]
    jobs = [[run.name, str(run.folder)] for run in sweep.runs]
    return Part("What was run", "", [], [Table(["", ""], rows), Table(["job", "folder"], jobs)])


def _name(config: Mapping[str, Any], key: str) -> str:
    return str(config.get(key, {}).get("name", "?"))


def _label(arm: str, variant: str) -> str:
    return f"{arm} ({variant})" if variant else arm


def _share(cell: Cell | None) -> str:
    return "" if cell is None else f"{100 * cell.value:.1f} [{100 * cell.low:.1f}, {100 * cell.high:.1f}]"


def _points(cell: Cell) -> str:
    return f"{100 * cell.value:+.1f} [{100 * cell.low:+.1f}, {100 * cell.high:+.1f}]"


def _each(cell: Cell) -> str:
    return ", ".join(f"{100 * value:+.1f}" for value in cell.by_seed)


def _phi(row: Mapping[str, Any]) -> str:
    return "" if row["phi"] is None else f"{row['phi']:+.2f} [{row['low']:+.2f}, {row['high']:+.2f}]"


def _p(p: float | None) -> str:
    return "" if p is None else "<0.0001" if p < 0.0001 else f"{p:.2g}"
