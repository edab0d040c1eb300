"""How far a policy's stated confidence can be trusted: reliability, and what is wrong among its surest answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmst.reporting.part import Table, arm_label
from mmst.reporting.policies import label
from mmst.reporting.runs import Sweep

SHARES = (0.25, 0.5, 0.75, 1.0)
"""Of the answers, the surest first."""
HEADER = ("arm", "seed", "policy", "ECE", *(f"% wrong, surest {100 * share:.0f}%" for share in SHARES), "stated: % right (n)")
SURE = 0.9
"""The confidence of the bin that agreed answers are in."""


def confidence_table(sweep: Sweep, dataset: str) -> Table | None:
    """Each policy that states its confidence, in each arm of each run."""
    rows = [
        [arm_label(arm, sweep.variant(run)), str(run.seed), label(name), *_cells(score)]
        for run in sweep.runs
        for arm, scores in run.found.get("policies", {}).get(dataset, {}).items()
        for name, score in scores.items()
        if score.get("bins")
    ]
    note = (
        "Stated: the mean confidence of answers of similar confidence, in percent, and how many of them are right. Surest: a "
        "policy that may leave answers out is wrong so often in those that it keeps."
    )
    return Table(HEADER, rows, note) if rows else None


def agreement_warning(sweep: Sweep) -> str:
    """What agreement was worth on each data set, where it was measured; empty where it was not."""
    found = [
        f"{dataset}, {arm_label(arm, sweep.variant(run))}: {100 * top['accuracy']:.1f}% of {top['n']:,}"
        for run in sweep.runs
        for dataset, by_arm in run.found.get("policies", {}).items()
        for arm, scores in by_arm.items()
        for top in [_surest(scores.get("agreement", {}))]
        if top is not None
    ]
    if not found:
        return ""
    return (
        "Agreement is no evidence by itself: outside the domain that a model was trained on, methods agree on wrong answers. "
        f"Answers that all methods agreed on and that were right: {'; '.join(found)}."
    )


def _surest(score: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The bin of the surest answers, where there are any."""
    return next((row for row in score.get("bins", ()) if row["low"] >= SURE and row["n"]), None)


def _cells(score: Mapping[str, Any]) -> list[str]:
    stated = [f"{100 * row['confidence']:.0f}: {100 * row['accuracy']:.0f} ({row['n']})" for row in score["bins"] if row["n"]]
    return [f"{100 * score['ece']:.1f}", *(_risk(score, share) for share in SHARES), ", ".join(stated)]


def _risk(score: Mapping[str, Any], share: float) -> str:
    """The risk at the first point of the curve that covers so many answers."""
    point = next((row for row in score["coverage"] if row["coverage"] >= share - 1e-9), None)
    return "" if point is None else f"{100 * point['risk']:.1f}"
