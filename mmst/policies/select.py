"""A policy that asks the model itself: it is shown a problem with its methods' solutions, and picks one (arXiv 2305.14333).

Models prefer what stands first, or last. So each question is asked in two orders, and a pick counts where both name one answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mmst.methods.picking import Asking
from mmst.methods.prompt import PromptFormat
from mmst.policies.case import Attempt, Case, Choice, Experience, Pick, disputed
from mmst.policies.policy import Needs, Policy, PolicyError
from mmst.types import Verdict


@dataclass(frozen=True, slots=True)
class Select(Policy):
    """The solution that the model picks; where it names none, or another one in another order, the likelier answer.

    It is asked only where the greedy answers differ, and shown only solutions that hold an answer.
    """

    format: PromptFormat
    orders: int = 2
    """2: asked in one order and in the reverse; 1: in one order, drawn by the run's seed and the problem's id."""
    max_tokens: int = 16
    """Of a reply."""

    def __post_init__(self) -> None:
        if self.orders not in (1, 2):
            raise PolicyError(f"policy.select.orders={self.orders} must be 1 or 2: one order, or that and the reverse.")
        if self.max_tokens < 1:
            raise PolicyError(f"policy.select.max_tokens={self.max_tokens} must be at least 1.")

    @property
    def name(self) -> str:
        """As its file."""
        return "select"

    def needs(self, methods: Sequence[str]) -> Needs:
        """That the model is asked; two methods at the least."""
        if len(methods) < 2:
            raise PolicyError(f"policy=select needs two methods, and there is {', '.join(methods)} alone; add one to solvers.")
        return Needs(picks={self.name: Asking(self.format, self.orders, self.max_tokens)})

    def fit(self, experience: Experience | None) -> Select:
        """Nothing is learned."""
        return self

    def choose(self, cases: Sequence[Case]) -> list[Choice]:
        """Confidence is the share of the picks that name the answer; of the greedy answers, where the model is not asked."""
        return [self._choice(case) for case in cases]

    def _choice(self, case: Case) -> Choice:
        picks = case.picks.get(self.name, ())
        if disputed(case) and not picks:
            raise PolicyError(f"policy=select: nobody asked the model about {case.id}; `mmst eval 'policy=[select]'` does.")
        named = [None if pick.method is None else case.greedy[pick.method] for pick in picks]
        answers = [attempt.answer if attempt else None for attempt in named] or [row.answer for row in case.greedy.values()]
        first = named[0] if named and len(set(answers)) == 1 else None
        chosen = first or max(case.greedy.values(), key=_worth)
        sure = 0.0 if chosen.answer is None else answers.count(chosen.answer) / len(answers)
        return Choice.of(case, chosen, [*case.greedy.values(), *map(_as_attempt, picks)], sure)


def _as_attempt(pick: Pick) -> Attempt:
    """What a pick cost; one that was lost leaves the choice unjudged."""
    verdict = Verdict.UNJUDGED if pick.lost else Verdict.NO_ANSWER
    return Attempt(pick.method or "", None, verdict, None, pick.tokens, pick.prompt_tokens)


def _worth(attempt: Attempt) -> tuple[bool, float]:
    """An answer goes before none; then the likelier one, or the first solver's where there are no log-probabilities."""
    return attempt.answer is not None, float("-inf") if attempt.logprob is None else attempt.logprob
