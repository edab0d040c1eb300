"""What a method is: a way for one model to solve a problem, from the prompt to the answer.

A method knows how its solutions look and how an answer is read out of one. It knows nothing of engines, rounds or files.
Anyone can add one: subclass `mmst.methods.own.OwnMethod`, or write a class with these members, and name it in a config of the
group `solvers`. Grades are keyed by the
class's source, or in this package by its `version`, and by the fields of the method that do not begin with an underscore.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from mmst.methods.prompt import PromptFormat
from mmst.sandbox.result import Executor
from mmst.types import Problem, Step

CONSTANT = "constant"
"""The reason of an answer that a solution states without having derived it: a query that reads no table."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The answer read out of one completion.

    `answer` is None where there is none; `judged` is False where ours was the failure (a lost sandbox), so that the
    verdict becomes unjudged. `reason` says how it was read, in a word, for counting.
    """

    answer: str | None
    reason: str
    judged: bool = True
    completion: str = ""
    """What it was read out of, for a judge of the user's; empty while methods read."""
    output: str = ""
    """What a program printed, and what it failed by, to be looked at; no verdict depends on it."""
    calculated: bool = False
    """Whether the method held values against the gold ones: texts that differ are then not calculated to see if they agree."""


@runtime_checkable
class Method(Protocol):
    """The contract of a method."""

    @property
    def name(self) -> str:
        """The method's name: a word, as it stands in edges and tables."""

    @property
    def format(self) -> PromptFormat:
        """The cue that asks for this method, its exemplars and its stop strings."""

    def clean(self, completion: str) -> str:
        """The solution within a completion, as it is trained on and translated: no run-on text, no outer white space."""

    def read_all(self, completions: Sequence[str], problems: Sequence[Problem], executor: Executor) -> list[Reading]:
        """The answers of completions of these problems, one each, in order. Never raises for what a model wrote."""

    def render(self, derivation: Sequence[Step]) -> str:
        """A gold derivation, written as a solution by this method."""

    def steps(self, solution: str) -> str:
        """What a cleaned solution calculates, whatever its words and names: equal for solutions that are the same in kind."""

    def wrong_steps(self, completion: str) -> list[str]:
        """The statements of a solution that do not hold, such as `3 * 4 = 13`."""

    def perturbed(self, completion: str, problem: Problem) -> list[str]:
        """Programs that differ from the solution in the problem's numbers; none where it is no program or has none of them."""

    def leaks(self, problem: Problem, completion: str, answer: str) -> bool:
        """Whether the solution states its answer without deriving it from the problem's numbers."""
