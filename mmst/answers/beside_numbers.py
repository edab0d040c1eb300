"""What stands before, between and after the numbers of a statement, and what it makes of them."""

from __future__ import annotations

from collections.abc import Sequence

from mmst.answers.number_words import spelt_out
from mmst.answers.stated import Form
from mmst.answers.tokens import Token
from mmst.answers.vocabulary import (
    BOUNDS,
    CURRENCIES,
    HEDGES,
    JOINTS,
    OPENING_WORDS,
    OPERATION_WORDS,
    OPERATORS,
    PERCENT,
    SCALES,
    SUBORDINATE,
    UNIT_LETTERS,
)

EAST_ASIAN = "\u3040"
"""The first of the letters of which one alone is a word: `12 \u4e2a`."""


def is_unknown(token: Token, before: Token | None) -> bool:
    """`x` in `3x` and `2 n`, not the `m` of `5 m`."""
    letter = token.kind == "word" and (len(token.text) == 1 or (token.text[0].isalpha() and token.text[-1].isdigit()))
    letter = letter and token.text < EAST_ASIAN
    if not letter or before is None or before.kind != "number" or (token.text in OPERATORS and token.spaced):
        return False
    return token.text not in UNIT_LETTERS and token.text not in SCALES and (not token.spaced or token.text not in ("a", "I"))


def is_power_of_unit(before: Token | None) -> bool:
    """Whether a power after this token is a unit's: `5 m^2`."""
    return before is not None and before.kind == "word" and (len(before.text) > 1 or before.text in UNIT_LETTERS)


def opens_calculation(lead: Sequence[Token]) -> bool:
    """Whether the words before a number make it part of a calculation: `half of 12`, `three times 4`."""
    words = [token.text for token in lead if token.kind == "word"]
    for n, word in enumerate(words):
        if word in OPENING_WORDS and (word not in ("half", "square", "cube", "root") or "of" in words[n:]):
            return True
    return bool(words) and words[-1] in OPERATION_WORDS - {"minus", "than"}


def bounded(lead: Sequence[Token]) -> bool:
    """Whether the words before a number make it a bound: `more than 12`, `at least 12`."""
    words = [token.text for token in lead]
    return (
        any(word in BOUNDS for word in words)
        or words[-1:] == ["than"]
        or words[-1:] in (["least"], ["most"])
        or bool(words and words[-1] in ("above", "below", "over", "under", "exceeds", "beyond"))
    )


def spelt_before(lead: Sequence[Token]) -> bool:
    """Whether a number in words is joined to the number after it: `seven or 8`."""
    words = [token.text for token in lead]
    while words and words[-1] in HEDGES:
        words.pop()
    return bool(words) and words[-1] in JOINTS - {"-", "between"} and spelt_out(" ".join(words[:-1])) is not None


def sign_before(lead: Sequence[Token]) -> int | None:
    """1 or -1; None where what stands before the number is part of an expression."""
    said = [token for token in lead if token.text not in CURRENCIES and token.text not in ("(", "{", "[")]
    last = said[-1].text if said else ""
    if said and lead[-1].text == "(" and not lead[-1].spaced and lead[-1] is not said[-1] and len(last) == 1 and last.isalpha():
        return None  # a function of it
    before = said[-2] if len(said) > 1 else None
    if last not in ("-", "+", "minus", "negative"):
        return None if last in OPERATORS - {"x", "X"} else 1
    if before is not None and (
        last == "+"
        or before.text in ("-", "+", ")")
        or (before.kind == "word" and len(before.text) == 1 and last != "negative")
    ):
        return None
    return 1 if last == "+" else -1


def how_joined(joint: Sequence[Token], before: Token, last: Token) -> Form | None:
    """How a later number stands to the one before it: None where it only says something of it."""
    words = [token.text for token in joint if token.text not in CURRENCIES and token.text not in ("(", ")", "{", "}", "[", "]")]
    while words and words[-1] in HEDGES:
        words.pop()
    if not words:
        return Form.OTHER
    if any(word in OPERATION_WORDS for word in words) or {"power", "root"}.intersection(words) or words == ["over"]:
        return Form.OPEN
    if "but" in words:
        return Form.OTHER
    tail = words[-1]
    if len(words) == 1 and tail in OPERATORS - {"\u2013"}:
        return Form.OPEN
    if tail in ("-", "+") and len(words) > 1:
        return Form.OPEN
    if tail in JOINTS - {"between"}:
        return Form.OTHER
    if words[0] == "of" and len(words) == 1 and (last.text in PERCENT or before.numeral in ("fraction", "mixed")):
        return Form.OPEN
    return None if SUBORDINATE.intersection(words) else Form.OTHER


def what_follows(rest: Sequence[Token]) -> Form | None:
    """What the end of a statement makes of its number: None where it only says something of it."""
    words = [token.text for token in rest if token.text not in (".", "!")]
    if not words:
        return None
    if words[:2] in (["at", "least"], ["at", "most"]) or words[0] in ("repeating", "recurring"):
        return Form.OTHER
    if rest[-1].text in ("*", "/", "\u00d7", "\u00f7", "\u00b7", "\\cdot", "**"):
        return Form.OPEN  # cut off
    if words[0] == "of" and words[1:] and len(words[1]) == 1 and words[1].isalpha() and words[1] != "a":
        return Form.OPEN
    if words == ["+"] or (words[0] == "or" and words[1:2] != ["so"]) or (words[0] in JOINTS and spelt_out(" ".join(words[1:]))):
        return Form.OTHER
    if words[0] in OPERATORS and len(rest) > 1 and rest[1].kind in ("word", "command"):
        remark = words[0] in ("-", "\u2013", "/") and len(words[1]) > 1
        return None if remark else Form.OPEN
    return Form.OPEN if words[0] in OPERATION_WORDS - {"than"} | {"squared", "cubed"} else None
