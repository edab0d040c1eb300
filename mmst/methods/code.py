"""Programs: a Python function whose returned value is the answer (PAL, arXiv 2211.10435; PoT, arXiv 2211.12588)."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass

from mmst.answers.numbers import canonical_number
from mmst.methods.method import Reading
from mmst.methods.prompt import QUESTION_CUE, PromptFormat
from mmst.sandbox.result import UNJUDGED, Executor, Program, Result, Status
from mmst.types import Problem, Step

INDENT = "    "
FENCE = re.compile(r"```(?:python|py)?\s*\n(.*?)(?:```|$)", re.DOTALL)
NO_SOLUTION = "NoSolution"
"""The error of a program that defines neither `solution()` nor `answer`: what it printed last may be its answer."""
READABLE_TYPES = ("int", "float", "str", "bool", "Fraction", "Decimal", "Integer", "Rational", "Float")


@dataclass(frozen=True, slots=True)
class CodeMethod:
    """Solutions such as `def solution(): total = 3 * 4; return total`, run in the sandbox and nowhere else."""

    format: PromptFormat
    name: str = "code"

    def clean(self, completion: str) -> str:
        """The program: what is inside a code fence if there is one, and nothing after a run-on next question."""
        text = completion.split("\n" + QUESTION_CUE.strip())[0]
        fenced = FENCE.search(text)
        return (fenced.group(1) if fenced else text).strip("\n").rstrip()

    def read(self, completions: Sequence[str], executor: Executor) -> list[Reading]:
        """The value of each program, run once however often it occurs."""
        programs = [self.clean(completion) for completion in completions]
        distinct = list(dict.fromkeys(programs))
        results = executor.execute([Program(str(i), code) for i, code in enumerate(distinct)])
        readings = {code: _reading(result) for code, result in zip(distinct, results, strict=True)}
        return [readings[code] for code in programs]

    def render(self, derivation: Sequence[Step]) -> str:
        """One assignment a step."""
        lines = [f"{INDENT}{step.label} = {step.left} {step.operator} {step.right}" for step in derivation]
        return "\n".join(["def solution():", *lines, f"{INDENT}return {derivation[-1].label}"])

    def leaks(self, problem: Problem, completion: str, answer: str) -> bool:
        """Whether the program computes nothing: no operator and no call but the definition of its own function."""
        try:
            tree = ast.parse(self.clean(completion))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return False
        return not any(isinstance(node, ast.BinOp | ast.Call | ast.AugAssign | ast.Compare) for node in ast.walk(tree))


def _reading(result: Result) -> Reading:
    if result.status in UNJUDGED:
        return Reading(None, result.status.value, judged=False)
    printed = result.stdout.strip().splitlines()
    if result.type == NO_SOLUTION and printed and (value := canonical_number(printed[-1])):
        return Reading(value, "printed")
    if result.status is not Status.OK:
        return Reading(None, result.type or result.status.value)
    if result.type not in READABLE_TYPES:
        return Reading(None, f"value of type {result.type}")
    return Reading(canonical_number(result.value) or result.value.strip(), "value")
