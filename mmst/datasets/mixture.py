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
        chosen += [replace(p, id=f"{name}/{p.id}", tags=(*p.tags, f"family:{name}")) for p in drawn]
    rng.shuffle(chosen)
    return chosen
