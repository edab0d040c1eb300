"""Rules: each looks at one row and gives the reason why it is refused, or None.

A rule of one's own is any callable with the same arguments, named in `filter.rules` by its `_target_`:

    filter:
      rules: [{_target_: my_rules.NoBlankLines}]
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from mmst.methods.method import CONSTANT, Method
from mmst.types import DropReason, FinishReason, GradedSample, Problem, Verdict


@dataclass(frozen=True)
class Context:
    """What a rule may know beside the row."""

    problem: Problem
    method: Method
    """That of the row: an edge's target for translations, its source for samples."""
    edge: str
    completion: str
    """The row's."""
    kept: Sequence[str]
    """Solutions of the same problem that this edge has kept so far."""

    @cached_property
    def solution(self) -> str:
        """The row's completion as the method cleans it: what would be trained on."""
        return self.method.clean(self.completion)


Rule = Callable[[GradedSample, Context], str | None]
"""(row, context) -> a reason, in a word, or None where the row may stay."""


class Sameness(StrEnum):
    """When two solutions of a problem are the same."""

    NONE = "none"
    TEXT = "text"
    """Equal but for white space."""
    STEPS = "steps"
    """Equal calculations, whatever the words and names (RFT, arXiv 2308.01825)."""


@dataclass(frozen=True, slots=True)
class Judged:
    """Refuses what our own machinery failed at. Without gold, an answer is enough."""

    needs_gold: bool = True

    def __call__(self, row: GradedSample, context: Context) -> str | None:
        """See `Rule`."""
        unjudged = row.verdict is Verdict.UNJUDGED and (self.needs_gold or row.answer is None)
        return DropReason.UNJUDGED if unjudged else None


@dataclass(frozen=True, slots=True)
class Complete:
    """Refuses what was cut at the token limit."""

    def __call__(self, row: GradedSample, context: Context) -> str | None:
        """See `Rule`."""
        return DropReason.TRUNCATED if row.sample.finish is not FinishReason.STOP else None


@dataclass(frozen=True, slots=True)
class NoLonger:
    """Refuses solutions of more than `words` words."""

    words: int

    def __call__(self, row: GradedSample, context: Context) -> str | None:
        """See `Rule`."""
        return DropReason.TOO_LONG if len(context.solution.split()) > self.words else None


@dataclass(frozen=True, slots=True)
class Derived:
    """Refuses a solution that states its answer without deriving it."""

    def __call__(self, row: GradedSample, context: Context) -> str | None:
        """See `Rule`."""
        only = row.reason == CONSTANT or context.method.leaks(context.problem, row.sample.completion, row.answer or "")
        return DropReason.ANSWER_ONLY if only else None


@dataclass(frozen=True, slots=True)
class RightSteps:
    """Refuses a text in which a statement `a op b = c` does not hold."""

    def __call__(self, row: GradedSample, context: Context) -> str | None:
        """See `Rule`."""
        return DropReason.WRONG_STEP if context.method.wrong_steps(row.sample.completion) else None


@dataclass(frozen=True, slots=True)
class Distinct:
    """Refuses a solution that is the same as one that was kept."""

    by: Sameness = Sameness.TEXT

    def __call__(self, row: GradedSample, context: Context) -> str | None:
        """See `Rule`."""
        if self.by is Sameness.NONE or not context.kept:
            return None
        own = self.identity(context.solution, context.method)
        seen = any(self.identity(solution, context.method) == own for solution in context.kept)
        return DropReason.DUPLICATE if seen else None

    def identity(self, solution: str, method: Method) -> str:
        """Equal for solutions that count as one."""
        return method.steps(solution) if self.by is Sameness.STEPS else " ".join(solution.split())


@dataclass(frozen=True, slots=True)
class PerProblem:
    """Refuses more than `most` solutions of one problem on one edge: without a cap, easy problems fill the training set."""

    most: int

    def __call__(self, row: GradedSample, context: Context) -> str | None:
        """See `Rule`."""
        return DropReason.PER_PROBLEM_CAP if len(context.kept) >= self.most else None


@dataclass(frozen=True, slots=True)
class Withheld:
    """Refuses the translations of a share of the problems; what a method finds by itself there stays."""

    share: float

    def __call__(self, row: GradedSample, context: Context) -> str | None:
        """See `Rule`."""
        translated = row.sample.source_id is not None
        return DropReason.WITHHELD if translated and is_withheld(context.problem.id, self.share) else None


def is_withheld(problem_id: str, share: float) -> bool:
    """Whether a problem is among the share that has no translations: by its id alone, in every arm, seed and order."""
    drawn = hashlib.sha256(f"withheld/{problem_id}".encode()).digest()[:8]
    return int.from_bytes(drawn, "big") < share * 2**64
