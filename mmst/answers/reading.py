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
from mmst.answers.prose import plain_prose
from mmst.answers.quantities import canonical_statement, read_quantity
from mmst.answers.second_thoughts import is_confirmed, other_answer, says_new, second_thought, without_unsaid
from mmst.answers.stated import Form
from mmst.answers.texts import canonical_text, text_before
from mmst.answers.tokens import Token, tokens_of
from mmst.answers.units import is_unit, unit_said
from mmst.answers.vocabulary import CHANGING, PERCENT, SEVERAL_UNKNOWNS
from mmst.answers.yes_no import last_yes_no, read_yes_no
from mmst.types import AnswerKind

CHECKER_VERSION = 10
"""Raised with every change that can change a verdict; it is part of the key of graded rows."""

LONGEST_QUANTITY = 60
BEGINS_WITH_NUMBER = re.compile(r"[\s$\u20ac\u00a3*(-]*\d")
DENIED = re.compile(
    r"(?:\bnot|n't|\bcannot|\bdoubt\b[^.,;]*)\s+(?:be\s+|is\s+)?[$\u20ac\u00a3*\s]*$"
    r"|(?:^\W*|\b(?:is|are|was|were|be|makes)\s+)(?:over|under|above|below|beyond)\s+[$\u20ac\u00a3*\s]*$",
    re.IGNORECASE,
)
"""Before a number that is said not to be the answer."""
DOUBTFUL = re.compile(r"\d\s*[?'\u2032]+[\s$]*$")
"""The end of a box that holds no one number: `12?`, `5'`."""
DENIED_AFTER = re.compile(
    r"[\s*$)}]*(?:\w+\s+){0,2}?(?:(?:is|are|was|were)\s+(?:wrong|incorrect|false|a mistake)\b"
    r"|(?:(?:is|are|was|were)(?:n't|\s+not)|can(?:'t|not|\s+not)\s+be)\s+(?:the\s+|my\s+)?(?:\w+\s+)?(?:answer|correct"
    r"|right|true|it|valid)\b)",
    re.IGNORECASE,
)
"""After one: `12 is wrong`."""
REFUSED = re.compile(
    r"\b(?:cannot|can't|could not|couldn't|can not|impossible to|unable to|no way to|not possible to)\s+(?:\w+\s+)?"
    r"(?:be\s+)?(?:\w+ly\s+)?(?:determined?|solved?|found|find|answer(?:ed)?|comput(?:ed|e)|calculated?|say|said|known?"
    r"|tell|inferred)\b"
    r"|\b(?:infinitely|indefinitely) many\b|\b(?:not enough|insufficient) (?:information|data)\b"
    r"|\banswer is (?:unknown|undetermined|undefined|not (?:known|determined|given))\b|\bthere (?:is|are) no (?:answer"
    r"|solutions?)\b",
    re.IGNORECASE,
)
"""Of a text without a mark: that there is no answer."""
REFUSING = (
    "cannot",
    "can't",
    "could",
    "can not",
    "impossible",
    "unable",
    "no way",
    "not ",
    "finitely",
    "insufficient",
    "answer is un",
    "no answer",
    "no solution",
)
SENTENCE = re.compile(r"(?<=[.!?])\s+(?!(?:or|maybe|perhaps|and)\b)(?=[^\s\d])|\n+")
DIGIT = re.compile(r"(?<![^\W\d_])\d")
PARTS = {"or", "to", "through", "maybe", "perhaps", "possibly", "minus", "negative", "plus", "times", "rs", "usd"}
PARTS |= {"nor", "vs", "versus", "else", "about", "around", "divided", "multiplied", "remainder", "than", "least", "most"}
"""Words that belong to the quantity after them."""
SAYS_IT = {"is", "are", "was", "were", "be", "makes", "=", ":"}
"""After these, `7 apples, 8 pears` is one statement; in `After 7 hours, 8 are left` it is two."""
OF_ALL = re.compile(
    r"\s+(?:[^\W\d]+\s+)?(?:out\s+)?of\s+(?:her|his|its|their|the|my|our|your|these|those|all)\s+", re.IGNORECASE
)
"""Between a number and the one that it is a part of: `13 of her 20 apples`."""
ELLIPSIS = re.compile(r"\.{2,}(?=\s*(?:or|maybe|perhaps|possibly)\b)")
BY_CASES = re.compile(r"\d[^.;]*\bif\b[^.;]*[,;][^.;]*\d[^.;]*\bif\b")
"""`7 if it is odd, 8 if it is even`."""
LONGEST_TAIL = 2_000
"""Characters of a text without a mark in which a number is looked for."""
NUMBERED = re.compile(
    r"^[ \t#*_>-]*(?:(?P<step>step[ \t]+)?(?P<number>\d{1,2})(?(step)[*_ \t]*[:.)]|[.)])(?=(?P<says>[*_ \t]+\S)|[ \t]*$))",
    re.IGNORECASE | re.MULTILINE,
)
"""What a line of a list begins with, `2. ` or `Step 2: `, which is no number of the problem's."""


def stated_answer(
    text: str, kind: AnswerKind = AnswerKind.NUMBER, choices: Sequence[str] = (), unit: str = ""
) -> tuple[str | None, str]:
    """The answer stated in a text, in canonical form, and how it was found.

    That is `tagged`, `boxed`, `marked` or `fallback`; where there is none, `none`, or `expression` for a calculation
    without its result. `unit`: the gold answer's, to which another unit of the same kind is converted.
    """
    part = without_unsaid(answer_part(text))
    if kind is AnswerKind.NUMBER:
        part = plain_prose(part)
    asked: set[str | None] = set()
    for statement in statements(part):
        said, doubted = _said(statement, kind)
        if doubted and kind is not AnswerKind.TEXT:
            asked.add(_value(said, kind, choices, unit))
            continue
        if kind is AnswerKind.CHOICE:
            said = with_its_text(said, statement.text, choices)
        value = _value(said, kind, choices, unit)
        if value is OPEN or (statement.how == "boxed" and kind is AnswerKind.NUMBER and DOUBTFUL.search(said)):
            return None, "expression"
        if value is not None:
            value = _last_word(value, _after(part, statement, said), kind, choices, unit)
            return value, statement.how if value else "none"
    refused = any(map(part.__contains__, REFUSING)) and REFUSED.search(part[-LONGEST_TAIL:])
    value = None if refused else _fallback(part, kind, choices, unit)
    return (value, "fallback") if value and value not in asked else (None, "none")


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


def _after(part: str, statement: Statement, said: str) -> str:
    """What stands after what a statement says."""
    at = part.find(said, statement.start) if said else -1
    while at >= 0:
        end = at + len(said)
        if not part[at - 1 : at].isalnum() and not part[end : end + 1].isalnum():
            return part[end:]
        at = part.find(said, at + 1)
    return ""


def _last_word(value: str, after: str, kind: AnswerKind, choices: Sequence[str], unit: str) -> str | None:
    """A statement's value, or what the text says instead of it or beside it afterwards; None where that is not clear."""
    if DENIED_AFTER.match(after):
        return None
    other = other_answer(after)
    beside = _beside(other, kind, choices, unit) if other else None
    if beside is not None and beside != value:
        return f"{value} or {beside}"
    found = second_thought(after)
    if found is None:
        return value
    said, surely = found
    new = _fallback(said, kind, choices, unit)
    if new == value or is_confirmed(said):
        return value
    if new is not None and says_new(said):
        return new
    return None if surely else value


def _beside(other: str, kind: AnswerKind, choices: Sequence[str], unit: str) -> str | None:
    """The value of a second answer that stands right after a statement."""
    if kind is AnswerKind.CHOICE:
        return read_choice(statement_of(other)[0], choices)
    return _fallback(other, kind, choices, unit)


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
        AnswerKind.TEXT: lambda: text_before(part),
    }
    return read[kind]() if kind in read else None


def _last_number(part: str, unit: str) -> str | None:
    """What the last sentence with a number says last; all of a text that is a quantity alone."""
    short = len(part) < LONGEST_QUANTITY and BEGINS_WITH_NUMBER.match(part) and "\n" not in part.strip()
    if short and not any(DENIED_AFTER.match(part, digit.end()) for digit in DIGIT.finditer(part)):
        stated = read_quantity(part, unit)
        if stated is not None and stated.form is Form.NUMBER:
            return stated.text
    sentences = SENTENCE.split(_unnumbered(part[-LONGEST_TAIL:]))
    for sentence in reversed(sentences):
        if DIGIT.search(sentence):
            return _last_quantity(sentence[-LONGEST_STATEMENT:], unit)
    said = next((sentence for sentence in reversed(sentences) if sentence.strip()), "")
    value = number_said(said[-LONGEST_STATEMENT:])
    return None if value is None else canonical_value(value)


def _unnumbered(text: str) -> str:
    """A text without the numbers of its steps. `12. ` is one only where a line with the number before it stands above."""
    seen: set[int] = set()

    def without(found: re.Match[str]) -> str:
        number = int(found["number"])
        if found["says"]:
            seen.add(number)
        return "" if found["step"] or number - 1 in seen else found[0]

    return NUMBERED.sub(without, text)


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
    if len(places) > 1 and OF_ALL.fullmatch(text, tokens[places[-2]].end, tokens[start].start):
        start = places[-2]
    while start and (not _is_plain(tokens[start - 1]) or _is_joint(tokens[start]) or _joins(tokens, start - 1)):
        start -= 1
    if DENIED.search(text, 0, tokens[start].start) or DENIED_AFTER.match(text, tokens[places[-1]].end):
        return None
    if CHANGING.search(text, 0, tokens[start].start):
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
