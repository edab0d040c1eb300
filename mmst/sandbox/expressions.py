"""Mathematics as answers: what a number's expression is worth, and whether two expressions are the same, by math-verify.

math-verify parses what a model wrote, and sympy calculates with it, which may take for ever (math-verify issues 63 and 65):
here that is a program like any other, with limits that hold. Many expressions go into one program; where that fails, each gets
its own. One that runs out of time or memory is unjudged.

Only what is mathematics from end to end is looked at: math-verify drops what it cannot read, so that 10:30 am would be 10:30
pm, and it rounds, so that 1/2^99 would be 1/2^98. Decimals are the same here if they agree in 12
digits, however small they are, and all else exactly.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence

from mmst.answers.markup import plain_signs
from mmst.answers.repeating import exact
from mmst.sandbox.result import Executor, Program, Result, Status

LONGEST = 300
"""Characters of an expression that is looked at."""
MOST_AT_ONCE = 12
FUNCTIONS = "sin|cos|tan|cot|sec|csc|arcsin|arccos|arctan|sinh|cosh|tanh|log|ln|lg|exp|sqrt|pi|max|min|gcd|lcm"
COMMANDS = (
    r"frac|dfrac|tfrac|cfrac|times|cdot|div|binom|left|right|"
    r"le|ge|leq|geq|ne|neq|lt|gt|lfloor|rfloor|lceil|rceil|emptyset|"
    rf"over|infty|pm|cup|cap|in|theta|alpha|beta|gamma|lambda|mu|phi|omega|{FUNCTIONS}"
)
NUMBER = re.compile(
    r"(?:\d{1,3}(?:,\d{3})+(?!\d)|\d|[-+*/^().{}!\s_]"
    r"|\\(?:frac|[dtc]frac|sqrt|pi|lfloor|rfloor|lceil|rceil|times|cdot|div|binom|left|right|over|sin|cos|tan|log|ln|exp)"
    r"(?![a-zA-Z])|\\[,;! ]|\[\d\]|\\(?:gcd|lcm|max|min)\s*\([-\d.,\s]+\))+"
)
"""An expression without unknowns."""
MATHEMATICS = re.compile(
    rf"(?:\d|[-+*/^()\[\]{{}}|=<>!,.\s_']|\\(?:{COMMANDS})(?![a-zA-Z])|\\[,;! {{}}]"
    rf"|(?<![a-zA-Z])(?:{FUNCTIONS})(?![a-zA-Z])|(?<![a-zA-Z])[a-zA-Z](?![a-zA-Z])|(?<=\d)[a-zA-Z](?![a-zA-Z])"
    r"|\\(?:begin|end)\{(?:p|v)?matrix\}|\\\\|&"
    rf"|(?<![a-zA-Z])(?:[a-d]{{2,3}}|[x-z]{{2,3}}|[p-r]{{2,3}})(?![a-zA-Z]))+"
)
"""An expression with unknowns of one letter, or a product of these."""
LOOKS_LIKE_MATHEMATICS = re.compile(r"[\d\\^=+*/]")
DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}|(?<!\d)[12]\d{3}-\d{1,2}(?!\d)")
UNIT_LETTER = re.compile(r"\d\s*[mgshlLkKMWVANJCF]$")
TOWER = re.compile(r"\^\s*(?:\{[^{}]*[\^!]|\d+\s*\^|\{?-?\d{5})|\d{4,}\s*!|!\s*!|\^[^{]{0,8}\^")
"""What is not calculated: it has more digits than any answer."""
GROUPS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
TAIL_UNIT = re.compile(r"\s+(?!(?:or|and|to|more|less)\b)(?:[^\W\d_]{2,}|[mgshlL])(?:\s?\^\s?\{?[23]\}?)?$")
UNITS = re.compile(
    r"(?:\s+|\s*\\(?:text|mathrm)\s*\{\s*)(?:(?:square|cubic|sq\.?|cu\.?)\s+)?units?\.?\s*\}?[\s$]*$", re.IGNORECASE
)
DEGREES = re.compile(
    r"\\?(sin|cos|tan|cot|sec|csc)\s*(?:(?P<bracket>\()|\{)?\s*(\d+)\s*(?:\u00b0|\^\s*\{?\s*\\circ\s*\}?)\s*(?(bracket)\)|\}?)"
)
"""Which math-verify would drop, so that the sine of 30 degrees were that of 30."""
CALCULATED = re.compile(r"\\[a-zA-Z]|\^|!|[/*]")
"""What makes a statement more than a numeral."""
WRITTEN = (
    ("\u221a", "\\sqrt"),
    ("\u03c0", "\\pi "),
    ("\u00d7", "\\times "),
    ("\u00f7", "\\div "),
    ("**", "^"),
    ("$", " "),
    ("\u2248", "="),
    ("\u221e", "\\infty "),
    ("\u2264", "\\le "),
    ("\u2265", "\\ge "),
    ("\u2260", "\\ne "),
    ("\u00b1", "\\pm "),
    ("\u222a", "\\cup "),
    ("\u2229", "\\cap "),
    ("\u2205", "\\emptyset "),
    ("\\varnothing", "\\emptyset "),
    ("\\leq", "\\le"),
    ("\\geq", "\\ge"),
    ("bmatrix}", "pmatrix}"),
)
ROOT_OF_NUMBER = re.compile(r"\\sqrt\s*(?:\((\d+)\)|(\d+))")
COMMON = r"""
def parsed(text):
    from math_verify import parse
    found = parse("$" + text + "$", parsing_timeout=None, fallback_mode="no_fallback", extraction_mode="first_match")
    found = found[0] if found else None
    if getattr(found, "is_FiniteSet", False) and len(found) == 1 and "\\{" not in text:
        found = next(iter(found))
    return found

def right_side(found):
    import sympy
    return found.rhs if isinstance(found, sympy.Equality) and found.lhs.is_Symbol else found
"""
VALUES = (
    COMMON
    + r"""
def value(text):
    import re
    from fractions import Fraction
    twice = re.fullmatch(r"(.*[\d})!])\s+\(\s*(-?[\d.]+(?:/\d+)?|-?\\\\[dt]?frac\{\d+\}\{\d+\})\s*\)", text)
    if twice is None:
        return worth(text)
    first, second = worth(twice[1]), worth(twice[2])  # one value in two forms is that value, and no product
    if not first or not second:
        return ""
    decimals = len(twice[2].partition(".")[2])
    most = Fraction(1, 2 * 10**decimals) if decimals else Fraction(1, 10**12)
    return first if abs(Fraction(first) - Fraction(second)) <= most else ""

def worth(text):
    import sympy
    found = right_side(parsed(text))
    if isinstance(found, sympy.UnevaluatedExpr):
        found = found.doit()
    if not isinstance(found, sympy.Expr) or found.free_symbols:
        return ""
    if found.is_Rational:
        return str(found)
    number = sympy.N(found, 40)
    return str(number) if number.is_Float and number.is_finite else str(number) if number.is_Rational else ""

def solution():
    return [value(text) for text in {texts!r}]
"""
)
PAIRS = (
    COMMON
    + r"""
def same(a, b):
    import sympy
    if a is None or b is None:
        return False
    if isinstance(a, sympy.Equality) and isinstance(b, sympy.Equality):
        return same(a.lhs, b.lhs) and same(a.rhs, b.rhs) or same_sides(a, b)
    if isinstance(a, sympy.Equality) != isinstance(b, sympy.Equality):
        a, b = right_side(a), right_side(b)
    if isinstance(a, sympy.Expr) and isinstance(b, sympy.Expr):
        return same_number(a, b) if not (a.free_symbols or b.free_symbols) else sympy.simplify(a - b) == 0
    if isinstance(a, (sympy.FiniteSet, sympy.Tuple)) and type(a) is type(b):
        first, second = list(a), list(b)
        if isinstance(a, sympy.Tuple):
            return len(first) == len(second) and all(map(same, first, second))
        return len(first) == len(second) and all(any(same(x, y) for y in second) for x in first)
    if isinstance(a, sympy.Interval) and isinstance(b, sympy.Interval):
        return (a.left_open, a.right_open) == (b.left_open, b.right_open) and same(a.start, b.start) and same(a.end, b.end)
    if isinstance(a, sympy.core.relational.Relational) and isinstance(b, sympy.core.relational.Relational):
        return a.canonical == b.canonical
    if isinstance(a, sympy.MatrixBase) and isinstance(b, sympy.MatrixBase):
        return a.shape == b.shape and all(map(same, a, b))
    return type(a) is type(b) and a == b

def same_sides(a, b):
    import sympy
    ratio = sympy.simplify((a.lhs - a.rhs) / (b.lhs - b.rhs))
    return bool(ratio.is_number and ratio != 0 and ratio.is_finite)

def same_number(a, b):
    import sympy
    if a == b:
        return True
    if a.is_Rational and b.is_Rational:
        return False
    larger = max(abs(sympy.N(a, 30)), abs(sympy.N(b, 30)))
    rounded = a.has(sympy.Float) or b.has(sympy.Float)
    return bool(abs(sympy.N(a - b, 30, maxn=500)) <= larger * sympy.Float("1e-12" if rounded else "1e-100"))

def equal(first, second):
    import re
    if re.search(r"\d\s*_", first + " " + second):  # a base, which is dropped by parsing
        return re.sub(r"[{}\s]", "", first) == re.sub(r"[{}\s]", "", second)
    first, second = (re.sub(r"(?<!\d)\s+|\s+(?!\d)", "", text) for text in (first, second))
    if first == second:
        return True
    lists = [text.split(",") for text in (first, second) if "," in text and not any(c in text for c in "()[]{}")]
    if len(lists) == 2 and len(lists[0]) == len(lists[1]):
        return all(same(parsed(a), parsed(b)) for a, b in zip(*lists))
    return same(parsed(first), parsed(second))

def solution():
    return [bool(equal(a, b)) for a, b in {texts!r}]
"""
)


MATH_VERIFY = """
def right(gold, completion):
    from math_verify import parse, verify
    return verify(parse(gold, parsing_timeout=None), parse(completion, parsing_timeout=None), timeout_seconds=None)

def solution():
    return [bool(right(gold, completion)) for gold, completion in {texts!r}]
"""


def math_verify(pairs: Sequence[tuple[str, str]], executor: Executor) -> list[bool | None]:
    """What math-verify says of gold answers and whole completions, by its own defaults; None where time or memory ran out."""
    return [None if found is None else bool(found) for found in _calculated(MATH_VERIFY, list(pairs), False, executor)]


def is_expression(text: str) -> bool:
    r"""Whether a statement is an expression of numbers that can be calculated, such as `4\sqrt{2}`."""
    return _number_expression(text) is not None


def values_of(texts: Sequence[str], executor: Executor) -> list[str | None]:
    """What expressions of numbers are worth, as numerals; empty where they are none; None where time or memory ran out."""
    written = [_number_expression(text) or "" for text in texts]
    return [None if value is None else str(value) for value in _calculated(VALUES, written, "", executor)]


def may_be_equal(first: str, second: str) -> bool:
    """Whether two different texts are worth a look: both short, and mathematics from end to end."""
    if max(len(first), len(second)) > LONGEST:
        return False
    both = _without_units(first, second)
    return any(LOOKS_LIKE_MATHEMATICS.search(text) for text in both) and all(_is_mathematics(text) for text in both)


def equal_expressions(pairs: Sequence[tuple[str, str]], executor: Executor) -> list[bool | None]:
    """Whether the expressions of each pair are the same; None where time or memory ran out."""
    written = [(_latex(a), _latex(b)) for a, b in (_without_units(first, second) for first, second in pairs)]
    return [None if found is None else bool(found) for found in _calculated(PAIRS, written, False, executor)]


def _calculated(program: str, inputs: Sequence[object], otherwise: object, executor: Executor) -> list[object]:
    """What a program returns for each input; `otherwise` where it raises, None where it has no time or no room."""
    distinct = list(dict.fromkeys(inputs))
    groups = [tuple(distinct[n : n + MOST_AT_ONCE]) for n in range(0, len(distinct), MOST_AT_ONCE)]
    found: dict[object, object] = {}
    for group, values in zip(groups, _run(program, groups, executor), strict=True):
        if isinstance(values, list):
            found.update(zip(group, values, strict=True))
    alone = [(text,) for text in distinct if text not in found]
    for (text,), values in zip(alone, _run(program, alone, executor), strict=True):
        found[text] = values[0] if isinstance(values, list) else otherwise if values is Status.ERROR else None
    return [found[text] for text in inputs]


def _run(program: str, groups: Sequence[tuple[object, ...]], executor: Executor) -> list[list[object] | Status]:
    if not groups:
        return []
    programs = [Program(str(n), program.replace("{texts!r}", repr(list(group)))) for n, group in enumerate(groups)]
    return [_returned(result) for result in executor.execute(programs)]


def _returned(result: Result) -> list[object] | Status:
    return ast.literal_eval(result.value) if result.status is Status.OK else result.status


def _number_expression(text: str) -> str | None:
    """An expression of numbers in LaTeX, without its unit; None where it is none, or too large to calculate."""
    if len(text) > 2 * LONGEST:
        return None
    written = GROUPS.sub("", text)
    written = TAIL_UNIT.sub("", _latex(written).rstrip("%. ")).strip()
    if not written or len(written) > LONGEST or TOWER.search(written) or not CALCULATED.search(written):
        return None
    return written if NUMBER.fullmatch(written) and any(sign.isdigit() or sign == "p" for sign in written) else None


def _is_mathematics(text: str) -> bool:
    if len(text) > LONGEST or ":" in text or DATE.search(text) or UNIT_LETTER.search(text):
        return False
    return MATHEMATICS.fullmatch(_latex(text)) is not None


def _without_units(first: str, second: str) -> tuple[str, str]:
    """Two texts without `square units` behind one of them."""
    short = UNITS.sub("", first), UNITS.sub("", second)
    return short if (short[0] == first) != (short[1] == second) else (first, second)


def _latex(text: str) -> str:
    """A text with LaTeX's commands for what it writes in signs."""
    written = exact(plain_signs(text))
    written = re.sub(r"(?<![\\a-zA-Z])sqrt(?![a-zA-Z])", r"\\sqrt", written)
    written = DEGREES.sub(r"\\\1(\\frac{\3\\pi}{180})", written)
    for sign, command in WRITTEN:
        written = written.replace(sign, command)
    return ROOT_OF_NUMBER.sub(lambda found: f"\\sqrt{{{found[1] or found[2]}}}", written).strip()
