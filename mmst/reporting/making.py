"""The parts of the report page about how it came: data from samples to examples, trainings, audits, and what was run."""

from __future__ import annotations

import csv
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import fmean
from typing import Any

from mmst.methods.edge import BASE_ARM
from mmst.reporting import paper
from mmst.reporting.arm_style import arm_name, natural
from mmst.reporting.arms import data_sets
from mmst.reporting.charts import curves_chart, flow_chart, scatter_chart
from mmst.reporting.part import Part, Table, arm_label, phi
from mmst.reporting.results import tables_of
from mmst.reporting.runs import Run, Sweep, damaged, shared_arms
from mmst.stages.evaluate import EITHER

STAGES = ("samples", "pseudo_labels", "translations", "verified", "examples")
DROPPED = "dropped "
CURVE_POINTS = 120
"""The most points of one learning curve."""
PLACE = re.compile(r"(?<![\w./~})\\])(?:/[\w.@%+~-]+)+/([\w.@%+~-]+)")
"""An absolute path of two names or more, and its last name."""
RUN_NAME = "name"
"""A key that is made of all overrides, folders included; the jobs' own table names them."""


def correlation_part(sweep: Sweep, dataset: str) -> Part | None:
    """The correlation of methods on training problems, and what was gained."""
    rows: list[list[str]] = []
    points: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for run in sweep.runs:
        for row in run.found["correlations"]:
            label = arm_label(row["arm"], sweep.variant(run))
            counts = [str(row[key]) for key in ("both", "only_a", "only_b", "neither")]
            if row["where"] == "examples" and row["round"] == 1 and row["phi"] is not None:
                gain = _gain(run.found, row["arm"], dataset)
                points[label] += [] if gain is None else [(row["phi"], gain)]
            where = {"all": "all", "labelled": "with a pseudo-label", "examples": "of the training set"}[row["where"]]
            rows.append([label, run.seed, str(row["round"]), where, f"{row['a']}, {row['b']}", *counts, phi(row)])
    if not rows:
        return None
    chart = (
        scatter_chart(points, "phi of the methods on the training set's problems", "gain, points", sweep.colours)
        if points
        else ""
    )
    return Part(
        "Are the methods' errors different?",
        "Phi is the correlation of two methods being right, by the first sample of each: below 0 they fail on different "
        "problems. To choose problems that some method solved lowers phi by itself, since those that none solved are gone; "
        "hence all three. "
        f"Gain is that of the mean of methods over the base, on {dataset}; one point an arm and seed.",
        [chart] if chart else [],
        [Table(["arm", "seed", "round", "training problems", "methods", "both", "first", "second", "none", "phi [95%]"], rows)],
    )


def _gain(found: Mapping[str, Any], arm: str, dataset: str) -> float | None:
    arms = tables_of(found)[dataset]["arms"]
    single = [method for method in arms[arm] if method != EITHER]
    if any(arms[name][method]["accuracy"] is None for name in (arm, BASE_ARM) for method in single):
        return None
    return fmean(arms[arm][method]["accuracy"] - arms[BASE_ARM][method]["accuracy"] for method in single)


def yield_part(sweep: Sweep) -> Part | None:
    """From samples to examples, by arm and edge: sums over seeds."""
    sums: dict[str, dict[str, dict[str, int]]] = defaultdict(lambda: defaultdict(lambda: defaultdict(int)))
    for run in sweep.runs:
        for arm, edges in run.found["counts"].items():
            for edge, tally in edges.items():
                for key in (*STAGES, "wrong_steps"):
                    sums[arm_label(arm, sweep.variant(run))][edge][key] += tally[key]
                for reason, count in tally["dropped"].items():
                    sums[arm_label(arm, sweep.variant(run))][edge][DROPPED + reason] += count
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


def curves_part(sweep: Sweep) -> Part | None:
    """The loss while each arm was trained."""
    curves: dict[str, list[list[tuple[float, float]]]] = defaultdict(list)
    shared = shared_arms(sweep, data_sets(sweep)[0])
    for run in sweep.runs:
        for path in sorted(run.folder.glob("curves/*/metrics.csv")):
            line, name = _curve(path), training_name(run, path.parent.name)
            label = arm_label(name, "" if arm_name(name) in shared else sweep.variant(run))
            if line and line not in curves[label]:
                curves[label].append(line)
    curves = {label: lines for label, lines in curves.items() if lines}
    if not curves:
        return None
    return Part("Learning curves", "Mean loss of a completion token over the last logged steps; a line a seed.", [
        curves_chart(curves, "step", "loss", sweep.colours)
    ])  # fmt: skip


def training_name(run: Run, folder: str) -> str:
    """A training by the folder of its curves, `multi-round2`: `multi, round 2`, or `multi` where there is one round."""
    arm, _, number = folder.rpartition("-round")
    several = any(row["round"] > 1 for row in run.found["rounds"])
    return folder if not arm else f"{arm}, round {number}" if several else arm


def _curve(path: Path) -> list[tuple[float, float]]:
    try:
        with path.open() as file:
            points = [(float(row["step"]), float(row["loss"])) for row in csv.DictReader(file) if row.get("loss")]
    except (ValueError, TypeError, KeyError, csv.Error) as error:
        raise damaged(path) from error
    return points[:: max(1, len(points) // CURVE_POINTS)]


def labels_part(sweep: Sweep) -> Part | None:
    """How good the pseudo-labels are, and how various the samples."""
    rows = []
    for run in sweep.runs:
        for row in run.found["labels"]:
            right = f"{100 * row['right'] / row['known']:.1f}% of {row['known']:,}" if row["known"] else ""
            label = arm_label(row["arm"], sweep.variant(run))
            first = [label, run.seed, str(row["round"]), row["method"], f"{row['labelled']:,} of {row['problems']:,}", right]
            known = "" if row["samples_right"] is None else f"{100 * row['samples_right']:.1f}%"
            health = [known, f"{row['samples_entropy']:.2f}", f"{row['samples_distinct']:.0%}"]
            rows.append([*first, *health])
    header = [
        "arm", "seed", "round", "method", "labelled", "right labels", "right samples", "bits a problem", "distinct"
    ]  # fmt: skip
    about = "A collapse shows first in the bits of answers a problem: its samples become all the same."
    return Part("Labels, and the samples they come from", about, [], [Table(header, rows)])


def reasons_part(sweep: Sweep) -> Part | None:
    """How often right answers have wrong reasons, before training and after each round."""
    rows = [
        [
            arm_label(row["arm"], sweep.variant(run)), run.seed, str(row["round"]), row["dataset"], row["method"], row["way"],
            f"{100 * row['rate']:.1f} [{100 * row['low']:.1f}, {100 * row['high']:.1f}]", f"{row['wrong']:,} of {row['n']:,}",
        ]
        for run in sweep.runs
        for row in run.found.get("reasons", ())
        if row["n"]
    ]  # fmt: skip
    about = (
        "Of greedy answers that are right: steps: a statement such as 3 * 4 = 13 does not hold; execution: written as a "
        "program by the model itself, the text comes to another answer, or a program keeps its answer with other numbers; "
        "judge: a language model says so. Round 0 is the base. The model errs in rewriting, too: compare before and after."
    )
    header = ["arm", "seed", "round", "data set", "method", "looked at by", "% wrong reasons [95%]", "n"]
    return Part("Right answers, wrong reasons", about, [], [Table(header, rows)]) if rows else None


def audit_part(sweep: Sweep) -> Part | None:
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
            numbers = [
                f"{kept:,}",
                f"{wrong:,}",
                *(f"{dropped[key]:,}" for key in ("answer_only", "answer_changed", "unjudged")),
            ]
            rows.append([arm_label(arm, sweep.variant(run)), run.seed, *numbers, f"{unjudged:,}", _decontaminated(run.found)])
    header = [
        "arm", "seed", "examples", "kept solutions with a wrong step", "answer-only dropped", "changed answers dropped",
        "unjudged samples", "unjudged answers", "contamination",
    ]  # fmt: skip
    about = "Right answer, wrong reasoning: a kept solution with a statement such as 3 * 4 = 13 that does not hold."
    return Part("Audit", about, [], [Table(header, rows)])


def _decontaminated(found: Mapping[str, Any]) -> str:
    if found.get("contamination"):
        return contamination_sentence(found["contamination"])
    ngram = found["config"].get("decontaminate")  # runs of earlier versions have no counts
    return "not looked for: disjoint by its make" if ngram is None else f"problems with {ngram} shared words left out"


def contamination_sentence(counts: Mapping[str, int]) -> str:
    """What training problems have in common with those of other splits, as `Contamination.counts` has it."""
    return (
        f"Of {counts['problems']:,} training problems {counts['repeated']:,} stand in other splits too, and "
        f"{counts['templates']:,} are problems of other splits with other numbers; {counts['left_out']:,} were left out."
    )


def paper_part() -> Part:
    """The paper's own numbers, to stand beside ours."""

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


def work_part(sweep: Sweep) -> Part:
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
        ["seeds", ", ".join(sorted({run.seed for run in sweep.runs}, key=natural))],
        ["versions", versions],
        ["commit", ", ".join(sorted({str(run.found["commit"]) for run in sweep.runs}))],
        ["hours of work", f"{sum(seconds.values()) / 3600:.2f}, stages that jobs share counted about once"],
        *([f"… {name}", f"{value / 60:.1f} min"] for name, value in sorted(seconds.items(), key=lambda item: -item[1])[:6]),
        *([f"failed: {failure.name}", without_places(failure.why)] for failure in sweep.failures),
    ]
    jobs = [[run.name, without_places(str(run.folder))] for run in sweep.runs]
    keys = [[key, without_places(json.dumps(value))] for key, value in _flat(config) if key != RUN_NAME]
    tables = [Table(["what", "value"], rows), Table(["job", "folder"], jobs), Table(["key of the first job", "value"], keys)]
    return Part("What was run", "", [], tables)


def without_places(text: str) -> str:
    """A text whose absolute paths are cut to their last names: a page is sent to people whom this machine does not concern."""
    return PLACE.sub(r"…/\1", text)


def _flat(config: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Every value of a configuration under its whole key."""
    for key, value in config.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


def _name(config: Mapping[str, Any], key: str) -> str:
    return str(config.get(key, {}).get("name", "?"))
