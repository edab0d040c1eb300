"""Answers of the kind `choosing`: policies of the untrained base against a trained arm (`mmst.reporting.headline`)."""

from __future__ import annotations

from statistics import fmean, stdev
from typing import Any

from mmst.methods.edge import BASE_ARM
from mmst.reporting.arms import Cell
from mmst.reporting.effects import Effect
from mmst.reporting.policies import label
from mmst.reporting.question import Answer, Compared, Question, by_sign, capital, with_power
from mmst.statistics.intervals import difference_interval, seeds_interval
from mmst.statistics.paired import mean_p
from mmst.statistics.power import smallest_mean

SINGLE = "one"
"""The policy of a trained arm that the base's are compared with: its best single method, by the training problems' verdicts."""


def choosing_answer(asked: Question) -> Answer | None:
    """Each policy that the sweep asks about, on the untrained base, against the trained arm by its best single method."""
    trained = (asked.sweep.settings.get("contrast") or ("",))[-1]
    rows = []
    for policy in asked.sweep.settings.get("policies") or ():
        found = _difference(asked, policy, trained)
        if found is not None:
            rows.append(Compared(f"{BASE_ARM} by {label(policy)} - {trained} by one method", found, BASE_ARM))
    if not rows:
        return None
    names = {row.label: row.label.partition(" - ")[0] for row in rows}
    against = f"{trained} by its best single method"
    clauses = by_sign(rows, names, f"worth more than {against}", f"worth less than {against}")
    signs = {row.effect.sign for row in rows}
    word = asked.yes_no(1) if signs <= {0, 1} and 1 in signs else asked.yes_no(-1) if signs == {-1} else ""
    seeds, n = len(rows[0].effect.cell.by_seed), rows[0].effect.cell.n
    sentence = f"{word}{clauses} (points, {seeds} {'seeds' if seeds > 1 else 'seed'}, n = {n:,})."
    return Answer(with_power([capital(sentence)], rows), "difference", rows)


def _difference(asked: Question, policy: str, trained: str) -> Effect | None:
    """Over seeds; of a single one, by the interval of independent groups, since answers are not paired in what is kept."""
    pairs: list[tuple[Any, Any]] = []
    for run in asked.sweep.runs:
        tables = run.found.get("policies", {}).get(asked.dataset, {})
        ours, theirs = tables.get(BASE_ARM, {}).get(policy), tables.get(trained, {}).get(SINGLE)
        if ours and theirs and ours["n"] and theirs["n"]:
            pairs.append((ours, theirs))
    if not pairs:
        return None
    by_seed = tuple(ours["accuracy"] - theirs["accuracy"] for ours, theirs in pairs)
    n = sum(ours["n"] for ours, _ in pairs)
    if len(set(by_seed)) > 1:
        low, high = seeds_interval(by_seed)
        visible, p = smallest_mean(stdev(by_seed), len(by_seed)), mean_p(by_seed)
    else:
        (ours, theirs), visible, p = pairs[0], None, None
        counts = [value for row in (ours, theirs) for value in (round(row["accuracy"] * row["n"]), row["n"])]
        low, high = difference_interval(*counts)
    return Effect(Cell(fmean(by_seed), max(-1.0, low), min(1.0, high), n, 0, by_seed), visible, p)
