"""Gains and losses by what the base had right, as rows of the results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import combinations
from typing import Any

from mmst.filters.rules import is_withheld
from mmst.methods.edge import BASE_ARM
from mmst.stages.evaluate import EITHER, Outcomes
from mmst.statistics.flips import flip_contrasts, flips, near_and_far


def flip_results(
    outcomes: Mapping[str, Mapping[str, Outcomes]], withheld: float | None = None
) -> dict[str, list[dict[str, Any]]]:
    """The rows of every arm and method, and of each pair of arms; none where the base or a second method is not there.

    withheld: the share of these problems whose translations were left out of training; None where none was trained on.
    """
    methods = [method for method in outcomes.get(BASE_ARM, {}) if method != EITHER]
    arms = [arm for arm in outcomes if arm != BASE_ARM]
    if len(methods) < 2:
        return {"arms": [], "contrasts": [], "near_far": []}
    found: dict[str, list[dict[str, Any]]] = {"arms": [], "contrasts": [], "near_far": []}
    for method in methods:
        for arm in arms:
            ids, this, other, (after,) = _known(outcomes, method, methods, [arm])
            found["arms"] += [{"arm": arm, "method": method, **asdict(row)} for row in flips(this, other, after)]
            if withheld:
                far = [is_withheld(id, withheld) for id in ids]
                rows = near_and_far(this, other, after, far)
                found["near_far"] += [{"arm": arm, "method": method, **asdict(row)} for row in rows]
        for a, b in combinations(arms, 2):
            _, this, other, (first, second) = _known(outcomes, method, methods, [a, b])
            contrasts = flip_contrasts(this, other, first, second)
            found["contrasts"] += [{"a": a, "b": b, "method": method, **asdict(row)} for row in contrasts]
    return found


def _known(
    outcomes: Mapping[str, Mapping[str, Outcomes]], method: str, methods: Sequence[str], arms: Sequence[str]
) -> tuple[list[str], list[bool], list[bool], list[list[bool]]]:
    """The ids, the base's outcome, some other method's, and the arms', on the problems on which all of these are judged."""
    base = outcomes[BASE_ARM]
    rest = [base[name] for name in methods if name != method]
    rows = [base[method], *rest, *(outcomes[arm][method] for arm in arms)]
    shared = [id for id in base[method] if all(row.get(id) is not None for row in rows)]
    other = [any(row[id] for row in rest) for id in shared]
    return (
        shared,
        [bool(base[method][id]) for id in shared],
        other,
        [[bool(outcomes[arm][method][id]) for id in shared] for arm in arms],
    )
