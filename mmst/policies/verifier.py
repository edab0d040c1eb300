"""The sampled solution that a verifier finds most promising, by any method (arXiv 2110.14168; V-STaR, 2402.06457).

A verifier is fitted to right against wrong solutions of the training problems, which were sampled and judged for self-training
anyway: the wrong ones would be thrown away. Here it is a head: a logistic regression, one for all methods, on what the model
holds of a solution that it reads after its prompt, and on how likely its tokens were when it was sampled. No weight of the
model is trained for it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

import msgspec
import numpy as np

from mmst.policies.case import Attempt, Case, Choice, Experience, attempts, methods_of
from mmst.policies.policy import Needs, Policy, PolicyError, check_answers, known
from mmst.policies.router import fitted
from mmst.policies.router_hidden import scaling
from mmst.policies.vote import Vote, evenly
from mmst.types import Verdict

log = logging.getLogger(__name__)

LACKS = "policy=verifier needs the model's hidden states, which this sampler does not give; sampler=hf gives them."
STRENGTHS = (0.1, 1.0, 10.0, 100.0, 1000.0)
"""Inverses of the regularization (scikit-learn's C) that cross-validation chooses among."""
FOLDS = 5


class Kind(StrEnum):
    """What scores a solution."""

    HEAD = "head"
    """A logistic regression on the model's hidden states."""


@dataclass(frozen=True, slots=True)
class Verifier(Policy):
    """The likeliest right of `samples` sampled answers, drawn from all methods together: best of k by the verifier.

    Beside it stand what it is held against, each at as many samples: the vote and the bound of the same samples, and the
    verifier and the vote of each method alone.
    """

    samples: int = 4
    """In all, not of each method."""
    split: Mapping[str, int] | None = None
    """Method -> its samples, such as {text: 1, code: 3}; null: evenly, the first methods taking what is left over."""
    verifier: str = Kind.HEAD
    strength: float | None = None
    """Inverse of the regularization (scikit-learn's C), of states scaled as in `router_hidden`; null: cross-validated."""
    problems: int = 2000
    """Training problems whose solutions it is fitted to, at the most."""
    fits: list[tuple[Experience, Head]] = field(default_factory=list, compare=False, repr=False)
    """The last fit: rows beside this one share it."""
    learns = True

    def __post_init__(self) -> None:
        if self.verifier not in list(Kind):
            raise PolicyError(f"policy.verifier.verifier={self.verifier} is not one of {', '.join(Kind)}.")
        for name in ("samples", "problems"):
            if getattr(self, name) < 1:
                raise PolicyError(f"policy.verifier.{name}={getattr(self, name)} must be at least 1.")
        if self.strength is not None and self.strength <= 0:
            raise PolicyError(f"policy.verifier.strength={self.strength} must be above 0.")
        if self.split is not None and (min(self.split.values(), default=0) < 0 or sum(self.split.values()) != self.samples):
            given = ", ".join(f"{method}: {count}" for method, count in self.split.items())
            raise PolicyError(f"policy.verifier.split={{{given}}} must add up to policy.verifier.samples={self.samples}.")

    @property
    def name(self) -> str:
        """With the number of each method's samples, where it is given."""
        return "verifier" if self.split is None else f"verifier({_in_words(self.split)})"

    def needs(self, methods: Sequence[str]) -> Needs:
        """As many samples of every method as the rows beside take, and the model's reading of them."""
        unknown = [method for method in self.split or () if method not in methods]
        if unknown:
            raise PolicyError(f"policy.verifier.split: {unknown[0]} is not one of the solvers: {', '.join(methods)}.")
        return Needs(samples=dict.fromkeys(methods, self.samples), experience=True, solutions=self.problems)

    def beside(self, methods: Sequence[str]) -> list[Policy]:
        """The vote and the bound of the same samples; the verifier and the vote of each method alone."""
        shares = dict(self.split or evenly(self.samples, methods))
        alone = [{method: self.samples} for method in methods]
        rows: list[Policy] = [Vote(self.samples, shares), SampleBound(shares)]
        for share in alone:
            rows += [replace(self, split=share), Vote(self.samples, share)]
        return rows

    def fit(self, experience: Experience | None) -> VerifierModel:
        """Fit a head to the verdicts of all methods' solutions."""
        found = known(self.name, experience)
        if not self.fits or self.fits[-1][0] is not found:
            self.fits[:] = [(found, head_of(found, self.strength))]
        return VerifierModel(self.fits[-1][1], self.samples, None if self.split is None else dict(self.split))

    def restore(self, saved: Any) -> VerifierModel:
        """The head that was fitted, with this policy's number of samples."""
        head = msgspec.convert(saved, VerifierModel).head
        return VerifierModel(head, self.samples, None if self.split is None else dict(self.split))


@dataclass(frozen=True)
class Head:
    """A fitted head, as plain numbers."""

    model: str
    """The key of the checkpoint whose solutions it was fitted to."""
    weights: list[float]
    """One for each number of a solution's state, and one for its mean log-probability."""
    bias: float
    solutions: int
    """Samples that it was fitted to."""
    right: int
    """Of `solutions`."""
    strength: float
    """Inverse of the regularization."""
    auc: float | None
    """How often a right solution scores above a wrong one, of training problems that the scores were not fitted to."""

    def chance(self, attempt: Attempt) -> float:
        """How likely a solution is right.

        Raises:
            PolicyError: the model's reading of it is not there, or it is of another width.
        """
        from scipy.special import expit

        if attempt.state is None:
            raise PolicyError(LACKS)
        if len(attempt.state) + 1 != len(self.weights):
            raise PolicyError(
                f"policy=verifier was fitted to states of {len(self.weights) - 1} numbers, and this model's have "
                f"{len(attempt.state)}; `mmst train` with this model fits one."
            )
        return float(expit(np.dot(self.weights, [*attempt.state, attempt.logprob or 0.0]) + self.bias))


@dataclass(frozen=True)
class VerifierModel:
    """A head with the samples that it chooses among."""

    head: Head
    samples: int
    split: dict[str, int] | None = None

    def choose(self, cases: Sequence[Case]) -> list[Choice]:
        """The likeliest right of the samples that hold an answer; confidence is how likely it is right."""
        shares = self.split or evenly(self.samples, methods_of(cases))
        check_answers("verifier", cases, shares)
        return [self._choice(case, list(attempts(case, shares))) for case in cases]

    def _choice(self, case: Case, seen: Sequence[Attempt]) -> Choice:
        chances = [self.head.chance(attempt) for attempt in seen]
        best = max(range(len(seen)), key=lambda n: (seen[n].answer is not None, chances[n]))
        made = Choice.of(case, seen[best], seen, chances[best])
        again = sum(attempt.prompt_tokens + attempt.tokens for attempt in seen)  # the verifier reads each solution once more
        return replace(made, prompt_tokens=made.prompt_tokens + again)


@dataclass(frozen=True, slots=True)
class SampleBound(Policy):
    """Right where one of the samples is (pass@k): no policy, but the bound of any choice among them."""

    split: Mapping[str, int]
    """Method -> its samples."""

    @property
    def name(self) -> str:
        """With the number of each method's samples."""
        return f"oracle({_in_words(self.split)})"

    def needs(self, methods: Sequence[str]) -> Needs:
        """The samples."""
        return Needs(samples=self.split)

    def fit(self, experience: Experience | None) -> SampleBound:
        """Nothing is learned."""
        return self

    def choose(self, cases: Sequence[Case]) -> list[Choice]:
        """A right answer if there is one."""
        check_answers(self.name, cases, self.split)
        return [self._choice(case, list(attempts(case, self.split))) for case in cases]

    def _choice(self, case: Case, seen: Sequence[Attempt]) -> Choice:
        best = max(seen, key=lambda attempt: attempt.verdict is Verdict.RIGHT)
        return Choice.of(case, best, seen, None)


def head_of(experience: Experience, strength: float | None) -> Head:
    """A head for all methods' solutions. strength: None: the one whose chances are best on problems that it was not fitted to.

    Raises:
        PolicyError: the model's reading of the solutions is not there.
    """
    found = experience.solutions
    if found is None or found.states is None:
        raise PolicyError(LACKS)
    blocks = np.asarray(found.states, dtype=np.float64), np.array([[value or 0.0] for value in found.logprobs])
    features, (middle, scale) = np.hstack(blocks), np.hstack([scaling(block) for block in blocks])
    drawn = np.repeat(np.arange(len(features)), found.counts)
    rows, right = ((features - middle) * scale)[drawn], np.asarray(found.right, dtype=np.int64)[drawn]
    chosen, auc = _cross_validated(rows, right, [found.examples[n].problem_id for n in drawn.tolist()], strength)
    weights, bias = fitted(rows, right.tolist(), [1] * len(right), chosen)
    own = np.array(weights) * scale
    told = "unknown" if auc is None else f"{auc:.3f}"
    log.info(
        "verifier: fitted to %d solutions, %d of them right; strength %g; AUC %s on training problems left out of the fit",
        *(len(right), right.sum(), chosen, told),
    )
    n, k = len(right), int(right.sum())
    return Head(experience.model, own.tolist(), bias - float(own @ middle), n, k, chosen, auc)


def _cross_validated(
    rows: np.ndarray, right: np.ndarray, problems: Sequence[str], strength: float | None
) -> tuple[float, float | None]:
    """(the strength whose chances have the least log loss on problems left out, the AUC of these chances).

    All solutions of a problem are in one fold: a head that knows a problem's right solution has nothing to tell.
    """
    from scipy.special import expit
    from sklearn.metrics import log_loss, roc_auc_score
    from sklearn.model_selection import GroupKFold

    given = STRENGTHS if strength is None else (strength,)
    folds = min(FOLDS, len(set(problems)))
    if folds < 2 or len(set(right.tolist())) < 2:
        return given[len(given) // 2], None
    parts = list(GroupKFold(folds).split(rows, right, problems))
    best: tuple[float, float, float] | None = None
    for one in given:
        chances = np.zeros(len(right))
        for rest, left_out in parts:
            weights, bias = fitted(rows[rest], right[rest].tolist(), [1] * len(rest), one)
            chances[left_out] = expit(rows[left_out] @ np.array(weights) + bias)
        loss = float(log_loss(right, chances, labels=[0, 1]))
        if best is None or loss < best[0]:
            best = loss, one, float(roc_auc_score(right, chances))
    assert best is not None
    return best[1], best[2]


def _in_words(split: Mapping[str, int]) -> str:
    return " + ".join(f"{method} x {count}" for method, count in split.items() if count)
