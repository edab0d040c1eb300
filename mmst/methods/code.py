"""Programs: a Python function whose returned value is the answer (PAL, arXiv 2211.10435; PoT, arXiv 2211.12588)."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from mmst.answers.equality import PASSED, canonical_answer
from mmst.answers.numbers import numbers_in
from mmst.answers.reading import stated_answer
from mmst.methods.hidden import computes, ignores_question
from mmst.methods.method import Reading
from mmst.methods.programs import begins_function, completed, program_in
from mmst.methods.prompt import PromptFormat
from mmst.sandbox.result import UNJUDGED, Executor, Program, Result, Status
from mmst.types import AnswerKind, Problem, Step

INDENT = "    "
SHIFTS = (7, 13)
"""By how much numbers are made larger to see whether a program looks at them."""
NO_SOLUTION, LEFT = "NoSolution", "SystemExit"
"""The errors of a program that ends without a value: what it printed last may be its answer."""
CONTAINERS = ("list", "tuple", "set", "frozenset")
NO_ANSWERS = (
    "NoneType",
    "dict",
    "function",
    "type",
    "module",
    "generator",
    "coroutine",
    "method",
    "builtin_function_or_method",
)
"""Types whose values are no answers, and containers of several are none either."""
NUMERAL = re.compile(r"-?\d+(?:\.\d+)?(?:/\d+)?")
CUT = "[...]"
"""What begins an output whose head the sandbox dropped within a line."""
MOST_LINES = 50
"""Lines of an output that are looked at, from its end."""
LONGEST_ANSWER = 500
"""Characters of a text that is read as an answer."""
ADDRESS = re.compile(r"\b0x[0-9a-f]{6,16}\b")
"""Where an object lies in memory: another place in every process, so that rows that hold it would not be the same twice."""
MOST_OUTPUT = 500
"""Characters of a program's output that are kept to be looked at."""


@dataclass(frozen=True, slots=True)
class CodeMethod:
    """Solutions such as `def solution(): total = 3 * 4; return total`, run in the sandbox and nowhere else."""

    format: PromptFormat
    name: str = "code"
    version: ClassVar[int] = 5
    """Raised with every change of what is read out of a completion, or of what a solution is cleaned to."""

    def clean(self, completion: str) -> str:
        """The program, see `mmst.methods.programs`."""
        return program_in(completion)

    def read_all(self, completions: Sequence[str], problems: Sequence[Problem], executor: Executor) -> list[Reading]:
        """The value of each program; for `TESTS`, `passed` where it passes them."""
        programs = [program_of(completion, problem) for completion, problem in zip(completions, problems, strict=True)]
        return read_programs(programs, problems, executor)

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
        """Whether the program computes nothing (`7`, `7 + 0`, `int('7')`), or with none of the question's numbers."""
        if problem.kind is AnswerKind.TESTS:
            return False
        try:
            tree = ast.parse(self.clean(completion))
            hidden = problem.kind is AnswerKind.NUMBER and ignores_question(tree, problem.question)
        except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
            return False
        return hidden or not computes(tree)


def program_of(completion: str, problem: Problem) -> str:
    """The program of a completion of a problem; where its question begins a function, that function whole."""
    code = program_in(completion, problem.entry_point if problem.kind is AnswerKind.TESTS else "")
    if problem.entry_point and begins_function(problem.question, problem.entry_point):
        return completed(problem.question, code, problem.entry_point)
    return code


def read_programs(programs: Sequence[str], problems: Sequence[Problem], executor: Executor) -> list[Reading]:
    """What programs return, or whether they pass their problems' tests; each is run once however often it occurs."""
    if not programs:
        return []
    asked = [_program(code, problem) for code, problem in zip(programs, problems, strict=True)]
    distinct = list(dict.fromkeys(asked))
    results = executor.execute([replace(program, name=str(i)) for i, program in enumerate(distinct)])
    found = dict(zip(distinct, results, strict=True))
    read = [
        _of_tests(found[program]) if program.tests else _reading(found[program], problem)
        for program, problem in zip(asked, problems, strict=True)
    ]
    return [replace(reading, output=_shown(found[program])) for reading, program in zip(read, asked, strict=True)]


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


def _shown(result: Result) -> str:
    """What a program printed, and by what error it ended and where, cut to its last characters."""
    parts = [result.stdout.rstrip()]
    if result.status is Status.ERROR:
        parts.append(result.type + (f" (line {result.line})" if result.line else ""))
    shown = ADDRESS.sub("0x...", "\n".join(part for part in parts if part))
    return shown if len(shown) <= MOST_OUTPUT else CUT + shown[-MOST_OUTPUT:]


def _of_tests(result: Result) -> Reading:
    if result.status in UNJUDGED:
        return Reading(None, result.type or result.status.value, judged=False)
    return Reading(PASSED if result.status is Status.OK else None, result.type or result.status.value)


def _reading(result: Result, problem: Problem) -> Reading:
    """The answer that a program gave: what it returned or set, or else what it printed last."""
    if result.status in UNJUDGED:
        return Reading(None, result.type or result.status.value, judged=False)
    says_nothing = result.type in (NO_SOLUTION, LEFT) or (result.status is Status.OK and result.type == "NoneType")
    if says_nothing and (printed := _printed(result.stdout, problem)):
        return Reading(printed, "printed")
    if result.status is not Status.OK:
        return Reading(None, result.type or result.status.value)
    text = _single(result)
    if text is None:
        return Reading(None, f"value of type {result.type}")
    return Reading(_said(text, problem) or text, "value")


def _single(result: Result) -> str | None:
    """A value's text, that of the only item of a container; None for what holds more than an answer."""
    if result.type not in CONTAINERS:
        return None if result.type in NO_ANSWERS else result.value.strip()
    inner = result.value.strip()[1:-1].rstrip(",")
    try:
        item = ast.literal_eval(inner)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return inner if NUMERAL.fullmatch(inner) else None
    return str(item) if isinstance(item, int | float | str) else None


def _printed(output: str, problem: Problem) -> str | None:
    """What the last line says, or else the last line that says of itself that it is the answer."""
    lines = [line for line in output.strip().splitlines()[-MOST_LINES:] if line.strip()]
    if not lines or lines[-1].startswith(CUT):
        return None
    if said := _said(lines[-1].strip(), problem):
        return said
    value, how = stated_answer("\n".join(lines), problem.kind, problem.choices)
    return value if how in ("marked", "boxed", "tagged") else None


def _said(text: str, problem: Problem) -> str | None:
    """What a text that is an answer says: as the statement of a completion is read."""
    exact = canonical_answer(text, problem.kind, problem.choices)
    if exact is not None and problem.kind is not AnswerKind.TEXT:
        return exact
    if len(text) > LONGEST_ANSWER:
        return None
    return stated_answer(f"The answer is {text}", problem.kind, problem.choices)[0] or exact
