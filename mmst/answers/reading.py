"""Which part of a text is its answer, and what it says. What is read without a mark is recorded as a fallback.

Where an answer stands is told in `passages`; what a statement says, in `quantities`, `choices`, `yes_no` and `texts`.
A statement that says something, if only two values at once, is the answer; one that says nothing gives way to the next.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from mmst.answers.choices import last_choice, read_choice, with_its_text
from mmst.answers.markup import bare
from mmst.answers.number_words import number_said
from mmst.answers.numbers import canonical_value
from mmst.answers.passages import LONGEST_STATEMENT, Statement, answer_part, statement_of, statements
from mmst.answers.quantities import Form, canonical_statement, read_quantity
from mmst.answers.texts import canonical_text
from mmst.answers.tokens import Token, tokens_of
from mmst.answers.units import is_unit, unit_said
from mmst.answers.vocabulary import PERCENT, SEVERAL_UNKNOWNS
from mmst.answers.yes_no import last_yes_no, read_yes_no
from mmst.types import AnswerKind

CHECKER_VERSION = 8
"""Raised with every change that can change a verdict; it is part of the key of graded rows."""

LONGEST_QUANTITY = 60
BEGINS_WITH_NUMBER = re.compile(r"[\s$\u20ac\u00a3*(-]*\d")
TAKEN_BACK = re.compile(r"[.!?\s]*(?:No,|No wait|Wait|Actually|Correction|Sorry|Scratch that|Oops)", re.IGNORECASE)
DENIED = re.compile(
    r"(?:\bnot|n't|\bcannot|\bdoubt\b[^.,;]*)\s+(?:be\s+|is\s+)?[$\u20ac\u00a3*\s]*$"
    r"|(?:^\W*|\b(?:is|are|was|were|be|makes)\s+)(?:over|under|above|below|beyond)\s+[$\u20ac\u00a3*\s]*$",
    re.IGNORECASE,
)
"""Before a number that is said not to be the answer."""
DOUBTFUL = re.compile(r"\d\s*[?'\u2032]+[\s$]*$")
"""The end of a box that holds no one number: `12?`, `5'`."""
SENTENCE = re.compile(r"(?<=[.!?])\s+(?!(?:or|maybe|perhaps|and)\b)(?=[^\s\d])|\n+")
DIGIT = re.compile(r"(?<![^\W\d_])\d")
PARTS = {"or", "to", "through", "maybe", "perhaps", "possibly", "minus", "negative", "plus", "times", "rs", "usd"}
PARTS |= {"nor", "vs", "versus", "else", "about", "around", "divided", "multiplied", "remainder", "than", "least", "most"}
"""Words that belong to the quantity after them."""
SAYS_IT = {"is", "are", "was", "were", "be", "makes", "=", ":"}
"""After these, `7 apples, 8 pears` is one statement; in `After 7 hours, 8 are left` it is two."""
ELLIPSIS = re.compile(r"\.{2,}(?=\s*(?:or|maybe|perhaps|possibly)\b)")
BY_CASES = re.compile(r"\d[^.;]*\bif\b[^.;]*[,;][^.;]*\d[^.;]*\bif\b")
"""`7 if it is odd, 8 if it is even`."""
LONGEST_TAIL = 2_000
"""Characters of a text without a mark in which a number is looked for."""


def stated_answer(
    text: str, kind: AnswerKind = AnswerKind.NUMBER, choices: Sequence[str] = (), unit: str = ""
) -> tuple[str | None, str]:
    """The answer stated in a text, in canonical form, and how it was found.

    That is `tagged`, `boxed`, `marked` or `fallback`; where there is none, `none`, or `expression` for a calculation
    without its result. `unit`: the gold answer's, to which another unit of the same kind is converted.
    """
    part = answer_part(text)
    for statement in statements(part):
        said, doubted = _said(statement, kind)
        if _taken_back(statement, said) or (doubted and kind is not AnswerKind.TEXT):
            continue
        if kind is AnswerKind.CHOICE:
            said = with_its_text(said, statement.text, choices)
        value = _value(said, kind, choices, unit)
        if value is OPEN or (statement.how == "boxed" and kind is AnswerKind.NUMBER and DOUBTFUL.search(said)):
            return None, "expression"
        if value is not None:
            return value, statement.how
    value = _fallback(part, kind, choices, unit)
    return (value, "fallback") if value else (None, "none")


OPEN = "\x00"
"""Stands for a calculation without its result."""


def unit_of(gold: str) -> str:
    """The unit of measure in a gold answer such as `5 kg`; empty where it has none."""
    stated = read_quantity(gold) if gold and not gold.isdigit() else None
    if stated is None or stated.form is not Form.NUMBER:
        return ""
    said = unit_said(" ".join(bare(gold).split())) or ((stated.unit,) if is_unit(stated.unit) else ())
    return "" if not said or said[0].lower() in PERCENT else said[0]


def _said(statement: Statement, kind: AnswerKind) -> tuple[str, bool]:
    """What a statement says without remarks on it, and whether it is asked rather than said."""
    names = kind is AnswerKind.TEXT
    if statement.how == "marked":
        return statement_of(statement.text, names)
    if statement.how == "tagged":
        inner = [inner.text for inner in statements(statement.text) if inner.how == "marked"]
        if inner or not names:
            return statement_of(inner[0] if inner else statement.text, names)
    return statement.text, False


def _taken_back(statement: Statement, said: str) -> bool:
    """Whether the next words of its line take a statement back: `The answer is 18. No, 20.`"""
    return statement.how == "marked" and TAKEN_BACK.match(statement.text, len(said)) is not None


def _value(text: str, kind: AnswerKind, choices: Sequence[str], unit: str) -> str | None:
    """The value of a statement; `OPEN` for a calculation without its result."""
    if kind is AnswerKind.NUMBER:
        stated = read_quantity(text, unit)
        return None if stated is None else OPEN if stated.form is Form.OPEN else canonical_statement(stated.text)
    if kind is AnswerKind.CHOICE:
        return read_choice(text, choices)
    return read_yes_no(text) if kind is AnswerKind.YES_NO else canonical_text(text)


def _fallback(part: str, kind: AnswerKind, choices: Sequence[str], unit: str) -> str | None:
    """What a text without a mark says last."""
    read: dict[AnswerKind, Callable[[], str | None]] = {
        AnswerKind.NUMBER: lambda: _last_number(part, unit),
        AnswerKind.CHOICE: lambda: last_choice(part, choices),
        AnswerKind.YES_NO: lambda: last_yes_no(part),
    }
    return read[kind]() if kind in read else None


def _last_number(part: str, unit: str) -> str | None:
    """What the last sentence with a number says last; all of a text that is a quantity alone."""
    if len(part) < LONGEST_QUANTITY and BEGINS_WITH_NUMBER.match(part) and "\n" not in part.strip():
        stated = read_quantity(part, unit)
        if stated is not None and stated.form is Form.NUMBER:
            return stated.text
    sentences = SENTENCE.split(part[-LONGEST_TAIL:])
    for sentence in reversed(sentences):
        if DIGIT.search(sentence):
            return _last_quantity(sentence[-LONGEST_STATEMENT:], unit)
    said = next((sentence for sentence in reversed(sentences) if sentence.strip()), "")
    value = number_said(said[-LONGEST_STATEMENT:])
    return None if value is None else canonical_value(value)


def _last_quantity(sentence: str, unit: str) -> str | None:
    """The last number of a sentence, with what is joined to it."""
    if BY_CASES.search(sentence) or SEVERAL_UNKNOWNS.search(sentence):
        return canonical_statement(bare(sentence))
    said = statement_of(sentence)[0]
    *sides, last = (said if DIGIT.search(said) else sentence).split("=")
    left = read_quantity(last)
    if sides and left is not None and left.form is Form.OPEN and DIGIT.search(sides[-1]):
        last = sides[-1]
    text = bare(last)
    if not DIGIT.search(text):
        text = bare(sentence)
    text = ELLIPSIS.sub(" ", text)
    tokens = tokens_of(text)
    places = [n for n, token in enumerate(tokens) if token.kind == "number"]
    if not places:
        return None
    start = places[-1]
    while start and (not _is_plain(tokens[start - 1]) or _is_joint(tokens[start]) or _joins(tokens, start - 1)):
        start -= 1
    if DENIED.search(text, 0, tokens[start].start):
        return None
    stated = read_quantity(text[tokens[start].start :], unit)
    return canonical_statement(stated.text) if stated is not None and stated.form is not Form.OPEN else None


def _is_plain(token: Token) -> bool:
    """Whether a word is no part of a quantity that follows it."""
    return token.text in (",", ";", ".") or (token.kind == "word" and len(token.text) > 1 and token.text not in PARTS)


def _joins(tokens: Sequence[Token], place: int) -> bool:
    """Whether an `and` or a comma at `place`, or a unit before one, joins a number before it to one after it."""
    before = [token.kind == "number" for token in tokens[max(place - 2, 0) : place]]
    if tokens[place].text == "by":
        return before[-1:] == [True] or tokens[place - 1].text in ("divided", "multiplied")
    if tokens[place + 1].text in (",", ";") and before[-1:] == [True]:
        return place < 2 or tokens[place - 2].text in SAYS_IT
    if before[-1:] == [True] and tokens[place + 1].kind == "number" and is_unit(tokens[place].text):
        return True
    if tokens[place].text in ("and", ",", ";"):
        return any(before)
    return before[-1:] == [True] and tokens[place + 1].text == "and"


def _is_joint(token: Token) -> bool:
    return token.text in ("or", "to", "either")
