"""Choosing among methods problem by problem: as rows of the results and of tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rich.markup import escape
from rich.table import Table as Printed

from mmst.rounds import ArmResult

BOUND = "oracle"
"""Its row is that of `either` already."""
LABELS = {
    "one": "one method, by training",
    "logprob": "likelier answer",
    "router": "routed",
    "router_hidden": "routed by hidden state",
    "agreement": "agreement, then vote",
    "select": "picked by the model",
    "verifier": "best by the verifier",
}
"""How policies are called in tables; others by their names."""


HEADER = ("arm", "policy", "% right [95%]", "tokens", "read", "ECE", "over", "points [95%]", "p (Holm)", "n")
SMALLEST_P = 0.0001


def policy_results(final: Mapping[str, ArmResult], sets: Sequence[str]) -> dict[str, Any]:
    """Scores by data set, arm and policy; comparisons with the best single method; and what is missing, by policy."""
    tables = {name: {arm: result.measured[name].policies for arm, result in final.items()} for name in sets}
    return {
        "policies": {
            name: {arm: {policy: asdict(score) for policy, score in table.scores.items()} for arm, table in by_arm.items()}
            for name, by_arm in tables.items()
        },
        "policy_comparisons": {
            name: [
                {"arm": arm, "by_training": table.single_by_training, **asdict(row)}
                for arm, table in by_arm.items()
                for row in table.comparisons
            ]
            for name, by_arm in tables.items()
        },
        "policies_missing": {
            arm: {policy: words for name in sets for policy, words in tables[name][arm].missing.items()} for arm in final
        },
    }


def label(policy: str) -> str:
    """A policy's name in tables."""
    return LABELS.get(policy, policy)


def policy_rows(found: Mapping[str, Any], dataset: str) -> dict[str, dict[str, Mapping[str, Any]]]:
    """Label -> arm -> score, for the accuracy table; without the bound, which is `either`."""
    by_arm = found.get("policies", {}).get(dataset, {})
    names = dict.fromkeys(name for scores in by_arm.values() for name in scores if name != BOUND)
    return {label(name): {arm: scores[name] for arm, scores in by_arm.items() if name in scores} for name in names}


def policy_tables(found: Mapping[str, Any], datasets: Sequence[str]) -> list[Printed]:
    """To print: accuracy against tokens, calibration, and the difference from the best single method, by data set."""
    return [_printed(rows, dataset) for dataset in datasets if (rows := table_rows(found, dataset))]


def _printed(rows: Sequence[Sequence[str]], dataset: str) -> Printed:
    table = Printed(title=f"choosing among methods problem by problem, {dataset} (points over the best single method, paired)")
    for place, name in enumerate(HEADER):
        table.add_column(name, justify="left" if place < 2 else "right")
    for row in rows:
        table.add_row(*map(escape, row))
    return table


def missing_sentences(found: Mapping[str, Any]) -> list[str]:
    """What policies lack, once for all arms that lack it."""
    arms: dict[str, list[str]] = {}
    for arm, by_policy in found.get("policies_missing", {}).items():
        for words in by_policy.values():
            arms.setdefault(words, []).append(arm)
    return [f"left out for {', '.join(dict.fromkeys(names))}: {words}" for words, names in arms.items()]


def table_rows(found: Mapping[str, Any], dataset: str) -> list[list[str]]:
    """What each policy is worth on a data set, as texts under `HEADER`."""
    by_arm = found.get("policies", {}).get(dataset, {})
    tests = {(row["arm"], row["policy"]): row for row in found.get("policy_comparisons", {}).get(dataset, [])}
    return [
        [arm, label(name), *_score_cells(score), *_test_cells(tests.get((arm, name))), str(score["n"])]
        for arm, scores in by_arm.items()
        for name, score in scores.items()
    ]


def _score_cells(score: Mapping[str, Any]) -> list[str]:
    share = (
        f"{100 * score['accuracy']:.1f} [{100 * score['low']:.1f}, {100 * score['high']:.1f}]" if score["n"] else "none judged"
    )
    read = f"{score['prompt_tokens']:.0f}" if "prompt_tokens" in score else ""  # runs of earlier versions do not have it
    return [share, f"{score['tokens']:.0f}", read, "" if score["ece"] is None else f"{100 * score['ece']:.1f}"]


def _test_cells(row: Mapping[str, Any] | None) -> list[str]:
    if row is None:
        return ["", "", ""]
    points = f"{100 * row['difference']:+.1f} [{100 * row['low']:+.1f}, {100 * row['high']:+.1f}]"
    return [
        row["against"] + ("" if row["by_training"] else "*"),
        points,
        f"{row['p_holm']:.2g}" if row["p_holm"] >= SMALLEST_P else f"<{SMALLEST_P}",
    ]
