"""Right answers with wrong reasons: the statements `a op b = c` of a text, checked one by one.

Units and words may stand after each number (`3 boxes * 4 apples/box = 12 apples`), sides may be chained (`2 * 3 = 6 = 12 / 2`),
and percent and cents are read as either number. What may say more than is read, such as a quantity in words, is not judged.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import pairwise
from math import ceil, floor

TOKEN = re.compile(
    r"(?P<number>(?:\$ ?)?(?:\d+(?:,\d{3})*(?:\.\d+)?|\.\d+)(?![\d,]*\d))(?P<percent>\s?%)?"
    r"|(?P<unit>/\s?[^\W\d_]+)|(?P<operator>[-+*/\u00d7\u00f7\u2212\u2013]|(?<=\s)x(?=[\s$(.])|(?<=[\d)%])x(?=\s*[\d$(.]))|(?P<paren>[()])"
    r"|(?P<word>[^\W\d_][\w'\u2019]*(?:-[^\W\d]\w*|\.(?=\w))*)|(?P<space>\s+)|(?P<equals>=)|(?P<end>.)",
    re.DOTALL,
)
SIGNS = str.maketrans({"x": "*", "\u00d7": "*", "\u00f7": "/", "\u2212": "-", "\u2013": "-"})
OPERATIONS: dict[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
FRACTION = re.compile(r"(?<![\d.)])(\d+)/(\d+)(?![\d.(])")
REPEATED = re.compile(r"/(\d+)/(\d+)")
PROPER = re.compile(r"\(*(\d+)/(\d+)\)*")
UNKNOWN = re.compile(r"[\d)][^\W\d_](?![^\W_])|\b0\d")
"""A number with the letter of an unknown, or half of a number that is written with a space."""
ENDING = ("and", "then", "so")
JOINING = ("times", "than", "by", "plus", "minus")
PARTS = ("half", "third", "thirds", "quarter", "quarters", "fourth", "fifth", "tenth", "each", "all", "rest", "percent")
LONGEST = 4_000
"""Characters of a text that are checked."""
MOST_TOKENS = 80
"""Of one side."""

Tokens = Sequence[re.Match[str]]


def wrong_steps(text: str) -> list[str]:
    """The statements that do not hold, such as `3 * 4 = 13`.

    A result that is rounded to the decimals it shows holds, and so does the whole number next to a quotient.
    """
    return [
        text[first[0].start() : second[-1].end()].strip() for first, second in _stated(text) if _holds(first, second) is False
    ]


def statements(text: str) -> int:
    """How many statements of a text can be checked."""
    return sum(_holds(first, second) is not None for first, second in _stated(text))


def _stated(text: str) -> list[tuple[Tokens, Tokens]]:
    """The two sides of each statement that is a calculation and what it comes to."""
    return [
        (first, second)
        for left, right in _sides(text[:LONGEST])
        if (first := _last(left)) and (second := _first(right)) and _is_plain(first) and _is_plain(second)
    ]


def _sides(text: str) -> list[tuple[Tokens, Tokens]]:
    """What stands left and right of each sign of equality, up to the ends of its clause."""
    clauses: list[list[list[re.Match[str]]]] = [[[]]]
    for token in TOKEN.finditer(text):
        if token.lastgroup == "end" or "\n" in token[0]:
            clauses.append([[]])
        elif token["equals"]:
            clauses[-1].append([])
        elif not token["space"]:
            clauses[-1][-1].append(token)
    return [pair for clause in clauses for pair in pairwise(clause)]


def _last(tokens: Tokens) -> Tokens:
    """The calculation at the end of a side; none where what stands before it may belong to it."""
    start = end = len(tokens)
    for n in range(end - 1, max(-1, end - MOST_TOKENS), -1):
        token = tokens[n]
        opens = token[0] == "(" and start == n + 1
        if not (token["number"] or opens):
            continue
        if token["number"] and start < end and not _joined(tokens[n + 1 : start]):
            break
        start = n
    found = tokens[start:]
    return found if any(token["operator"] for token in found) and not _open(tokens, start) else ()


def _joined(between: Tokens) -> bool:
    """Whether what stands between two numbers joins them: an operator, with words and units before it alone."""
    kinds = "".join("o" if t["operator"] else "p" if t["paren"] else "e" if t[0].lower() in ENDING else "w" for t in between)
    return re.fullmatch(r"[wp]*op*", kinds) is not None


def _open(tokens: Tokens, start: int) -> bool:
    """Whether a calculation goes on to the left of where it was found to begin."""
    before, earlier = (tokens[start - n] if start >= n else None for n in (1, 2))
    if before is None:
        return False
    if before["operator"] or before["number"] or before[0] == ")" or before[0].lower() in JOINING:
        return True
    part = earlier is not None and (earlier["number"] or earlier[0] == ")" or earlier[0].lower() in PARTS)
    return before[0].lower() == "of" and bool(part)


def _first(tokens: Tokens) -> Tokens:
    """The calculation or number that a side begins with."""
    found: list[re.Match[str]] = []
    for token in tokens[:MOST_TOKENS]:
        last = next((one for one in reversed(found) if not (one["word"] or one["unit"])), None)
        if not found and (token["word"] or token["unit"]):
            return ()
        if token["number"] and last is not None and last["number"]:
            break
        found.append(token)
    if any(token["operator"] for token in found) and found[-1]["operator"]:
        return ()
    return _without_tail(found)


def _without_tail(found: list[re.Match[str]]) -> Tokens:
    while found and (found[-1]["word"] or found[-1]["unit"]):
        found.pop()
    return found


def _is_plain(side: Tokens) -> bool:
    """Whether a side has no unknowns, and is more than the share of something that was named before (`1/2 = 12`)."""
    text = side[0].string[side[0].start() : side[-1].end()]
    share = PROPER.fullmatch(text)
    tail = side[0].string[side[-1].end() : side[-1].end() + 2]
    return not UNKNOWN.search(text[-1:] + tail) and not UNKNOWN.search(text) and not (share and int(share[1]) < int(share[2]))


def _holds(left: Tokens, right: Tokens) -> bool | None:
    """Whether two sides are equal by one of the ways in which they may be read; None where one cannot be read."""
    stated = [value for percent in ("", "/100") for value in _values(right, percent)]
    values = [value for percent in ("", "/100") for value in _values(left, percent)]
    if not stated or not values:
        return None
    decimals = len(right[-1]["number"].strip().partition(".")[2]) if right[-1]["number"] else 0
    divided = any(token[0] in "/\u00f7" for token in left if token["operator"])
    by_hundred = any("." in token[0] for token in left) or any(token["percent"] for token in (*left, *right))
    scales = (Fraction(1), Fraction(100), Fraction(1, 100)) if by_hundred else (Fraction(1),)
    return any(_same(value * scale, said, decimals, divided) for value in values for said in stated for scale in scales)


def _same(value: Fraction, said: Fraction, decimals: int, divided: bool) -> bool:
    if decimals and (
        abs(value - said) <= Fraction(1, 2 * 10**decimals) or said == Fraction(floor(value * 10**decimals), 10**decimals)
    ):
        return True
    return value == said or (divided and not decimals and said in (floor(value), ceil(value)))


def _values(tokens: Tokens, percent: str) -> list[Fraction]:
    """The values of a side; several where `a / b/c` may be either."""
    written = "".join(_written(token, percent) for token in tokens)
    while written.count("(") > written.count(")") and written.startswith("("):
        written = written[1:]
    while written.count(")") > written.count("(") and written.endswith(")"):
        written = written[:-1]
    found = []
    for text in {written, FRACTION.sub(r"(\1/\2)", written), REPEATED.sub(r"/(\1/\2)", written)}:
        try:
            found.append(_value(ast.parse(text, mode="eval").body))
        except (SyntaxError, ValueError, ZeroDivisionError, RecursionError, MemoryError):
            continue
    return found


def _written(token: re.Match[str], percent: str) -> str:
    if token["number"]:
        plain = re.sub(r"[$,\s]", "", token["number"])
        return f"({plain}{percent})" if token["percent"] and percent else plain
    return (token["operator"] or token["paren"] or "").translate(SIGNS)


def _value(node: ast.expr) -> Fraction:
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATIONS:
        return OPERATIONS[type(node.op)](_value(node.left), _value(node.right))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_value(node.operand)
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return Fraction(str(node.value))
    raise ValueError("no arithmetic")
