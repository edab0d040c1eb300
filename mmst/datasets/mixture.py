"""Several data sets as one."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace

from mmst.errors import ConfigError
from mmst.types import Problem


def mixed(parts: Mapping[str, Sequence[Problem]], weights: Mapping[str, float], seed: int = 0) -> list[Problem]:
    """Problems of the parts in the shares that the weights give, as many as the scarcest part allows; in a random order.

    Ids get their part's name in front; each problem is tagged with it, so that scores are broken down by it.

    Raises:
        ConfigError: the weights are not of the parts, or not above 0.
    """
    if set(parts) != set(weights) or not parts or min(weights.values()) <= 0:
        raise ConfigError(f"dataset.weights={dict(weights)} must name the parts {', '.join(parts)} with weights above 0.")
    total = min(len(problems) / weights[name] for name, problems in parts.items())
    rng = random.Random(seed)
    chosen: list[Problem] = []
    for name, problems in parts.items():
        drawn = rng.sample(list(problems), int(total * weights[name]))
        chosen += [_of_part(problem, name) for problem in drawn]
    rng.shuffle(chosen)
    return chosen


def part(problems: Sequence[Problem], start: int = 0, stop: int | None = None) -> list[Problem]:
    """Some of a split's problems, by their places: what a data set without a validation split is divided by."""
    return list(problems)[start:stop]


def joined(parts: Mapping[str, Sequence[Problem]]) -> list[Problem]:
    """All problems of the parts, one part after the other; a question that comes again is left out.

    Ids and tags are those of `mixed`.
    """
    seen: set[str] = set()
    chosen: list[Problem] = []
    for name, problems in parts.items():
        for problem in problems:
            if problem.question not in seen:
                seen.add(problem.question)
                chosen.append(_of_part(problem, name))
    return chosen


def _of_part(problem: Problem, name: str) -> Problem:
    return replace(problem, id=f"{name}/{problem.id}", tags=(*problem.tags, f"family:{name}"))
