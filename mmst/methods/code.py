"""Programs: a Python function whose returned value is the answer (PAL, arXiv 2211.10435; PoT, arXiv 2211.12588)."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from mmst.answers.equality import PASSED, canonical_answer
from mmst.answers.numbers import canonical_number, numbers_in
from mmst.methods.method import Reading
from mmst.methods.prompt import QUESTION_CUE, PromptFormat
from mmst.sandbox.result import UNJUDGED, Executor, Program, Result, Status
from mmst.types import AnswerKind, Problem, Step

INDENT = "    "
FENCE = re.compile(r"```(?:python|py)?\s*\n(.*?)(?:```|$)", re.DOTALL)
COMPUTING = (ast.BinOp, ast.Call, ast.AugAssign, ast.Compare, ast.BoolOp)
SHIFTS = (7, 13)
"""By how much numbers are made larger to see whether a program looks at them."""
NO_SOLUTION = "NoSolution"
"""The error of a program that defines neither `solution()` nor `answer`: what it printed last may be its answer."""
READABLE_TYPES = ("int", "float", "str", "bool", "Fraction", "Decimal", "Integer", "Rational", "Float")


@dataclass(frozen=True, slots=True)
class CodeMethod:
    """Solutions such as `def solution(): total = 3 * 4; return total`, run in the sandbox and nowhere else."""

    format: PromptFormat
    name: str = "code"
    version: ClassVar[int] = 1
    """Raised with every change of what is read out of a completion, or of what a solution is cleaned to."""

    def clean(self, completion: str) -> str:
        """The program: what is inside a code fence if there is one, and nothing after a run-on next question."""
        text = completion.split("\n" + QUESTION_CUE.strip())[0]
        fenced = FENCE.search(text)
        return (fenced.group(1) if fenced else text).strip("\n").rstrip()

    def read(self, completions: Sequence[str], problems: Sequence[Problem], executor: Executor) -> list[Reading]:
        """The value of each program; for `TESTS`, `passed` where it passes them."""
        return read_programs([self.clean(completion) for completion in completions], problems, executor)

    def render(self, derivation: Sequence[Step]) -> str:
        """One assignment a step."""
        lines = [f"{INDENT}{step.label} = {step.left} {step.operator} {step.right}" for step in derivation]
        return "\n".join(["def solution():", *lines, f"{INDENT}return {derivation[-1].label}"])

    def steps(self, solution: str) -> str:
        """The program with names replaced by their order of appearance, without comments and layout."""
        try:
            return ast.dump(_Renamed().visit(ast.parse(solution)))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return " ".join(solution.split())

    def wrong_steps(self, completion: str) -> list[str]:
        """The sandbox calculates: nothing is stated."""
        return []

    def perturbed(self, completion: str, problem: Problem) -> list[str]:
        """The program with each number that the question holds made larger, by two amounts."""
        return with_numbers_changed(self.clean(completion), problem)

    def leaks(self, problem: Problem, completion: str, answer: str) -> bool:
        """Whether the program computes nothing: no operator and no call but the definition of its own function."""
        if problem.kind is AnswerKind.TESTS:
            return False
        try:
            tree = ast.parse(self.clean(completion))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return False
        return not any(isinstance(node, COMPUTING) for node in ast.walk(tree))


def read_programs(programs: Sequence[str], problems: Sequence[Problem], executor: Executor) -> list[Reading]:
    """What programs return, or whether they pass their problems' tests; each is run once however often it occurs."""
    if not programs:
        return []
    asked = [_program(code, problem) for code, problem in zip(programs, problems, strict=True)]
    distinct = list(dict.fromkeys(asked))
    results = executor.execute([replace(program, name=str(i)) for i, program in enumerate(distinct)])
    readings = {program: _reading(program, result) for program, result in zip(distinct, results, strict=True)}
    return [
        readings[program] if program.tests else _of_kind(readings[program], problem)
        for program, problem in zip(asked, problems, strict=True)
    ]


def with_numbers_changed(program: str, problem: Problem) -> list[str]:
    """The program with each number that the question holds made larger, by two amounts; none where it has no such number."""
    if problem.kind is not AnswerKind.NUMBER:
        return []
    numbers = {float(number) for number in numbers_in(problem.question)}
    try:
        tree = ast.parse(program)
        if not any(_is_number(node) and float(node.value) in numbers for node in ast.walk(tree)):  # type: ignore[attr-defined]
            return []
        return [ast.unparse(_Shifted(numbers, by).visit(ast.parse(program))) for by in SHIFTS]
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
        return []


def _is_number(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool)


class _Shifted(ast.NodeTransformer):
    """Makes the constants among `numbers` larger."""

    def __init__(self, numbers: set[float], by: int) -> None:
        self.numbers, self.by = numbers, by

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        if _is_number(node) and float(node.value) in self.numbers:  # type: ignore[arg-type]
            return ast.copy_location(ast.Constant(node.value + self.by), node)  # type: ignore[operator]
        return node


class _Renamed(ast.NodeTransformer):
    """Gives names by their order of appearance."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(self.names.setdefault(node.id, f"n{len(self.names)}"), node.ctx)

    def visit_arg(self, node: ast.arg) -> ast.arg:
        return ast.arg(self.names.setdefault(node.arg, f"n{len(self.names)}"))


def _program(code: str, problem: Problem) -> Program:
    if problem.kind is not AnswerKind.TESTS:
        return Program("", code)
    tests = "\n".join(part for part in (problem.setup, *problem.tests) if part)
    return Program("", code, tests=tests, entry_point=problem.entry_point or None)


def _of_kind(reading: Reading, problem: Problem) -> Reading:
    """A value as an answer of the problem's kind: the text of a choice becomes its letter."""
    if reading.answer is None:
        return reading
    return replace(reading, answer=canonical_answer(reading.answer, problem.kind, problem.choices) or reading.answer)


def _reading(program: Program, result: Result) -> Reading:
    if result.status in UNJUDGED:
        return Reading(None, result.status.value, judged=False)
    if program.tests:
        return Reading(PASSED if result.status is Status.OK else None, result.type or result.status.value)
    printed = result.stdout.strip().splitlines()
    if result.type == NO_SOLUTION and printed and (value := canonical_number(printed[-1])):
        return Reading(value, "printed")
    if result.status is not Status.OK:
        return Reading(None, result.type or result.status.value)
    if result.type not in READABLE_TYPES:
        return Reading(None, f"value of type {result.type}")
    return Reading(canonical_number(result.value) or result.value.strip(), "value")
