r"""What a statement of a number says: one number, something else that is stated, a calculation left open, or nothing.

    statement = sides joined by `=`; the last side that is one number counts, unless two sides contradict each other
    side      = words, sign, currency, numeral, scale, unit, remarks
    remark    = words of what, in what, for whom (`12 out of 20`, `12 miles in 3 hours`)

A side is read from end to end. A second number that is joined to the first (`12 or 13`, `5 to 7`, `3:2`, `5 feet 3 inches`)
makes it something else than one number, and so does mathematics (`4\sqrt{2}`, `3x`), which
`mmst.sandbox.expressions` may calculate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from mmst.answers.beside_numbers import (
    bounded,
    how_joined,
    is_power_of_unit,
    is_unknown,
    opens_calculation,
    sign_before,
    spelt_before,
    what_follows,
)
from mmst.answers.markup import affirmed, bare
from mmst.answers.number_words import spelt_out
from mmst.answers.numbers import canonical_number, canonical_value
from mmst.answers.repeating import exact
from mmst.answers.stated import Form, Stated
from mmst.answers.tokens import Token, tokens_of
from mmst.answers.units import in_unit, is_money, is_unit, plain_units, unit_said
from mmst.answers.vocabulary import (
    ABOUT,
    ABSOLUTE,
    AGAIN,
    ARROW,
    CHANGED,
    CHANGING,
    CURRENCIES,
    DOTS,
    EQUALS,
    FOOTNOTE,
    FUNCTIONS,
    GOES_ON,
    HOURS,
    LONGEST,
    MATHEMATICS,
    NO_UNITS,
    NOTHING,
    OPERATORS,
    PERCENT,
    SCALES,
    SEVERAL_UNKNOWNS,
    UNKNOWN_TIMES,
)


def read_quantity(statement: str, unit: str = "") -> Stated | None:
    """What a statement says, or None where it holds no number.

    `unit`: of the gold answer; a number in another unit of the same kind is converted to it.
    """
    plain = canonical_number(statement)
    if plain is not None and (not unit or "$" not in statement):
        return Stated(Form.NUMBER, plain)
    written = " ".join(exact(FOOTNOTE.sub("", bare(statement[:LONGEST]))).split())
    text = DOTS.sub(" to ", plain_units(written))
    if GOES_ON.search(text):
        return Stated(Form.OPEN, text)
    *before, last = ARROW.split(text)
    relevant = affirmed(ABOUT.split(last)[0])
    if before and (start := canonical_number(before[-1])) is not None and start != canonical_number(last):
        return Stated(Form.OTHER, text)
    if UNKNOWN_TIMES.fullmatch(relevant) or SEVERAL_UNKNOWNS.search(relevant):
        return Stated(Form.OTHER, text)
    sides = [found for side in EQUALS.split(relevant) if (found := _side(side)) is not None]
    found = _of_sides(sides, text)
    return found if found is None or not unit else _converted(found, EQUALS.split(written)[-1], unit)


def canonical_statement(text: str) -> str:
    """The text that stands for what was stated, of what is no one number."""
    return " ".join(text.split()).rstrip(".").rstrip()


def _of_sides(sides: Sequence[Stated], text: str) -> Stated | None:
    """The value of an equation: of the sides that are one number, the last."""
    numbers = [side for side in sides if side.form is Form.NUMBER]
    if not numbers:
        return Stated(sides[-1].form, text) if sides else None
    contradict = len({side.text for side in numbers}) > 1 and len({side.unit for side in numbers}) == 1
    return Stated(Form.OTHER, text) if contradict else numbers[-1]


def _converted(found: Stated, side: str, unit: str) -> Stated:
    """A number in the gold answer's unit; one that measures something else is no such number: `5 [m]` beside kilograms."""
    if found.form is not Form.NUMBER:
        return found
    said = unit_said(side) or ((found.unit,) if is_unit(found.unit) else ())
    if not said or (said == ("$",) and not is_money(unit)):
        return found
    values = (in_unit(found.value or Fraction(found.text), each, unit) for each in said)
    value = next((value for value in values if value is not None), None)
    if value is None:
        return Stated(Form.OTHER, f"{found.text} [{said[0]}]")
    return Stated(Form.NUMBER, canonical_value(value), unit, value)


def _side(text: str) -> Stated | None:
    plain = canonical_number(text)
    if plain is not None:
        return Stated(Form.NUMBER, plain)
    if absolute := ABSOLUTE.fullmatch(text.strip(" .$")):
        inner = _side(absolute[1])
        return inner and replace(inner, text=inner.text.removeprefix("-"), value=inner.value and abs(inner.value))
    tokens = [
        token for token in tokens_of(text) if token.text not in NOTHING and not (token.kind == "sign" and token.text in "\"'?")
    ]
    places = [n for n, token in enumerate(tokens) if token.kind == "number"]
    if not places:
        spelt = spelt_out(text)
        if spelt is not None and CHANGED.match(f" {spelt[1]}"):
            return Stated(Form.OPEN, text)
        if spelt is not None:
            return Stated(Form.NUMBER, canonical_value(spelt[0]), spelt[1], spelt[0])
        return Stated(Form.OTHER, text) if any(token.text in ("\u03c0", "\u221e") for token in tokens) else None
    return _Side(tokens, places).read(text)


@dataclass(frozen=True, slots=True)
class _Side:
    """One side of a statement, as tokens; `places` of its numbers, at least one."""

    tokens: Sequence[Token]
    places: Sequence[int]

    def read(self, text: str) -> Stated | None:
        first = self.tokens[self.places[0]]
        if first.value is None and first.numeral in ("fraction", "mixed"):
            return None  # divided by zero
        lead = self.tokens[: self.places[0]]
        if CHANGING.search(text, 0, first.start) or CHANGED.match(text, first.end):
            return Stated(Form.OPEN, text)
        sign = sign_before(lead)
        if (
            self._is_mathematics()
            or bounded(lead)
            or sign is None
            or first.value is None
            or spelt_before(lead)
            or self._is_pair()
        ):
            return Stated(Form.OTHER, text)
        if opens_calculation(lead):
            return Stated(Form.OPEN, text)
        return self._read_on(text, sign)

    def _read_on(self, text: str, sign: int) -> Stated:
        """The value of the first number, if what comes after only says something of it."""
        value, unit, end = self._quantity(0)
        for nth in range(1, len(self.places)):
            joint = self.tokens[end : self.places[nth]]
            form = how_joined(joint, self.tokens[self.places[nth - 1]], self.tokens[end - 1])
            if [token.text for token in joint] == ["by"] and self._quantity(nth)[1] not in HOURS:
                form = Form.OTHER
            if form is not None and not self._says_again(sign * value, unit, nth, joint):
                both = self._in_two_units(value, unit, nth, joint)
                if both is None:
                    return Stated(form, text)
                value = both
            _, _, end = self._quantity(nth)
        form = what_follows(self.tokens[end:])
        return (
            Stated(form, text) if form is not None else Stated(Form.NUMBER, canonical_value(sign * value), unit, sign * value)
        )

    def _quantity(self, nth: int) -> tuple[Fraction, str, int]:
        """The value of the nth number with its scales (0 where it has none), its unit, and the place after both."""
        place = self.places[nth]
        value, at, unit = self.tokens[place].value or Fraction(0), place + 1, ""
        while at < len(self.tokens) and (scale := self._scale(at, place)):
            value, at = value * scale, at + 1
        while at < len(self.tokens) and self.tokens[at].text in CURRENCIES | {")", "}", "{", "]", "."}:
            at += 1
        if at < len(self.tokens) and self.tokens[at].text in PERCENT:
            return value, "%", at + 1
        if at < len(self.tokens) and self.tokens[at].kind == "word" and self.tokens[at].text not in NO_UNITS:
            unit, at = self.tokens[at].text, at + 1
            while at + 1 < len(self.tokens) and self.tokens[at].text == "/" and self.tokens[at + 1].kind == "word":
                unit, at = f"{unit}/{self.tokens[at + 1].text}", at + 2
        return value, unit, at

    def _scale(self, at: int, place: int) -> int:
        """What the word at `at` multiplies the number at `place` by; 0 where it is no such word."""
        word = self.tokens[at]
        if word.kind != "word":
            return 0
        glued = len(word.text) == 1 and (word.spaced and word.text not in ("M", "k"))
        return 0 if glued else SCALES.get(word.text) or SCALES.get(word.text.removesuffix("s"), 0)

    def _is_pair(self) -> bool:
        """Whether brackets stand round two numbers and a comma: `(3,4)` and `[0,1)` are no decimals."""
        place = self.places[0]
        before = [token.text for token in self.tokens[:place] if token.text not in ("-", "+") and token.text not in CURRENCIES]
        after = [token.text for token in self.tokens[place + 1 : place + 2]]
        return "," in self.tokens[place].text and before[-1:] in (["("], ["["]) and after in ([")"], ["]"])

    def _is_mathematics(self) -> bool:
        """Whether roots, powers, constants, commands or unknowns stand in it."""
        for n, token in enumerate(self.tokens):
            before = self.tokens[n - 1] if n else None
            if token.text in MATHEMATICS and not is_power_of_unit(before):
                return True
            if token.kind == "command" and token.text not in OPERATORS:
                return True
            factorial = all(after.text == "!" for after in self.tokens[n:])
            if factorial and before is not None and before.kind == "number":
                return True
            if is_unknown(token, before) or token.text in FUNCTIONS:
                return True
        return False

    def _says_again(self, value: Fraction, unit: str, nth: int, joint: Sequence[Token]) -> bool:
        """Whether the nth number is the first one's value in another form: `5/2 (2.5)`, `60 minutes, or 1 hour`."""
        more, other, _ = self._quantity(nth)
        words = [token.text for token in joint if token.text not in CURRENCIES]
        again = "or" in words or any(token.text == "(" and token.spaced for token in joint)
        if nth > 1 or not again or not AGAIN.issuperset(words):
            return False
        token, first = self.tokens[self.places[nth]], self.tokens[self.places[0]]
        more = -more if words[-1] == "-" else more
        if other and unit and other != unit:
            converted = in_unit(more, other, unit)
            return converted is not None and converted == value
        decimals = len(token.text.partition(".")[2]) if first.numeral in ("fraction", "mixed") else 0
        return value in (more, 100 * more if unit == "%" else more) or (
            decimals > 0 and 2 * abs(more - value) <= Fraction(1, 10**decimals)
        )

    def _in_two_units(self, value: Fraction, unit: str, nth: int, joint: Sequence[Token]) -> Fraction | None:
        """`2 hours and 30 minutes` in hours; None where it is no such sum."""
        more, smaller, _ = self._quantity(nth)
        if nth > 1 or not all(token.text in ("and", ",") or token.text in CURRENCIES for token in joint):
            return None
        ratio = in_unit(Fraction(1), smaller, unit) if smaller != unit else None
        return value + more * ratio if ratio is not None and ratio < 1 and len(self.places) == nth + 1 else None
