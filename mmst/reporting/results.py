"""A run's results: as plain data, and as files."""

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

from mmst.ledger.files import atomic_write
from mmst.ledger.ledger import Ledger
from mmst.pipeline import ProblemSet
from mmst.reporting.costs import cost_results
from mmst.reporting.flips import flip_results
from mmst.reporting.plot import accuracy_plot
from mmst.reporting.policies import policy_results
from mmst.rounds import ArmResult, final_results
from mmst.stages.evaluate import EITHER, MethodPair, compare, judgeable, score, scores_by_tag
from mmst.statistics.agreement import Agreement
from mmst.types import GradedSample, Problem, Score

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a cell that spreadsheets compute begins with."""
RESULTS = "results.json"
FORMAT = 3
HEAD = "test"
"""The data set of the main table."""
TRAINED_ON = "train"
"""The data set of the problems that arms were trained on, where these are measured too."""
TAG = "family"
"""The tag that scores are broken down by."""
PACKAGES = ("mmst", "torch", "transformers", "lightning")
OUTCOMES = "outcomes.parquet"
"""Whether each arm solved each problem, in every round, and what it answered: what further comparisons start from."""


def run_results(
    results: Sequence[ArmResult],
    pairs: Sequence[tuple[str, str]],
    test_sets: Sequence[ProblemSet],
    ledger: Ledger,
    config: Mapping[str, Any] | None = None,
    withheld: float = 0.0,
) -> dict[str, Any]:
    """All that a run found, as JSON's own types. All but `rounds`, `labels` and `correlations` is of the last round.

    withheld: the share of the training problems whose translations were left out of training.
    """
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
        "rounds": [_round_results(result, head, problems[head]) for result in results],
        "counts": {
            arm: {edge: asdict(tally) for edge, tally in result.examples.counts.items()}
            for arm, result in final.items()
            if result.examples
        },
        **policy_results(final, list(problems)),
        "flips": {
            name: flip_results(
                {arm: result.outcomes[name] for arm, result in final.items()}, withheld if name == TRAINED_ON else None
            )
            for name in problems
        },
        "costs": cost_results(results),
        "labels": [row for result in results for row in _label_rows(result)],
        "correlations": [row for result in results for row in _correlation_rows(result)],
        "reasons": [
            {"arm": result.arm, "round": result.round, "dataset": name, **asdict(rate)}
            for result in results
            for name, measured in result.measured.items()
            for rate in measured.reasons
        ],
        "collapse": [asdict(sign) for result in results for sign in result.collapses],
        "seconds": _seconds(ledger),
        "ledger": {"root": str(ledger.root), "stages": [stage.folder.name for stage in ledger.used]},
    }


def _set_results(
    final: Mapping[str, ArmResult], pairs: Sequence[tuple[str, str]], name: str, problems: Sequence[Problem]
) -> dict[str, Any]:
    """Every arm on one data set. Where no problem has a gold answer, accuracies are null."""
    outcomes = {arm: _judgeable(result.outcomes[name], problems) for arm, result in final.items()}
    return {
        "gold": {"problems": len(problems), "known": sum(problem.has_gold for problem in problems)},
        "arms": {arm: _scores(by_method) for arm, by_method in outcomes.items()},
        "comparisons": [asdict(row) for row in compare(outcomes, pairs)],
        "families": {
            arm: {method: _plain(scores_by_tag(row, problems, TAG)) for method, row in by_method.items()}
            for arm, by_method in outcomes.items()
        },
        "verdicts": {arm: result.measured[name].verdicts for arm, result in final.items()},
        "judge_agreement": {arm: found for arm, result in final.items() if (found := result.measured[name].judge_agreement)},
        "pairs": [{"arm": arm, **_plain_pair(pair)} for arm, result in final.items() for pair in result.measured[name].pairs],
        "sampled": [
            {"arm": arm, **asdict(row)} for arm, result in final.items() for row in result.measured[name].sampled if row.n
        ],
    }


def _judgeable(
    outcomes: Mapping[str, Mapping[str, bool | None]], problems: Sequence[Problem]
) -> dict[str, Mapping[str, bool | None]]:
    by_id = {problem.id: problem for problem in problems}
    return {method: judgeable(by_problem, by_id) for method, by_problem in outcomes.items()}


def _round_results(result: ArmResult, head: str, problems: Sequence[Problem]) -> dict[str, Any]:
    return {
        "arm": result.arm,
        "round": result.round,
        "scores": _scores(_judgeable(result.outcomes[head], problems)),
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


def mean_accuracy(found: Mapping[str, Any], arm: str) -> float | None:
    """An arm's accuracy on the main data set, on the mean of its methods; None where some method's is not known."""
    single = [score["accuracy"] for method, score in found["arms"][arm].items() if method != EITHER]
    return None if None in single else fmean(single)


def write_results(found: Mapping[str, Any], folder: Path) -> Path:
    """Write `results.json`, `results.csv`, `results.parquet` and `accuracy.png`; returns the first one's path."""
    path = folder / RESULTS
    atomic_write(folder / "results.parquet", table_bytes(_score_rows(found)))
    atomic_write(folder / "results.csv", _csv(found).encode())
    atomic_write(folder / "accuracy.png", accuracy_plot(found["arms"]))
    atomic_write(path, json.dumps(found, indent=1).encode() + b"\n")
    return path


def _scores(outcomes: Mapping[str, Mapping[str, bool | None]]) -> dict[str, Any]:
    return {method: _cell(score(by_problem)) for method, by_problem in outcomes.items()}


def _cell(found: Score) -> dict[str, Any]:
    """A score; of no judged problem it has no numbers."""
    return {**asdict(found), **({} if found.n else {"accuracy": None, "low": None, "high": None})}


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
    """Write `outcomes.parquet`: a row for each arm, round, data set, method and problem, with the greedy answer."""
    rows = [
        {"arm": r.arm, "round": r.round, "dataset": name, "method": method, "problem": problem, "right": right}
        | _answer_row(measured.given.get(method, {}).get(problem))
        for r in results
        for name, measured in r.measured.items()
        for method, by_problem in measured.outcomes.items()
        for problem, right in by_problem.items()
    ]
    atomic_write(folder / OUTCOMES, table_bytes(rows))


def _answer_row(row: GradedSample | None) -> dict[str, str | None]:
    """What was answered; nothing for `either`, which answers nothing itself."""
    if row is None:
        return {"answer": None, "verdict": None, "completion": None}
    return {"answer": row.answer, "verdict": row.verdict.value, "completion": row.sample.completion}


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
    rows.writerows({key: _written(value) for key, value in row.items()} for row in _score_rows(found))
    return text.getvalue()


def _written(value: Any) -> Any:
    """A name that a spreadsheet would take for a formula, behind an apostrophe."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value
