"""Policies that count answers: a vote of all methods at one method's number of samples, and more samples where two differ.

Self-consistency (Wang et al., arXiv 2203.11171) over several methods; agreement of text and code first (arXiv 2604.17433).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mmst.policies.case import Attempt, Case, Choice, Experience, attempts, methods_of
from mmst.policies.policy import Needs, Policy, PolicyError, check_answers


@dataclass(frozen=True, slots=True)
class Vote(Policy):
    """The commonest of `samples` sampled answers, drawn from all methods together.

    Its rows stand beside the vote of each method alone with as many samples: equal numbers, so that only the mixture differs.
    """

    samples: int = 4
    """In all, not of each method."""
    split: Mapping[str, int] | None = None
    """Method -> its samples, such as {text: 1, code: 3}; null: evenly, the first methods taking what is left over."""
    compares = True

    def __post_init__(self) -> None:
        if self.samples < 1:
            raise PolicyError(f"policy.vote.samples={self.samples} must be at least 1.")
        if self.split is not None and (min(self.split.values(), default=0) < 0 or sum(self.split.values()) != self.samples):
            given = ", ".join(f"{method}: {count}" for method, count in self.split.items())
            raise PolicyError(f"policy.vote.split={{{given}}} must add up to policy.vote.samples={self.samples}.")

    @property
    def name(self) -> str:
        """With the number of each method's samples, where it is given."""
        return "vote" if self.split is None else f"vote({' + '.join(f'{m} x {k}' for m, k in self.split.items() if k)})"

    def needs(self, methods: Sequence[str]) -> Needs:
        """As many samples of every method as the rows beside take."""
        unknown = [method for method in self.split or () if method not in methods]
        if unknown:
            raise PolicyError(f"policy.vote.split: {unknown[0]} is not one of the solvers: {', '.join(methods)}.")
        return Needs(samples=dict.fromkeys(methods, self.samples))

    def beside(self, methods: Sequence[str]) -> list[Policy]:
        """The vote of each method alone, at as many samples."""
        return [Vote(self.samples, {method: self.samples}) for method in methods]

    def fit(self, experience: Experience | None) -> Vote:
        """Nothing is learned."""
        return self

    def choose(self, cases: Sequence[Case]) -> list[Choice]:
        """Confidence is the share of the votes, of all samples."""
        shares = self.split or evenly(self.samples, methods_of(cases))
        check_answers(self.name, cases, shares)
        return [_elected(case, list(attempts(case, shares))) for case in cases]


@dataclass(frozen=True, slots=True)
class Agreement(Policy):
    """What all greedy answers agree on; where they do not, the vote of these and of `samples` sampled answers.

    Cheap where methods agree, which is where they are right in the domain that the model knows. Outside it, agreement may mean
    nothing: read its row on the held-out problems first.
    """

    samples: int = 4
    """In all, drawn from the methods evenly, and only where greedy answers differ."""
    compares = True

    def __post_init__(self) -> None:
        if self.samples < 1:
            raise PolicyError(f"policy.agreement.samples={self.samples} must be at least 1.")

    @property
    def name(self) -> str:
        """As its file."""
        return "agreement"

    def needs(self, methods: Sequence[str]) -> Needs:
        """Samples of each method; two methods at the least."""
        if len(methods) < 2:
            raise PolicyError(
                f"policy=agreement needs two methods, and there is {', '.join(methods)} alone; add one to solvers."
            )
        return Needs(samples=evenly(self.samples, methods))

    def fit(self, experience: Experience | None) -> Agreement:
        """Nothing is learned."""
        return self

    def choose(self, cases: Sequence[Case]) -> list[Choice]:
        """Confidence is the share of the votes among all answers that were looked at."""
        shares = evenly(self.samples, methods_of(cases))
        check_answers(self.name, [case for case in cases if not agree(case.greedy.values())], shares)
        return [_elected(case, self._seen(case, shares)) for case in cases]

    def _seen(self, case: Case, shares: Mapping[str, int]) -> list[Attempt]:
        greedy = list(case.greedy.values())
        return greedy if agree(greedy) else [*greedy, *attempts(case, shares)]


def evenly(samples: int, methods: Sequence[str]) -> dict[str, int]:
    """Samples of each method, `samples` in all; the first methods take what is left over."""
    whole, left = divmod(samples, max(1, len(methods)))
    return {method: whole + (place < left) for place, method in enumerate(methods)}


def agree(found: Iterable[Attempt]) -> bool:
    """Whether all give the same answer, and some answer."""
    answers = {attempt.answer for attempt in found}
    return len(answers) == 1 and None not in answers


def _elected(case: Case, voters: Sequence[Attempt]) -> Choice:
    """The commonest answer's likeliest attempt; of equally common answers, the one whose likeliest attempt is likelier."""
    votes = Counter(attempt.answer for attempt in voters if attempt.answer is not None)
    chosen = max(voters, key=lambda attempt: (votes[attempt.answer] if attempt.answer else 0, _likelihood(attempt)))
    share = votes[chosen.answer] / len(voters) if chosen.answer else 0.0
    return Choice.of(case, chosen, voters, share)


def _likelihood(attempt: Attempt) -> float:
    return float("-inf") if attempt.logprob is None else attempt.logprob
