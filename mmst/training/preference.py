"""The losses of objectives that set right solutions against wrong ones, from log-probabilities of whole completions.

Shapes: U units (a pair, or a solution and a mismatched one). Held against trl's in tests/training/test_preference.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from mmst.training.objective import Aim, Objective


@dataclass(frozen=True, slots=True)
class Scores:
    """Log-probabilities of whole completions, each (U,): of the units' solutions and of what stands beside them."""

    solution: Tensor
    beside: Tensor
    """Of `dpo` and `rpo` the wrong solution; of `kto` another problem's, by which is measured what is likely by chance."""
    solution_before: Tensor
    """By the reference."""
    beside_before: Tensor
    right: Tensor
    """Of `kto`: whether the solution is a right one, bool."""

    @property
    def gained(self) -> Tensor:
        """By how much each solution became likelier than by the reference, (U,)."""
        return self.solution - self.solution_before

    @property
    def gained_beside(self) -> Tensor:
        """The same of what stands beside it."""
        return self.beside - self.beside_before


def unit_losses(objective: Objective, scores: Scores, chance: Tensor | None = None) -> Tensor:
    """The loss of each unit, (U,). chance: of `kto`, the mean gain of mismatched completions over all processes."""
    if objective.aim is Aim.KTO:
        point = scores.gained_beside.mean().detach() if chance is None else chance
        distance = scores.gained - point.clamp(min=0)
        sign = torch.where(scores.right, 1.0, -1.0)
        weight = torch.where(scores.right, objective.right, objective.wrong)
        return weight * (1 - torch.sigmoid(objective.beta * sign * distance))
    return -functional.logsigmoid(objective.beta * (scores.gained - scores.gained_beside))


def margins(objective: Objective, scores: Scores) -> Tensor:
    """The implicit reward of right over wrong, (U,): of `kto` each solution's own, turned where it is wrong."""
    if objective.aim is Aim.KTO:
        return (objective.beta * scores.gained * torch.where(scores.right, 1.0, -1.0)).detach()
    return (objective.beta * (scores.gained - scores.gained_beside)).detach()
