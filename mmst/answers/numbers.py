"""Numbers as answers: one canonical text for each value, so that equality is the equality of texts.

Comparing canonical texts makes equality reflexive, symmetric and transitive, which a tolerance does not: with one, 1 equals
1 + e, that equals 1 + 2e, and 1 does not equal 1 + 2e.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation, localcontext
from fractions import Fraction
from functools import lru_cache
from itertools import islice

DECIMALS = 6
FEWEST_DIGITS = 4
"""Significant digits of what is so small that six decimals would hold fewer of it: 1e-9 is neither 0 nor 2e-9."""
SIGNS = "-+\u2212"
OPERATION = re.compile(r"\s*(?:[-+*/^\u2212\u00d7\u00f7]|\*\*)\s*[($]*\s*\d")
"""What makes a number the beginning of an expression."""
LONGEST_NUMBER = 400
LONGEST_REMEMBERED = 40
LARGEST_EXPONENT = 400

NUMBER = re.compile(
    r"""[-+\u2212]?\s?\$?\s?            # sign and currency
    (?:
        \d+\s+\d+/\d+                   # 1 1/2
      | \d+/\d+                         # 3/4
      | (?:[1-9]\d{0,2}(?:,\d{3})+|\d+)(?:\.\d+)?(?:[eE][-+]?\d+)?   # 1,234.5  72.0  1e3
      | \.\d+(?:[eE][-+]?\d+)?          # .5
    )""",
    re.VERBOSE,
)


def canonical_number(text: str) -> str | None:
    """The canonical text of a number such as `1,234.50`, `-3/4`, `$72.0` or `1 1/2`; None for anything else.

    Values are rounded to six decimals, half to even, and small ones to four significant digits; `-0` is `0`, and so is nothing
    else; a whole number has no point.
    """
    return _short_number(text) if len(text) <= LONGEST_REMEMBERED else _canonical(text)


@lru_cache(maxsize=4096)
def _short_number(text: str) -> str | None:
    """Numbers of one text are read several times, and those of a data set are few."""
    return _canonical(text)


def _canonical(text: str) -> str | None:
    stripped = text.strip().rstrip(". ")
    if stripped.isascii() and stripped.isdigit() and len(stripped) <= LONGEST_NUMBER:
        return stripped.lstrip("0") or "0"
    if ".." in text and "." in stripped:
        return None  # 0.333..., which has more digits
    if len(stripped) > LONGEST_NUMBER or not NUMBER.fullmatch(stripped):
        return None
    bare = stripped.replace("\u2212", "-").replace(",", "").replace("$", "").replace("+", "", 1 if stripped[0] == "+" else 0)
    value = _value(re.sub(r"^-\s+", "-", bare.strip()))
    return None if value is None else _text(value)


def number_value(text: str) -> Fraction | None:
    """The value of a plain numeral such as `1234.5`, `3/4`, `2.5/5`, `1 1/2` or `1e3`; None for anything else."""
    return _value(text) if text and len(text) <= LONGEST_NUMBER else None


def canonical_value(value: Fraction) -> str:
    """The canonical text of a value; see `canonical_number`."""
    return _text(value)


def numbers_in(text: str) -> list[str]:
    """The canonical texts of the numbers in a text, in order. A digit that is glued to a letter before it is none."""
    return [number for _, number in _found(text) if number is not None]


def first_number(text: str) -> str | None:
    """The canonical text of a statement's first number; None where it begins an expression that was left unevaluated."""
    for match, number in _found(text):
        return None if OPERATION.match(text, match.end()) else number
    return None


def is_expression(text: str) -> bool:
    """Whether a statement's first number begins an expression that was left unevaluated, such as `3 + 4` or `5^5`."""
    return any(OPERATION.match(text, match.end()) is not None for match, _ in islice(_found(text), 1))


def _found(text: str) -> Iterator[tuple[re.Match[str], str | None]]:
    for match in NUMBER.finditer(text):
        written = match.group().lstrip()
        start = match.end() - len(written)
        before = text[start - 1] if start else " "
        if before.isalpha() or before == "_":
            if written[0] not in SIGNS:
                continue
            written = written[1:]  # a dash, not a sign
        elif written[0] in SIGNS and (before.isdigit() or before == ")"):
            written = written[1:]
        yield match, canonical_number(written)


def _value(text: str) -> Fraction | None:
    try:
        if "/" in text:
            return _fraction(text)
        number = Decimal(text)
        return Fraction(number) if number.is_finite() and abs(number.adjusted()) <= LARGEST_EXPONENT else None
    except (ValueError, ZeroDivisionError, InvalidOperation):
        return None


def _fraction(text: str) -> Fraction:
    sign = -1 if text.startswith("-") else 1
    whole, _, fraction = text.lstrip("-").rpartition(" ")
    above, _, below = fraction.partition("/")
    return sign * ((Fraction(int(whole)) if whole.strip() else Fraction(0)) + Fraction(above) / Fraction(below))


def _text(value: Fraction) -> str:
    with localcontext() as context:
        context.prec = 2 * LARGEST_EXPONENT + DECIMALS
        number = Decimal(value.numerator) / Decimal(value.denominator)
        decimals = max(DECIMALS, FEWEST_DIGITS - 1 - number.adjusted()) if number else DECIMALS
        rounded = number.quantize(Decimal(1).scaleb(-decimals))
    if number and rounded.adjusted() < -DECIMALS:
        return f"{rounded.normalize():e}"
    text = f"{rounded:f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
