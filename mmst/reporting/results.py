"""A run's results: as plain data, as files, and as a table in the terminal."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.table import Table

from mmst.ledger.files import atomic_write
from mmst.ledger.ledger import Ledger
from mmst.pipeline import ProblemSet
from mmst.reporting.plot import accuracy_plot
from mmst.reporting.progress import CONSOLE
from mmst.rounds import ArmResult, final_results
from mmst.stages.evaluate import compare, score, scores_by_tag
from mmst.types import Score

RESULTS = "results.json"
FORMAT = 1
HEAD = "test"
"""The data set of the main table."""


def run_results(
    results: Sequence[ArmResult], pairs: Sequence[tuple[str, str]], test_sets: Sequence[ProblemSet], ledger: Ledger
) -> dict[str, Any]:
    """All that a run found, as JSON's own types. `arms`, `comparisons` and `counts` are of the last round."""
    final = final_results(results)
    problems = {problem_set.name: problem_set.problems for problem_set in test_sets}
    head = HEAD if HEAD in problems else next(iter(problems))
    by_set = {
        name: {
            "arms": {arm: _scores(result.outcomes[name]) for arm, result in final.items()},
            "comparisons": [asdict(row) for row in compare({arm: r.outcomes[name] for arm, r in final.items()}, pairs)],
        }
        for name in problems
    }
    return {
        "format": FORMAT,
        "dataset": head,
        **by_set[head],
        "heldout": {name: table for name, table in by_set.items() if name != head},
        "families": {
            arm: {m: _plain(scores_by_tag(o, problems[head], "family")) for m, o in result.outcomes[head].items()}
            for arm, result in final.items()
        },
        "rounds": [
            {"arm": r.arm, "round": r.round, "scores": _scores(r.outcomes[head]), "checkpoint": str(r.checkpoint.path)}
            for r in results
        ],
        "counts": {
            arm: {edge: asdict(tally) for edge, tally in result.examples.counts.items()}
            for arm, result in final.items()
            if result.examples
        },
        "labels": [
            {
                "arm": r.arm,
                "round": r.round,
                "method": method,
                **asdict(found),
                **{f"samples_{name}": value for name, value in asdict(r.examples.health[method]).items()},
            }
            for r in results
            if r.examples
            for method, found in r.examples.labels.items()
        ],
        "seconds": _seconds(ledger),
        "ledger": [stage.folder.name for stage in ledger.used],
    }


def write_results(found: Mapping[str, Any], folder: Path) -> Path:
    """Write `results.json`, `results.csv` and, where there are arms, `accuracy.png`; returns the first one's path."""
    path = folder / RESULTS
    atomic_write(folder / "results.csv", _csv(found).encode())
    atomic_write(folder / "accuracy.png", accuracy_plot(found["arms"]))
    atomic_write(path, json.dumps(found, indent=1).encode() + b"\n")
    return path


def print_results(found: Mapping[str, Any], title: str) -> None:
    """The tables: accuracy by method and arm, differences, held-out families, and counts by edge."""
    _show(accuracy_table(found["arms"], title))
    if found["comparisons"]:
        _show(comparison_table(found["comparisons"]))
    for name, table in found["heldout"].items():
        _show(accuracy_table(table["arms"], f"{title}, {name}"))
    if found["counts"]:
        _show(counts_table(found["counts"]))
    if found["labels"]:
        _show(labels_table(found["labels"]))


def accuracy_table(arms: Mapping[str, Mapping[str, Mapping[str, Any]]], title: str) -> Table:
    """Methods down, arms across: accuracy with its 95% interval."""
    first = next(iter(arms.values()))
    sizes = sorted({cell["n"] for scores in arms.values() for cell in scores.values()})
    unjudged = sum(cell["unjudged"] for scores in arms.values() for m, cell in scores.items() if m != "either")
    n = "-".join(map(str, dict.fromkeys((sizes[0], sizes[-1]))))
    table = Table(title=f"{title} (% right [95% interval], n = {n}, unjudged {unjudged})")
    table.add_column("method")
    for arm in arms:
        table.add_column(arm, justify="right")
    for method in first:
        table.add_row(method, *(_cell(arms[arm][method]) for arm in arms))
    return table


def comparison_table(comparisons: Sequence[Mapping[str, Any]]) -> Table:
    """Paired differences in points."""
    table = Table(
        title="paired differences on the same problems (points [95% interval], McNemar's exact p)", title_justify="left"
    )
    for name in ("method", "arms", "difference", "p", "p (Holm)", "n"):
        table.add_column(name, justify="left" if name in ("method", "arms") else "right")
    for row in comparisons:
        difference = f"{100 * row['difference']:+.1f} [{100 * row['low']:+.1f}, {100 * row['high']:+.1f}]"
        table.add_row(row["method"], f"{row['b']} - {row['a']}", difference, _p(row["p"]), _p(row["p_holm"]), str(row["n"]))
    return table


def counts_table(counts: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Table:
    """What became of the samples, by arm and edge."""
    table = Table(title="from samples to examples")
    columns = ("samples", "pseudo_labels", "translations", "verified", "examples")
    for name in ("arm", "edge", *columns, "dropped"):
        table.add_column(name.replace("_", "-"), justify="right" if name in columns else "left")
    for arm, edges in counts.items():
        for edge, tally in edges.items():
            dropped = ", ".join(f"{reason} {count}" for reason, count in sorted(tally["dropped"].items()))
            if tally["wrong_steps"]:
                dropped += f"; kept with a wrong step: {tally['wrong_steps']}"
            table.add_row(arm, edge, *(str(tally[column]) if tally[column] else "-" for column in columns), dropped)
    return table


def labels_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """How many problems have a label, how many labels are right, and how diverse the samples are that they come from."""
    table = Table(title="labels, and the samples they come from, by arm and round")
    for name in ("arm", "round", "method", "labelled", "right labels", "right samples", "bits a problem", "distinct"):
        table.add_column(name, justify="left" if name in ("arm", "method") else "right")
    for row in rows:
        table.add_row(
            row["arm"],
            str(row["round"]),
            row["method"],
            f"{row['labelled']} of {row['problems']}",
            f"{100 * row['right'] / row['known']:.1f}% of {row['known']}" if row["known"] else "-",
            f"{100 * row['samples_right']:.1f}%",
            f"{row['samples_entropy']:.2f}",
            f"{100 * row['samples_distinct']:.0f}%",
        )
    return table


def _show(table: Table) -> None:
    """A table under its title; rich would fold the title to the table's width."""
    title, table.title = table.title, None
    CONSOLE.print(f"\n{title}", markup=False, soft_wrap=True)
    CONSOLE.print(table)


def _scores(outcomes: Mapping[str, Mapping[str, bool | None]]) -> dict[str, Any]:
    return {method: asdict(score(by_problem)) for method, by_problem in outcomes.items()}


def _plain(scores: Mapping[str, Score]) -> dict[str, Any]:
    return {name: asdict(value) for name, value in scores.items()}


def _seconds(ledger: Ledger) -> dict[str, float]:
    """Wall-clock seconds of work by stage; a stage that was found done counts what it took when it was made."""
    seconds: dict[str, float] = {}
    for stage in ledger.used:
        seconds[stage.name] = round(seconds.get(stage.name, 0.0) + stage.seconds, 2)
    return seconds


def _csv(found: Mapping[str, Any]) -> str:
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["dataset", "arm", "method", "accuracy", "n", "low", "high", "unjudged"])
    tables = {found["dataset"]: found["arms"], **{name: table["arms"] for name, table in found["heldout"].items()}}
    for name, arms in tables.items():
        for arm, scores in arms.items():
            for method, s in scores.items():
                rows.writerow([name, arm, method, s["accuracy"], s["n"], s["low"], s["high"], s["unjudged"]])
    return text.getvalue()


def _cell(cell: Mapping[str, Any]) -> str:
    return f"{100 * cell['accuracy']:.1f} \\[{100 * cell['low']:.1f}, {100 * cell['high']:.1f}]"


def _p(p: float) -> str:
    return f"{p:.2g}" if p >= 0.0001 else "<0.0001"
