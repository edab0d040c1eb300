"""Which part of a text is its answer. The marked answer counts; the last number is a fallback, and recorded as such."""

from __future__ import annotations

import re

from mmst.answers.numbers import canonical_number, numbers_in

CHECKER_VERSION = 2
"""Raised with every change that can change a verdict; it is part of the key of graded rows."""

BOXED = re.compile(r"\\boxed\s*\{((?:[^{}]|\{[^{}]*\})*)\}")
FRACTION = re.compile(r"\\[dt]?frac\{(-?\d+)\}\{(\d+)\}")
MARK = re.compile(r"\banswer(?: is|:)[\s:]*", re.IGNORECASE)
LONGEST_READ = 20_000
"""Characters of a completion that are looked at, from its end."""


def marked_answer(text: str) -> tuple[str | None, str]:
    """The answer stated in a text, and how it was found: `boxed`, `marked`, `fallback` or `none`."""
    tail = text[-LONGEST_READ:]
    boxed = BOXED.findall(tail)
    if boxed:
        return _value_of(boxed[-1]), "boxed"
    marks = list(MARK.finditer(tail))
    if marks and (value := _value_of(tail[marks[-1].end() :].split("\n")[0])):
        return value, "marked"
    numbers = numbers_in(tail)
    return (numbers[-1], "fallback") if numbers else (None, "none")


def _value_of(statement: str) -> str | None:
    statement = FRACTION.sub(r"\1/\2", statement)
    numbers = numbers_in(statement.rsplit("=", 1)[-1]) or numbers_in(statement)
    if numbers:
        return numbers[0]
    word = statement.strip().strip("$.*()\"' ")
    return canonical_number(word) or word or None
