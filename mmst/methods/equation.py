"""Equations: unknowns and equations in plain text, solved by sympy in the sandbox (after He-Yueya et al., arXiv 2304.09102).

sold = 3 * 4
2 * rest + sold = 40
answer = rest
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

from mmst.answers.numbers import canonical_number, numbers_in
from mmst.methods import solver
from mmst.methods.code import SHIFTS, read_programs
from mmst.methods.method import Reading
from mmst.methods.prompt import QUESTION_CUE, PromptFormat
from mmst.sandbox.result import Executor
from mmst.types import AnswerKind, Problem, Step

FENCE = re.compile(r"```[^\n]*\n(.*?)(?:```|$)", re.DOTALL)
NUMERAL = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?![\w.])")
OPERATOR = re.compile(r"[\w)]\s*[-+*/]")
LONGEST = 2_000
"""Characters of a solution that is solved."""


@dataclass(frozen=True, slots=True)
class EquationMethod:
    """Solutions that say what must hold, and leave the solving to sympy."""

    format: PromptFormat
    name: str = "equation"
    version: ClassVar[int] = 1
    """Raised with every change of what is read out of a completion, or of what a solution is cleaned to."""

    def clean(self, completion: str) -> str:
        """The equations: what is inside a code fence if there is one, and nothing after a run-on next question."""
        text = completion.split(QUESTION_CUE.strip())[0]
        fenced = FENCE.search(text)
        return "\n".join(line.strip() for line in (fenced.group(1) if fenced else text).splitlines() if line.strip())

    def read_all(self, completions: Sequence[str], problems: Sequence[Problem], executor: Executor) -> list[Reading]:
        """The value of `answer` in each system."""
        return read_programs([self.program(completion) for completion in completions], problems, executor)

    def program(self, completion: str) -> str:
        """The program that solves a completion's equations; they are data in it."""
        lines = self.clean(completion)[:LONGEST].splitlines()
        return f"{inspect.getsource(solver)}\n\ndef solution():\n    return solved({lines!r})\n"

    def render(self, derivation: Sequence[Step]) -> str:
        """One equation a step."""
        lines = [f"{step.label} = {step.left} {step.operator} {step.right}" for step in derivation]
        return "\n".join([*lines, f"answer = {derivation[-1].label}"])

    def steps(self, solution: str) -> str:
        """The equations with names replaced by their order of appearance."""
        names: dict[str, str] = {}
        return solver.NAME.sub(lambda found: names.setdefault(found.group(), f"n{len(names)}"), "".join(solution.split(" ")))

    def wrong_steps(self, completion: str) -> list[str]:
        """Equations state what is to be found, and cannot be wrong by themselves."""
        return []

    def perturbed(self, completion: str, problem: Problem) -> list[str]:
        """Programs that solve the equations with each number that the question holds made larger, by two amounts."""
        if problem.kind is not AnswerKind.NUMBER:
            return []
        numbers = set(numbers_in(problem.question))
        solution = self.clean(completion)
        if not any(canonical_number(found) in numbers for found in NUMERAL.findall(solution)):
            return []
        return [self.program(NUMERAL.sub(lambda m, by=by: _shifted(m.group(), numbers, by), solution)) for by in SHIFTS]  # type: ignore[misc]

    def leaks(self, problem: Problem, completion: str, answer: str) -> bool:
        """Whether no equation holds an operator."""
        return not OPERATOR.search(self.clean(completion))


def _shifted(number: str, numbers: set[str], by: int) -> str:
    return str(Fraction(number) + by) if canonical_number(number) in numbers else number
