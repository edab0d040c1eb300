"""The method that the model's own view of a question speaks for: a classifier of its hidden states for each method.

As `mmst.policies.router`, but for what a question is known by: the mean of the model's last hidden states over its tokens.
These are the answering checkpoint's own, and say something of words that no training question holds, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from mmst.policies.case import Case, Choice, Experience
from mmst.policies.policy import Needs, Policy, PolicyError, known
from mmst.policies.router import fitted
from mmst.policies.single import greedy

LACKS = "policy=router_hidden needs the model's hidden states, which this sampler does not give; sampler=hf gives them."


@dataclass(frozen=True, slots=True)
class HiddenRouter(Policy):
    """The method that is likeliest to be right, by the model's hidden state of the question."""

    strength: float = 10.0
    """Inverse of the regularization (scikit-learn's C), of states that are scaled to a mean square of 1 over their width."""
    learns = True

    def __post_init__(self) -> None:
        if self.strength <= 0:
            raise PolicyError(f"policy.router_hidden.strength={self.strength} must be above 0.")

    @property
    def name(self) -> str:
        """As its file."""
        return "router_hidden"

    def needs(self, methods: Sequence[str]) -> Needs:
        """Verdicts of two methods at the least, and hidden states."""
        if len(methods) < 2:
            raise PolicyError(
                f"policy=router_hidden needs two methods, and there is {', '.join(methods)} alone; add one to solvers."
            )
        return Needs(experience=True, hidden=True)

    def fit(self, experience: Experience | None) -> HiddenRouterModel:
        """Fit a classifier to each method's verdicts."""
        found = known(self.name, experience, list(experience.judged) if experience else ())
        if found.hidden is None:
            raise PolicyError(LACKS)
        states = np.asarray(found.hidden, dtype=np.float64)
        middle, scale = scaling(states)
        rows = (states - middle) * scale
        made = {m: fitted(rows, found.right[m], found.judged[m], self.strength) for m in found.judged}
        weights = {method: np.array(row) * scale for method, (row, _) in made.items()}
        return HiddenRouterModel(
            found.model,
            {method: row.tolist() for method, row in weights.items()},
            {method: bias - float(weights[method] @ middle) for method, (_, bias) in made.items()},
        )

    def restore(self, saved: Any) -> HiddenRouterModel:
        """The classifiers that were fitted."""
        return msgspec.convert(saved, HiddenRouterModel)


@dataclass(frozen=True)
class HiddenRouterModel:
    """A fitted router, as plain numbers."""

    model: str
    """The key of the checkpoint whose verdicts it was fitted to."""
    weights: dict[str, list[float]]
    """Method -> a weight for each number of a hidden state."""
    bias: dict[str, float]

    def choose(self, cases: Sequence[Case]) -> list[Choice]:
        """Greedy answers of the likeliest method; confidence is how likely it is right."""
        return [self._choice(case) for case in cases]

    def _choice(self, case: Case) -> Choice:
        if case.hidden is None:
            raise PolicyError(LACKS)
        chances = self.chances(case.hidden)
        method = max(chances, key=chances.__getitem__)
        attempt = greedy(case, method)
        return Choice.of(case, attempt, [attempt], chances[method])

    def chances(self, state: Any) -> dict[str, float]:
        """Method -> how likely it is right. state: H numbers.

        Raises:
            PolicyError: it was fitted to states of another width.
        """
        from scipy.special import expit

        width = len(next(iter(self.weights.values())))
        if len(state) != width:
            raise PolicyError(
                f"policy=router_hidden was fitted to hidden states of {width} numbers, and this model's have {len(state)}; "
                "`mmst train` with this model fits one."
            )
        scores = {method: float(np.dot(row, state)) + self.bias[method] for method, row in self.weights.items()}
        return {method: float(expit(score)) for method, score in scores.items()}


def scaling(states: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(what to take from states, and what to multiply them by then) for a mean square of 1 over their width."""
    spread = states.std(axis=0)
    return states.mean(axis=0), np.divide(1, spread * len(spread) ** 0.5, out=np.zeros_like(spread), where=spread > 0)
