"""Right answers with wrong reasons: the statements `a op b = c` of a text, checked one by one."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable
from fractions import Fraction

NUMERAL = r"\d+(?:,\d{3})*(?:\.\d+)?"
STATEMENT = re.compile(
    rf"(?<![\w.])(\(*-?\$?{NUMERAL}(?:\s*[-+*/x\u00d7\u00f7]\s*\(*\$?{NUMERAL}\)*)+)\s*=\s*\$?(-?{NUMERAL})(?![\w/*]|\.\d)"
)
OPERATIONS: dict[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
LONGEST = 4_000
"""Characters of a text that are checked."""


def wrong_steps(text: str) -> list[str]:
    """The statements that do not hold, such as `3 * 4 = 13`.

    A result that is rounded to the decimals it shows holds. What cannot be read is not counted.
    """
    return [match.group() for match in STATEMENT.finditer(text[:LONGEST]) if _holds(*match.groups()) is False]


def _holds(left: str, right: str) -> bool | None:
    plain = re.sub(r"[$,]", "", left).replace("x", "*").replace("\u00d7", "*").replace("\u00f7", "/")
    stated = right.replace(",", "")
    try:
        value = _value(ast.parse(plain.strip(), mode="eval").body)
    except (SyntaxError, ValueError, ZeroDivisionError, RecursionError):
        return None
    decimals = len(stated.partition(".")[2])
    return abs(value - Fraction(stated)) <= Fraction(1, 2 * 10**decimals) if decimals else value == Fraction(stated)


def _value(node: ast.expr) -> Fraction:
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATIONS:
        return OPERATIONS[type(node.op)](_value(node.left), _value(node.right))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_value(node.operand)
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return Fraction(str(node.value))
    raise ValueError("no arithmetic")
