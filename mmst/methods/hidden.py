"""Programs that hide their answer: they calculate nothing (`7 + 0`), or with none of the question's numbers (`14 / 2`)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from fractions import Fraction

from mmst.answers.number_words import numbers_in_words
from mmst.answers.numbers import numbers_in
from mmst.answers.vocabulary import SCALES

COMPUTING = (ast.BinOp, ast.Call, ast.AugAssign, ast.Compare, ast.BoolOp)
NEUTRAL_ONE = (ast.Mult, ast.Div, ast.FloorDiv, ast.Pow)
"""Operations that one on the right leaves as it was."""
CASTS = {"int", "float", "str", "round", "abs", "print", "Fraction", "Decimal", "complex"}
CLOSE = 1e-3
"""How near two numbers count as one: `numbers_in` rounds long decimals, and programs round thirds."""


def ignores_question(tree: ast.AST, question: str) -> bool:
    """Whether a program uses no number of the question, nor one as a percentage (`0.05` or `1.05` for 5).

    Numbers in words are numbers (`a dozen`, `twice`). False where the question has none but 1. A numeral within a text counts
    as used: it may be read by the program. What a function assigns to a name that nothing reads does not.
    """
    asked = _asked(question)
    used = set(_used(tree))
    return bool(asked) and not any(abs(value - other) < CLOSE for value in used for n in asked for other in _forms(n))


def computes(tree: ast.AST) -> bool:
    """Whether a program has an operation that makes a new value: not `7 + 0`, `int('7')` or a call of its own function."""
    own = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    plain = _names_of_constants(tree)
    return any(isinstance(node, COMPUTING) and not _is_idle_operation(node, own, plain) for node in ast.walk(tree))


def _names_of_constants(tree: ast.AST) -> set[str]:
    """The names to which only constants are assigned."""
    given: dict[str, bool] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            names = [name.id for target in node.targets for name in ast.walk(target) if isinstance(name, ast.Name)]
            given |= {name: given.get(name, True) and isinstance(node.value, ast.Constant) for name in names}
        elif isinstance(node, ast.Name | ast.arg) and not isinstance(getattr(node, "ctx", None), ast.Load):
            name = node.arg if isinstance(node, ast.arg) else node.id
            given.setdefault(name, False)
    return {name for name, constant in given.items() if constant}


def _is_idle_operation(node: ast.AST, own: set[str], plain: set[str]) -> bool:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        if node.func.id in own:
            return not node.args and not node.keywords
        return node.func.id in CASTS and all(_is_constant(arg, own, plain) for arg in node.args)
    if not isinstance(node, ast.BinOp):
        return False
    neutral = 0 if isinstance(node.op, ast.Add | ast.Sub) else 1 if isinstance(node.op, NEUTRAL_ONE) else None
    swaps = isinstance(node.op, ast.Add | ast.Mult)
    return _is(node.right, neutral) or (swaps and _is(node.left, neutral))


def _is(node: ast.AST, value: int | None) -> bool:
    return value is not None and isinstance(node, ast.Constant) and node.value == value and not isinstance(node.value, bool)


def _is_constant(node: ast.AST, own: set[str], plain: set[str]) -> bool:
    if isinstance(node, ast.Name):
        return node.id in plain
    return isinstance(node, ast.Constant) or _is_idle_operation(node, own, plain)


def _asked(question: str) -> set[float]:
    """The numbers of a question, the parts of its fractions, and `5 million` as one."""
    fractions = [Fraction(number) for number in numbers_in(question)] + numbers_in_words(question)
    scales = [SCALES[word] for word in set(question.lower().split()) & set(SCALES)]
    parts = {float(part) for n in fractions for part in (n, n.numerator, n.denominator, *(n * scale for scale in scales))}
    return parts - {1.0}


def _forms(number: float) -> tuple[float, ...]:
    """A number as a program may write it."""
    share = number / 100
    return number, -number, share, 1 + share, 1 - share


def _used(tree: ast.AST) -> Iterator[float]:
    """The numbers in a program's constants, without its docstrings and what nothing reads."""
    idle = set(_idle(tree))
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or id(node) in idle or isinstance(node.value, bool):
            continue
        if isinstance(node.value, int | float):
            yield float(node.value)
        elif isinstance(node.value, str):
            yield from (float(Fraction(number)) for number in numbers_in(node.value))


def _idle(tree: ast.AST) -> Iterator[int]:
    """The ids of constants that a program holds and does not use."""
    read = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    local = {id(node) for function in ast.walk(tree) if isinstance(function, ast.FunctionDef) for node in ast.walk(function)}
    shared = any(isinstance(node, ast.Global | ast.Nonlocal) for node in ast.walk(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield id(node.value)
        elif isinstance(node, ast.Assign) and id(node) in local and not shared:
            names = [target.id for target in node.targets if isinstance(target, ast.Name)]
            if len(names) == len(node.targets) and not read.intersection(names):
                yield from (id(part) for part in ast.walk(node.value))
