"""A statement cut into numbers, words and signs. Numerals of every spelling are one token each, with their value."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from mmst.answers.numbers import number_value

NUMERALS = {
    "mixed": r"\d+(?:\s+and\s+|\s*-\s*|\s+)\d+\s?/\s?\d+(?![\d/])",  # 1 1/2, 3 and 1/2
    "worded": r"\d+\s+and\s+(?:a|one)\s+(?:half|third|quarter)\b",  # 2 and a half
    "fraction": r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?\s?/\s?\d+(?:\.\d+)?(?![\d/]|\.\d|\s/\s?\d)",  # 3/4
    "dotted": r"\d{1,3}(?:\.\d{3}){2,}(?:,\d+)?(?![\d.,]*\d)|\d{1,3}(?:\.\d{3})+,\d+(?![\d.,]*\d)",  # 1.234.567,89
    "indian": r"\d{1,2}(?:,\d{2})+,\d{3}(?:\.\d+)?(?![\d,]*\d)",  # 1,00,000
    "grouped": r"[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?(?:[eE][-+]?\d+)?(?!,?\d)",  # 1,234.5
    "spaced": r"\d{1,3}(?:[ '_]\d{3})+(?:[.,]\d+)?(?![ '_]?\d)",  # 1 000 000, 1'000
    "comma": r"(?:0|[1-9]\d*),\d{1,2}(?![\d,.]*\d)|0,\d+(?![\d,.]*\d)",  # 3,5
    "plain": r"\d+(?:\.\d+)?(?:[eE][-+]?\d+)?(?!\.\d)|(?<!\d)\.\d+(?:[eE][-+]?\d+)?(?!\.\d)",  # 72.0, 1e3, .5
    "digits": r"\d+",  # of what is no number of these, such as 1.2.3
}
TOKEN = re.compile(
    r"\s*(?:(?<![\w^.\\])(?P<number>" + "|".join(f"(?P<{name}>{pattern})" for name, pattern in NUMERALS.items()) + r")"
    r"|(?P<word>[^\W\d_\u03c0]+\d*(?:'[^\W\d_]+)?)|(?P<command>\\[a-zA-Z]+|\\.)|(?P<sign>\*\*|:=|=>|->|[<>!=]=|==+|\S))"
)
PARTS = {"half": 2, "third": 3, "quarter": 4}
PLAIN_FORMS: dict[str, Callable[[str], str]] = {
    "mixed": lambda text: re.sub(r"\s*(?:\s+and\s+|-|\s)\s*(?=\d+/)", " ", re.sub(r"\s*/\s*", "/", text), count=1),
    "worded": lambda text: f"{text.split()[0]} 1/{PARTS[text.split()[-1].lower()]}",
    "fraction": lambda text: re.sub(r"[\s,]", "", text),
    "dotted": lambda text: text.replace(".", "").replace(",", "."),
    "indian": lambda text: text.replace(",", ""),
    "grouped": lambda text: text.replace(",", ""),
    "spaced": lambda text: re.sub(r"[ '_]", "", text).replace(",", "."),
    "comma": lambda text: text.replace(",", "."),
    "plain": str,
    "digits": lambda text: "",
}
"""Each kind of numeral as `mmst.answers.numbers` reads it."""


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a statement."""

    kind: str
    """`number`, `word`, `command` (of LaTeX) or `sign`."""
    text: str
    """Of a word in lower case, but for one letter."""
    start: int
    end: int
    spaced: bool
    """Whether white space stands before it."""
    value: Fraction | None = None
    """Of a number; None where it has none, as 1/0 or 1.2.3."""
    numeral: str = ""
    """Of a number: which of `NUMERALS` it is."""


def tokens_of(text: str) -> list[Token]:
    """The tokens of a statement without markup, in order."""
    return [_token(found) for found in TOKEN.finditer(text)]


def _token(found: re.Match[str]) -> Token:
    kind = next(name for name in ("number", "word", "command", "sign") if found[name] is not None)
    start, end = found.span(kind)
    written = found[kind]
    spaced = start > found.start() or start == 0
    if kind != "number":
        return Token(kind, written.lower() if len(written) > 1 else written, start, end, spaced)
    numeral = next(name for name in NUMERALS if found[name] is not None)
    return Token(kind, written, start, end, spaced, number_value(PLAIN_FORMS[numeral](written)), numeral)
