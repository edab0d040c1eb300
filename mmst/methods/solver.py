"""What solves equations. Its text becomes a part of each program that `EquationMethod` makes: it runs in the sandbox alone."""

from __future__ import annotations

import ast
import operator
import re
from fractions import Fraction

NAME = re.compile(r"[A-Za-z_]\w*")
ALLOWED = re.compile(r"[\w\s+\-*/().]*=[\w\s+\-*/().]*")
OPERATIONS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}


def solved(lines: list[str]) -> Fraction | float:
    """The value of `answer` in a system of equations, one a line.

    Raises:
        ValueError: a line is no equation, or the system leaves `answer` open, or has no or several values for it.
    """
    for line in lines:
        if not ALLOWED.fullmatch(line) or "**" in line:
            raise ValueError("no equation: " + line[:60])
    values: dict[str, Fraction] = {}
    for line in lines:
        name, side = (part.strip() for part in line.split("="))
        if not NAME.fullmatch(name) or name in values or not set(NAME.findall(side)) <= set(values):
            return _solved_by_sympy(lines)
        values[name] = _value(ast.parse(side, mode="eval").body, values)
    if "answer" not in values:
        raise ValueError("no answer")
    return values["answer"]


def _value(node: ast.expr, values: dict[str, Fraction]) -> Fraction:
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATIONS:
        return OPERATIONS[type(node.op)](_value(node.left, values), _value(node.right, values))  # type: ignore[no-any-return]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_value(node.operand, values)
    if isinstance(node, ast.Name):
        return values[node.id]
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return Fraction(str(node.value))
    raise ValueError("no arithmetic: " + ast.unparse(node)[:60])


def _solved_by_sympy(lines: list[str]) -> Fraction | float:
    import sympy

    symbols = {name: sympy.Symbol(name) for line in lines for name in NAME.findall(line)}
    answer = symbols.setdefault("answer", sympy.Symbol("answer"))
    equations = []
    for line in lines:
        left, right = (sympy.sympify(side.strip(), locals=symbols, rational=True) for side in line.split("="))
        equations.append(left - right)
    solutions = sympy.solve(equations, list(symbols.values()), dict=True)
    values = {solution[answer] for solution in solutions if answer in solution and solution[answer].is_number}
    if len(values) > 1:
        values = {value for value in values if value.is_positive}
    if len(values) != 1:
        raise ValueError(f"{len(values)} values for answer")
    value = values.pop()
    return Fraction(int(value.p), int(value.q)) if value.is_Rational else float(value)
