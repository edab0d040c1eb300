"""A run's results: as plain data, as files, and as a table in the terminal."""

from __future__ import annotations

import csv
import io
import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from math import isnan
from pathlib import Path
from statistics import fmean
from typing import Any

from rich.table import Table

from mmst.ledger.files import atomic_write
from mmst.ledger.ledger import Ledger
from mmst.pipeline import ProblemSet
from mmst.reporting.flips import flip_results
from mmst.reporting.plot import accuracy_plot
from mmst.reporting.policies import missing_sentences, policy_results, policy_rows, policy_tables
from mmst.reporting.power import power_sentence
from mmst.reporting.progress import CONSOLE
from mmst.rounds import ArmResult, final_results
from mmst.stages.evaluate import EITHER, MethodPair, compare, score, scores_by_tag
from mmst.statistics.agreement import Agreement
from mmst.types import Problem, Score

RESULTS = "results.json"
FORMAT = 3
HEAD = "test"
"""The data set of the main table."""
TAG = "family"
"""The tag that scores are broken down by."""
PACKAGES = ("mmst", "torch", "transformers", "lightning")
OUTCOMES = "outcomes.parquet"
"""Whether each arm solved each problem, in every round: what further comparisons start from."""


def run_results(
    results: Sequence[ArmResult],
    pairs: Sequence[tuple[str, str]],
    test_sets: Sequence[ProblemSet],
    ledger: Ledger,
    config: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """All that a run found, as JSON's own types. All but `rounds`, `labels` and `correlations` is of the last round."""
    final = final_results(results)
    problems = {problem_set.name: problem_set.problems for problem_set in test_sets}
    head = HEAD if HEAD in problems else next(iter(problems))
    by_set = {name: _set_results(final, pairs, name, problems[name]) for name in problems}
    return {
        "format": FORMAT,
        "config": dict(config or {}),
        "versions": {name: version(name) for name in PACKAGES},
        "commit": _commit(),
        "dataset": head,
        **by_set[head],
        "heldout": {name: table for name, table in by_set.items() if name != head},
        "rounds": [_round_results(result, head) for result in results],
        "counts": {
            arm: {edge: asdict(tally) for edge, tally in result.examples.counts.items()}
            for arm, result in final.items()
            if result.examples
        },
        **policy_results(final, list(problems)),
        "flips": {name: flip_results({arm: result.outcomes[name] for arm, result in final.items()}) for name in problems},
        "labels": [row for result in results for row in _label_rows(result)],
        "correlations": [row for result in results for row in _correlation_rows(result)],
        "seconds": _seconds(ledger),
        "ledger": {"root": str(ledger.root), "stages": [stage.folder.name for stage in ledger.used]},
    }


def _set_results(
    final: Mapping[str, ArmResult], pairs: Sequence[tuple[str, str]], name: str, problems: Sequence[Problem]
) -> dict[str, Any]:
    """Every arm on one data set."""
    outcomes = {arm: result.outcomes[name] for arm, result in final.items()}
    return {
        "arms": {arm: _scores(by_method) for arm, by_method in outcomes.items()},
        "comparisons": [asdict(row) for row in compare(outcomes, pairs)],
        "families": {
            arm: {method: _plain(scores_by_tag(row, problems, TAG)) for method, row in by_method.items()}
            for arm, by_method in outcomes.items()
        },
        "verdicts": {arm: result.measured[name].verdicts for arm, result in final.items()},
        "pairs": [{"arm": arm, **_plain_pair(pair)} for arm, result in final.items() for pair in result.measured[name].pairs],
        "sampled": [{"arm": arm, **asdict(row)} for arm, result in final.items() for row in result.measured[name].sampled],
    }


def _round_results(result: ArmResult, head: str) -> dict[str, Any]:
    return {
        "arm": result.arm,
        "round": result.round,
        "scores": _scores(result.outcomes[head]),
        "examples": len(result.examples.examples) if result.examples else 0,
        "checkpoint": str(result.checkpoint.path),
        "checkpoint_key": result.checkpoint.key,
    }


def _label_rows(result: ArmResult) -> list[dict[str, Any]]:
    """How good the labels of an arm's round were, and how diverse the samples that they come from."""
    if not result.examples:
        return []
    return [
        {
            "arm": result.arm,
            "round": result.round,
            "method": method,
            **asdict(found),
            **{f"samples_{name}": value for name, value in asdict(result.examples.health[method]).items()},
        }
        for method, found in result.examples.labels.items()
    ]


def _correlation_rows(result: ArmResult) -> list[dict[str, Any]]:
    rows = result.examples.correlations if result.examples else []
    return [
        {"arm": result.arm, "round": result.round, "where": row.where, "a": row.a, "b": row.b, **_plain_table(row.table)}
        for row in rows
    ]


def _plain_pair(pair: MethodPair) -> dict[str, Any]:
    return {**asdict(pair), "table": _plain_table(pair.table)}


def _plain_table(table: Agreement) -> dict[str, Any]:
    """A table whose phi, where it is none, is null: JSON knows no NaN."""
    return {**asdict(table), "phi": None if isnan(table.phi) else table.phi, "n": table.n}


def tables_of(found: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Data set -> what was found on it; the main one comes first."""
    return {found["dataset"]: found, **found["heldout"]}


def mean_accuracy(found: Mapping[str, Any], arm: str) -> float:
    """An arm's accuracy on the main data set, on the mean of its methods."""
    return fmean(score["accuracy"] for method, score in found["arms"][arm].items() if method != EITHER)


def write_results(found: Mapping[str, Any], folder: Path) -> Path:
    """Write `results.json`, `results.csv`, `results.parquet` and `accuracy.png`; returns the first one's path."""
    path = folder / RESULTS
    atomic_write(folder / "results.parquet", table_bytes(_score_rows(found)))
    atomic_write(folder / "results.csv", _csv(found).encode())
    atomic_write(folder / "accuracy.png", accuracy_plot(found["arms"]))
    atomic_write(path, json.dumps(found, indent=1).encode() + b"\n")
    return path


def print_results(found: Mapping[str, Any], title: str) -> None:
    """The tables: accuracy by method and arm, differences, held-out families, and counts by edge."""
    for name, table in tables_of(found).items():
        head = title if name == found["dataset"] else f"{title}, {name}"
        _show(accuracy_table(table["arms"], head, policy_rows(found, name)))
        if table["comparisons"]:
            _show(comparison_table(table["comparisons"]))
            _say(power_sentence(table["comparisons"]))
    for chosen in policy_tables(found, list(tables_of(found))):
        _show(chosen)
    for sentence in missing_sentences(found):
        _say(sentence)
    for name, table in tables_of(found).items():
        if table["sampled"]:
            _show(sampled_table(table["sampled"], name))
        if table["pairs"]:
            _show(pairs_table(table["pairs"], name))
    if found["counts"]:
        _show(counts_table(found["counts"]))
    if found["labels"]:
        _show(labels_table(found["labels"]))


def accuracy_table(
    arms: Mapping[str, Mapping[str, Mapping[str, Any]]],
    title: str,
    policies: Mapping[str, Mapping[str, Mapping[str, Any]]] | None = None,
) -> Table:
    """Methods down, then policies, arms across: accuracy with its 95% interval."""
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
    for policy, scores in (policies or {}).items():
        table.add_row(policy, *(_cell(scores[arm]) if arm in scores else "-" for arm in arms))
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


def sampled_table(rows: Sequence[Mapping[str, Any]], name: str) -> Table:
    """What several samples of a problem are worth: metrics down, arms across."""
    n = "-".join(map(str, dict.fromkeys(f([row["n"] for row in rows]) for f in (min, max))))
    table = Table(title=f"several samples a problem, {name} (% right [95% interval over problems], n = {n})")
    arms = list(dict.fromkeys(row["arm"] for row in rows))
    for column in ("method", "metric", *arms):
        table.add_column(column, justify="right" if column in arms else "left")
    cells = {(row["arm"], row["method"], row["metric"]): row for row in rows}
    for method, metric in dict.fromkeys((row["method"], row["metric"]) for row in rows):
        found = [cells[arm, method, metric] for arm in arms]
        table.add_row(method, metric, *(_cell({**cell, "accuracy": cell["value"]}) for cell in found))
    return table


def pairs_table(rows: Sequence[Mapping[str, Any]], name: str) -> Table:
    """How methods hang together: who is right where, phi, and how often they agree."""
    table = Table(title=f"methods on the same problems, {name} (greedy; phi below 0: they fail on different problems)")
    columns = ("both right", "only the first", "only the second", "neither", "phi [95%]", "% same answer", "% right then")
    for column in ("arm", "methods", *columns):
        table.add_column(column, justify="right" if column in columns else "left")
    for row in rows:
        cells = row["table"]
        counts = [str(cells[key]) for key in ("both", "only_a", "only_b", "neither")]
        shares = [f"{_cell(row[key])} of {row[key]['n']}" if row[key]["n"] else "-" for key in ("agree", "right_when_agree")]
        table.add_row(row["arm"], f"{row['a']}, {row['b']}", *counts, phi_text(cells), *shares)
    return table


def phi_text(cells: Mapping[str, Any]) -> str:
    """Phi with its interval."""
    return "-" if cells["phi"] is None else f"{cells['phi']:+.2f} \\[{cells['low']:+.2f}, {cells['high']:+.2f}]"


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


def _say(sentence: str) -> None:
    CONSOLE.print(sentence, markup=False, soft_wrap=True)


def _scores(outcomes: Mapping[str, Mapping[str, bool | None]]) -> dict[str, Any]:
    return {method: asdict(score(by_problem)) for method, by_problem in outcomes.items()}


def _plain(scores: Mapping[str, Score]) -> dict[str, Any]:
    return {name: asdict(value) for name, value in scores.items()}


def _commit() -> str | None:
    """The commit that mmst is run from, with `-dirty` where files differ from it; None outside a git checkout."""
    root = Path(__file__).parents[2]
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=7", "--exclude=*"]
    if not (root / ".git").exists():
        return None
    try:
        found = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.strip() or None


def _seconds(ledger: Ledger) -> dict[str, float]:
    """Wall-clock seconds of work by stage; a stage that was found done counts what it took when it was made."""
    seconds: dict[str, float] = {}
    for stage in ledger.used:
        seconds[stage.name] = round(seconds.get(stage.name, 0.0) + stage.seconds, 2)
    return seconds


def write_outcomes(results: Sequence[ArmResult], folder: Path) -> None:
    """Write `outcomes.parquet`: a row for each arm, round, data set, method and problem."""
    rows = [
        {"arm": r.arm, "round": r.round, "dataset": name, "method": method, "problem": problem, "right": right}
        for r in results
        for name, by_method in r.outcomes.items()
        for method, by_problem in by_method.items()
        for problem, right in by_problem.items()
    ]
    atomic_write(folder / OUTCOMES, table_bytes(rows))


def table_bytes(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Rows as a Parquet file."""
    import pyarrow
    import pyarrow.parquet

    sink = pyarrow.BufferOutputStream()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(list(rows)), sink)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def _score_rows(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every score as a row: whole data sets under the tag "", each family under its own; pass@k and maj@k by their metric."""
    rows = []
    for name, table in tables_of(found).items():
        for arm, scores in table["arms"].items():
            for method, whole in scores.items():
                for tag, s in {"": whole, **table["families"][arm][method]}.items():
                    rows.append({"dataset": name, "arm": arm, "method": method, "metric": "accuracy", "tag": tag, **s})
        for row in table["sampled"]:
            own = {key: row[key] for key in ("arm", "method", "metric", "n", "low", "high")}
            rows.append({"dataset": name, **own, "tag": "", "accuracy": row["value"], "unjudged": None})
    return rows


def _csv(found: Mapping[str, Any]) -> str:
    text = io.StringIO()
    rows = csv.DictWriter(
        text, ["dataset", "arm", "method", "metric", "tag", "accuracy", "n", "low", "high", "unjudged"], lineterminator="\n"
    )
    rows.writeheader()
    rows.writerows(_score_rows(found))
    return text.getvalue()


def _cell(cell: Mapping[str, Any]) -> str:
    return f"{100 * cell['accuracy']:.1f} \\[{100 * cell['low']:.1f}, {100 * cell['high']:.1f}]"


def _p(p: float) -> str:
    return f"{p:.2g}" if p >= 0.0001 else "<0.0001"
