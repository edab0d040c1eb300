"""Policies that look at greedy answers alone: one method for all problems, the likelier answer, and the bound of any choice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp
from typing import Any

import msgspec

from mmst.policies.case import Attempt, Case, Choice, Experience
from mmst.policies.policy import Needs, Policy, PolicyError, known
from mmst.types import Verdict


@dataclass(frozen=True, slots=True)
class One(Policy):
    """The best single method: the one that was right most often on the training problems, or the one that is named."""

    method: str | None = None
    learns = True

    @property
    def name(self) -> str:
        """The method, where it is given."""
        return "one" if self.method is None else f"one({self.method})"

    def needs(self, methods: Sequence[str]) -> Needs:
        """Verdicts, where no method is named."""
        if self.method is not None and self.method not in methods:
            raise PolicyError(f"policy.one.method={self.method} is not one of the solvers: {', '.join(methods)}.")
        return Needs(experience=self.method is None)

    def fit(self, experience: Experience | None) -> OneMethod:
        """Choose the method; the first of those that were right equally often."""
        if self.method is not None:
            return OneMethod(self.method, None if experience is None else experience.rate(self.method))
        found = known(self.name, experience, list(experience.judged) if experience else ())
        rates = {method: found.rate(method) or 0.0 for method in found.judged}
        best = max(rates, key=rates.__getitem__)
        return OneMethod(best, rates[best])

    def restore(self, saved: Any) -> OneMethod:
        """The method that was chosen."""
        return self.fit(None) if self.method is not None else msgspec.convert(saved, OneMethod)


@dataclass(frozen=True, slots=True)
class OneMethod:
    """One method for every problem."""

    method: str
    rate: float | None
    """How often it was right on the training problems: its confidence in every answer."""

    def choose(self, cases: Sequence[Case]) -> list[Choice]:
        """Its greedy answers."""
        return [Choice.of(case, attempt, [attempt], self.rate) for case in cases for attempt in [greedy(case, self.method)]]


@dataclass(frozen=True, slots=True)
class LogProb(Policy):
    """The greedy answer whose tokens are likeliest in the mean; one that holds an answer goes before one that does not."""

    @property
    def name(self) -> str:
        """As its file."""
        return "logprob"

    def fit(self, experience: Experience | None) -> LogProb:
        """Nothing is learned."""
        return self

    def choose(self, cases: Sequence[Case]) -> list[Choice]:
        """Confidence is the geometric mean of the tokens' probabilities."""
        return [self._choice(case) for case in cases]

    def _choice(self, case: Case) -> Choice:
        chosen = max(case.greedy.values(), key=lambda attempt: (attempt.answer is not None, self._likelihood(attempt)))
        return Choice.of(case, chosen, case.greedy.values(), exp(min(0.0, self._likelihood(chosen))))

    def _likelihood(self, attempt: Attempt) -> float:
        if attempt.logprob is None:
            raise PolicyError(
                "policy=logprob needs the log-probabilities of the sampled tokens, which this sampler does not give; "
                "sampler=hf gives them."
            )
        return attempt.logprob


@dataclass(frozen=True, slots=True)
class Oracle(Policy):
    """Right where some method is: no policy, but the bound of any choice among greedy answers."""

    @property
    def name(self) -> str:
        """As its file."""
        return "oracle"

    def fit(self, experience: Experience | None) -> Oracle:
        """Nothing is learned."""
        return self

    def choose(self, cases: Sequence[Case]) -> list[Choice]:
        """A right answer if there is one; else one that is unjudged, since it might have been."""
        return [self._choice(case) for case in cases]

    def _choice(self, case: Case) -> Choice:
        order = (Verdict.WRONG, Verdict.NO_ANSWER, Verdict.UNJUDGED, Verdict.RIGHT)
        best = max(case.greedy.values(), key=lambda attempt: order.index(attempt.verdict))
        wrote = sum(attempt.tokens for attempt in case.greedy.values())
        read = sum(attempt.prompt_tokens for attempt in case.greedy.values())
        return Choice(case.id, best.method, best.answer, best.verdict, wrote, None, read)


def greedy(case: Case, method: str) -> Attempt:
    """A method's greedy answer.

    Raises:
        PolicyError: the method has not answered.
    """
    answers: Mapping[str, Attempt] = case.greedy
    if method not in answers:
        raise PolicyError(
            f"the policy was made for the solver {method}, which is not among {', '.join(answers)}; add it to solvers."
        )
    return answers[method]
