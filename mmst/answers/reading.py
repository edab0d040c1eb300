"""Which part of a text is its answer. A boxed or marked answer counts; what is read without one is recorded as a fallback.

Which number, letter or word of a statement is its value depends on the kind of the gold answer:
  number   after the last `=`, the first number; an expression that was left unevaluated (`3 + 4`, `5^5`) is none
  choice   a choice's text, or a letter that stands alone, in parentheses or before a mark: `(B)`, `B.`, `option B`
  yes_no   the first `yes`, `no`, `true` or `false`
  text     all of it
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from mmst.answers.equality import canonical_choice, canonical_text, canonical_yes_no
from mmst.answers.numbers import first_number, is_expression, numbers_in
from mmst.types import AnswerKind

CHECKER_VERSION = 3
"""Raised with every change that can change a verdict; it is part of the key of graded rows."""

RUN_ON = re.compile(r"Question:|\n\s*Q:")
"""Where a model went on to a next question."""
BOXED = "\\boxed"
MARK = re.compile(r"\banswer(?:\s+is\b:?|\s*[:=])|####", re.IGNORECASE)
FRACTION = re.compile(r"\\[dt]?frac\s*\{\s*(-?\d+)\s*\}\s*\{\s*(\d+)\s*\}")
WRAPPED = re.compile(r"\\(?:text|textbf|mathrm|mathbf|boldsymbol|operatorname|mbox)\s*\{([^{}]*)\}")
POWER_OF_TEN = re.compile(r"(?<=\d)\s*(?:[xX\u00d7*]|\\times|\\cdot)\s*10\s*\^\s*\{?\s*([-+]?\d+)\s*\}?")
MARKUP = re.compile(r"[\\*_`${^]")
"""Without any of these, a statement has nothing to be taken away."""
LATEX_NOISE = re.compile(r"\\[,;!: ]|\\left|\\right|\\displaystyle|\{,\}")
LETTER = re.compile(r"\(([A-Za-z])\)|(?:option|choice)\s+\(?([A-Za-z])\b|^\s*([A-Za-z])\s*(?:[.):,]|$)", re.IGNORECASE)
PARENTHESISED = re.compile(r"\(([A-Za-z])\)")
YES_NO_WORD = re.compile(r"\b(yes|no|true|false)\b", re.IGNORECASE)
LONGEST_READ = 20_000
"""Characters of a completion that are looked at, from its end."""
LONGEST_STATEMENT = 500
"""Characters after a mark that are looked at."""
MOST_MARKS = 20
"""Marks, or boxes, that are tried, from the last one: a model that repeats itself must not hold the grader."""


def stated_answer(text: str, kind: AnswerKind = AnswerKind.NUMBER, choices: Sequence[str] = ()) -> tuple[str | None, str]:
    """The answer stated in a text, in canonical form, and how it was found.

    That is `boxed`, `marked` or `fallback`; where there is none, `none`, or `expression` for one that was left unevaluated.
    """
    tail = RUN_ON.split(text, maxsplit=1)[0][-LONGEST_READ:]
    if (boxed := _last_boxed(tail)) is not None:
        return _value(boxed, kind, choices), "boxed"
    for mark in list(MARK.finditer(tail))[: -MOST_MARKS - 1 : -1]:
        statement = tail[mark.end() : mark.end() + LONGEST_STATEMENT].split("\n", 1)[0]
        if value := _value(statement, kind, choices):
            return value, "marked"
        if kind is AnswerKind.NUMBER and is_expression(_bare(statement)):
            return None, "expression"
    value = _fallback(tail, kind, choices)
    return value, "fallback" if value else "none"


def _value(statement: str, kind: AnswerKind, choices: Sequence[str]) -> str | None:
    """The value of a marked statement."""
    bare = _bare(statement)
    if kind is AnswerKind.NUMBER:
        return first_number(bare.rsplit("=", 1)[-1])
    if kind is AnswerKind.CHOICE:
        return _choice(bare, choices)
    if kind is AnswerKind.YES_NO:
        word = YES_NO_WORD.search(bare)
        return canonical_yes_no(word.group()) if word else None
    return canonical_text(bare)


def _choice(bare: str, choices: Sequence[str]) -> str | None:
    if letter := canonical_choice(bare, choices):
        return letter
    for match in LETTER.finditer(bare):
        written = next(group for group in match.groups() if group)
        if letter := canonical_choice(written, choices, letters_only=True):
            return letter
    return None


def _fallback(tail: str, kind: AnswerKind, choices: Sequence[str]) -> str | None:
    """What a text without a mark says last."""
    read: dict[AnswerKind, Callable[[], str | None]] = {
        AnswerKind.NUMBER: lambda: next(iter(numbers_in(_bare(tail))[::-1]), None),
        AnswerKind.CHOICE: lambda: _last_choice(tail, choices),
        AnswerKind.YES_NO: lambda: next((canonical_yes_no(word) for word in reversed(YES_NO_WORD.findall(tail))), None),
    }
    return read[kind]() if kind in read else None


def _last_choice(tail: str, choices: Sequence[str]) -> str | None:
    for letter in reversed(PARENTHESISED.findall(tail)):
        if found := canonical_choice(letter, choices, letters_only=True):
            return found
    lines = tail.strip().splitlines()
    return canonical_choice(_bare(lines[-1]), choices) if lines else None


def _bare(statement: str) -> str:
    """A statement without markup: LaTeX's and Markdown's."""
    if not MARKUP.search(statement):
        return statement.strip()
    text = FRACTION.sub(r"\1/\2", statement)
    while (unwrapped := WRAPPED.sub(r"\1", text)) != text:
        text = unwrapped
    text = LATEX_NOISE.sub(lambda found: "," if found.group() == "{,}" else " " if found.group() == "\\ " else "", text)
    text = POWER_OF_TEN.sub(r"e\1", text).replace("\\times", "*").replace("\\cdot", "*").replace("\\div", "/")
    text = text.replace("\\$", "$").replace("\\%", "%").replace("\\(", "").replace("\\)", "")
    return (
        re.sub(r"(?<!\w)\*\*|\*\*(?!\w)|__|`|(?<![\w*])\*(?=[^\s*])|(?<=[^\s*])\*(?![\w*])", "", text)
        .replace("$", " $ ")
        .strip()
    )


def _last_boxed(text: str) -> str | None:
    """What is in the last complete `boxed{...}`, nested braces and all; None where there is none."""
    start = len(text)
    for _ in range(MOST_MARKS):
        start = text.rfind(BOXED, 0, start)
        if start < 0:
            return None
        if (content := _braced(text, start + len(BOXED))) is not None:
            return content
    return None


def _braced(text: str, start: int) -> str | None:
    opening = text.find("{", start)
    if opening < 0 or text[start:opening].strip():
        return None
    depth = 0
    for place in range(opening, len(text)):
        depth += (text[place] == "{") - (text[place] == "}")
        if depth == 0:
            return text[opening + 1 : place]
    return None
