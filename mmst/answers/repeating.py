r"""Decimals whose last digits repeat without end, as fractions: `0.\overline{3}`, `0.333...`, `0.3 repeating`."""

from __future__ import annotations

import re
from fractions import Fraction

REPEATING = re.compile(
    r"(?<![\d.,])(?P<whole>\d{1,20})\.(?:"
    r"(?P<barred>\d{0,20})\\(?:overline|bar)\s*(?:\{\s*(?P<bar>\d{1,20})\s*\}|(?P<digit>\d))"
    "|(?P<overlined>\\d{0,20}?)(?P<over>(?:\\d\u0305){1,20})"
    r"|(?P<fixed>\d{0,20}?)(?P<again>\d)(?P=again)+\s?(?:\.{2,}|\u2026|\\[lc]?dots)(?!\s?\d)"
    r"|(?P<said>\d{0,20}?)(?P<last>\d)(?:(?<=\.\d)|(?P=last)+)\s+(?:repeating|recurring)\b"
    r")"
)


def exact(text: str) -> str:
    """A text in which each such decimal is a fraction."""
    return REPEATING.sub(_fraction, text) if "." in text else text


def _fraction(found: re.Match[str]) -> str:
    fixed = found["barred"] or found["overlined"] or found["fixed"] or found["said"] or ""
    again = (found["bar"] or found["digit"] or found["over"] or found["again"] or found["last"]).replace("\u0305", "")
    ends = Fraction(int(found["whole"] + fixed), 10 ** len(fixed))
    return str(ends + Fraction(int(again), 10 ** len(fixed) * (10 ** len(again) - 1)))
