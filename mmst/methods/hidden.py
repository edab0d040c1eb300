"""Programs that hide their answer: they calculate, but with none of the question's numbers, such as `return 7 + 0`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from fractions import Fraction

from mmst.answers.numbers import numbers_in

CLOSE = 1e-3
"""How near two numbers count as one: `numbers_in` rounds long decimals, and programs round thirds."""


def ignores_question(tree: ast.AST, question: str) -> bool:
    """Whether a program uses no number of the question, nor one as a percentage (`0.05` or `1.05` for 5).

    False where the question has no numeral: its numbers may be words, which a program writes as it likes. A numeral within a
    text counts as used: it may be read by the program.
    """
    fractions = [Fraction(number) for number in numbers_in(question)]
    asked = {float(part) for number in fractions for part in (number, number.numerator, number.denominator) if part != 1}
    used = set(_used(tree))
    return bool(asked) and not any(abs(value - other) < CLOSE for value in used for n in asked for other in _forms(n))


def _forms(number: float) -> tuple[float, ...]:
    """A number as a program may write it."""
    share = number / 100
    return number, -number, share, 1 + share, 1 - share


def _used(tree: ast.AST) -> Iterator[float]:
    """The numbers in a program's constants, without its docstrings and other texts that no statement uses."""
    idle = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or id(node) in idle or isinstance(node.value, bool):
            continue
        if isinstance(node.value, int | float):
            yield float(node.value)
        elif isinstance(node.value, str):
            yield from (float(Fraction(number)) for number in numbers_in(node.value))
