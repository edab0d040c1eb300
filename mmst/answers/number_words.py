"""Numbers in words, by `text2num`: `twelve`, `one hundred and five apples`."""

from __future__ import annotations

import re
from fractions import Fraction

LEAD = re.compile(r"\s*(?:(?:about|approximately|exactly|only|just|a total of|still|around|roughly)\s+)*", re.IGNORECASE)
ONES = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen"
TEENS = "fifteen sixteen seventeen eighteen nineteen"
TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
LARGE = "hundred thousand million billion"
WORD = f"(?:{'|'.join((ONES + ' ' + TEENS + ' ' + TENS + ' ' + LARGE).split())})"
SPELT = re.compile(
    rf"(?P<sign>(?:negative|minus)\s+)?(?P<number>{WORD}(?:(?:\s*-\s*|\s+and\s+|,?\s+){WORD})*)\b(?P<half>\s+and\s+a\s+half\b)?",
    re.IGNORECASE,
)
JOINTS = rf"(?:and|or|to|minus|plus|times|nor|point|half|halves|thirds?|quarters?|fourths?|tenths?|{WORD})"
UNIT = re.compile(rf"[\s)]*(?P<unit>(?!{JOINTS}\b)[^\W\d_]+)?(?:\s+(?!{JOINTS}\b)[^\W\d_]+){{0,5}}[\s.)!\"']*")
"""What may stand after a number in words: nothing that joins it to another."""


def spelt_out(text: str) -> tuple[Fraction, str] | None:
    """The value of a statement that is a number in words, and its unit; None for any other."""
    at = LEAD.match(text)
    found = SPELT.match(text, at.end() if at else 0)
    if found is None:
        return None
    rest = UNIT.fullmatch(text, found.end())
    value = _value(re.sub(r"\s*-\s*", "-", found["number"].lower()))
    if rest is None or value is None:
        return None
    value += Fraction(1, 2) if found["half"] else 0
    return (-value if found["sign"] else value), (rest["unit"] or "").lower()


def _value(words: str) -> Fraction | None:
    from text_to_num import text2num

    try:
        return Fraction(text2num(words.replace(",", ""), "en"))
    except ValueError:
        return None
