"""A policy that checks an answer by writing its solution in another method: where that answers otherwise, it does not count.

Programs as verifiers of texts (arXiv 2410.12608), and, since translation goes both ways here, texts as verifiers of programs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

from mmst.policies.case import Attempt, Case, Choice, Experience
from mmst.policies.policy import Needs, Policy, PolicyError


@dataclass(frozen=True, slots=True)
class Prove(Policy):
    """The greedy answer that most of its translations keep; of equally proven ones, the likelier."""

    edges: tuple[str, ...] | None = None
    """Along which greedy answers are translated, such as [text -> code]; null: between all methods, both ways."""
    compares = True

    def __post_init__(self) -> None:
        if self.edges is not None:
            object.__setattr__(
                self, "edges", tuple(" -> ".join(part.strip() for part in edge.split("->")) for edge in self.edges)
            )

    @property
    def name(self) -> str:
        """With the edges, where they are given."""
        return "prove" if self.edges is None else f"prove({', '.join(self.edges)})"

    def needs(self, methods: Sequence[str]) -> Needs:
        """Translations; two methods at the least."""
        if len(methods) < 2:
            raise PolicyError(f"policy=prove needs two methods, and there is {', '.join(methods)} alone; add one to solvers.")
        pairs = [f"{source} -> {target}" for source, target in permutations(methods, 2)]
        unknown = [edge for edge in self.edges or () if edge not in pairs]
        if unknown:
            raise PolicyError(f"policy.prove.edges: '{unknown[0]}' is none of the edges that translate: {', '.join(pairs)}.")
        return Needs(translations=pairs if self.edges is None else self.edges)

    def fit(self, experience: Experience | None) -> Prove:
        """Nothing is learned."""
        return self

    def choose(self, cases: Sequence[Case]) -> list[Choice]:
        """Confidence is the share of the chosen answer's translations that keep it; none where it was not translated.

        An answer whose translations all differ goes behind one that was not translated.
        """
        return [self._choice(case) for case in cases]

    def _choice(self, case: Case) -> Choice:
        proofs = {method: _kept(case, method) for method in case.greedy}
        chosen = max(case.greedy.values(), key=lambda attempt: _worth(attempt, proofs[attempt.method]))
        looked_at = [*case.greedy.values(), *case.translated.values()]
        return Choice.of(case, chosen, looked_at, proofs[chosen.method])


def _kept(case: Case, method: str) -> float | None:
    """The share of the translations of a method's answer that keep it; None where there is none."""
    answer = case.greedy[method].answer
    kept = [row.answer == answer for edge, row in case.translated.items() if edge.startswith(f"{method} -> ")]
    return sum(kept) / len(kept) if kept and answer is not None else None


def _worth(attempt: Attempt, proven: float | None) -> tuple[bool, float, float]:
    untranslated = 0.5
    likelihood = float("-inf") if attempt.logprob is None else attempt.logprob
    return attempt.answer is not None, untranslated if proven is None else proven, likelihood
