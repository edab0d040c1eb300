"""Units of measure, by `pint`: what `2 hours and 30 minutes` is in hours, and that 5 kg is 5000 g."""

from __future__ import annotations

import re
from fractions import Fraction
from functools import cache
from typing import Any

SPELLINGS = {
    "hr": "hour",
    "hrs": "hour",
    "mins": "minute",
    "min": "minute",
    "sec": "second",
    "secs": "second",
    "lbs": "pound",
    "lb": "pound",
    "ozs": "ounce",
    "ft": "foot",
    "yds": "yard",
    "yd": "yard",
    "ins": "inch",
    "kmph": "kilometer_per_hour",
    "mph": "mile_per_hour",
    "kph": "kilometer_per_hour",
    "kmh": "kilometer_per_hour",
    "km/h": "kilometer_per_hour",
    "km/hr": "kilometer_per_hour",
    "dollars": "dollar",
    "bucks": "dollar",
    "cents": "cent",
    "pennies": "cent",
    "penny": "cent",
    "euros": "euro",
    "usd": "dollar",
    "$": "dollar",
    "\u00a2": "cent",
    "eur": "euro",
    "\u20ac": "euro",
    "\u00a3": "pound_sterling",
    "gbp": "pound_sterling",
    "\u20b9": "rupee",
    "rs": "rupee",
    "inr": "rupee",
    "rupees": "rupee",
    "\u00a5": "yen",
    "%": "percentage",
    "percent": "percentage",
    "pct": "percentage",
    "\u03c9": "ohm",
    "kgs": "kilogram",
    "kms": "kilometer",
    "gms": "gram",
    "gm": "gram",
    "litres": "liter",
    "litre": "liter",
    "metres": "meter",
    "metre": "meter",
}
COMMON = frozenset(
    (
        "meter",
        "gram",
        "second",
        "minute",
        "hour",
        "day",
        "week",
        "month",
        "year",
        "foot",
        "inch",
        "yard",
        "mile",
        "pound",
        "ounce",
        "ton",
        "metric_ton",
        "liter",
        "gallon",
        "quart",
        "pint",
        "cup",
        "tablespoon",
        "teaspoon",
        "dollar",
        "cent",
        "euro",
        "kilometer_per_hour",
        "mile_per_hour",
        "acre",
        "hectare",
        "watt",
        "joule",
        "volt",
        "ampere",
        "newton",
        "hertz",
        "pascal",
        "ohm",
        "coulomb",
        "mole",
        "byte",
        "bit",
        "electron_volt",
        "calorie",
        "kelvin",
        "degree_Celsius",
        "degree_Fahrenheit",
        "pound_sterling",
        "rupee",
        "yen",
        "percentage",
    )
)
NO_UNITS = frozenset(
    {
        "a",
        "am",
        "an",
        "and",
        "are",
        "as",
        "at",
        "but",
        "by",
        "cap",
        "each",
        "every",
        "for",
        "from",
        "has",
        "hat",
        "he",
        "i",
        "if",
    }
    | {"in", "is", "it", "mad", "men", "no", "of", "on", "or", "out", "pa", "pin", "pm", "than", "that", "the", "to", "total"}
    | {"was", "with"}
)
"""Words that pint takes for units: attoseconds, picometres."""
WORD = re.compile(r"[A-Za-z]+(?:/[A-Za-z]+)?")
LONGEST = 24
NUMERAL = re.compile(r"\d[\d,.']*(?:[eE][-+]?\d+)?(?:\s*/\s*\d+|\s+\d+\s*/\s*\d+|(?:\s\d{3})+)?")
SCALE = re.compile(
    r"[\s)}\]{$]*(?:hundred|thousand|million|billion|trillion|dozen|lakh|crore|mn|bn|k(?!\w))?[\s)}\]{$-]*", re.IGNORECASE
)
CURRENCY = re.compile(r"([$\u20ac\u00a3\u20b9\u00a5]|\b(?:USD|EUR|GBP|INR|Rs))\.?[\s({\[]*[-+]?\s*$", re.IGNORECASE)
DEGREES = re.compile(r"(?:\u00b0\s*|\bdegrees?\s+|\bdeg\.?\s*)(C(?:elsius)?|F(?:ahrenheit)?)\b", re.IGNORECASE)
FACTOR = re.compile(
    r"(?:(?P<area>square|sq\.?)\s+|(?P<volume>cubic|cu\.?)\s+)?(?P<word>[A-Za-z\u03a9]+|[$\u20ac\u00a3\u20b9\u00a5\u00a2%])"
    r"(?:\s*\^\s*\{?\s*(?P<power>[-+]?\d)\s*\}?|\s+(?P<said>squared|cubed)\b)?"
)
JOINT = re.compile(r"\s*(?P<over>/)\s*|\s*[*\u00b7\u22c5\u00d7]\s*|\s+(?P<per>per|an?)\s+|\s+")
AT_END = re.compile(r"in[.\s]*$", re.IGNORECASE)
"""Inches, and not the word."""
LETTERS = 3
"""Of a symbol that stands beside another one without a sign: `m s^{-2}`, `N m`."""
MONEY = ("dollar", "euro", "pound_sterling", "rupee", "yen")
SHORT = (
    (re.compile(r"(\d+)\s?h(?:rs?)?\s?(\d+)\s?m(?:ins?)?\b"), r"\1 hours and \2 minutes"),
    (re.compile(r"(\d+)\s?'\s?(\d+)\s?(?:\"|'')"), r"\1 feet and \2 inches"),
    (re.compile(r"\$\s?(\d+)\s+and\s+(\d+)\s+cents?\b"), r"\1 dollars and \2 cents"),
)
"""Two units in one, as they are abbreviated."""
Factors = tuple[tuple[str, int], ...]
"""A unit's names by pint, each with its power."""


def in_unit(value: Fraction, unit: str, wanted: str) -> Fraction | None:
    """A quantity of one unit in another; None where either is no unit of measure, or they measure different things."""
    factor = _factor(unit, wanted)
    return None if factor is None else value * factor


def is_unit(word: str) -> bool:
    """Whether a word is a unit of measure, as `kg` and `hours` are and `apples` is not."""
    return _may_be_unit(word) and _parsed(word) is not None


def is_money(unit: str) -> bool:
    """Whether a unit is a currency or a part of one."""
    return any(_factor(unit, money) is not None for money in MONEY)


def unit_said(text: str) -> tuple[str, ...]:
    """The unit of measure of the first quantity of a bare statement, as it is written; none where it names none.

    Of a rate in words (`12 km per day`) also what stands before them: gold answers often leave the rest out.
    """
    text = DEGREES.sub(lambda found: f" deg{found[1][0].upper()}", text)
    numeral = NUMERAL.search(text)
    if numeral is None:
        return ()
    start = SCALE.match(text, numeral.end())
    at = start.end() if start else numeral.end()
    if AT_END.match(text, at):
        return ("inch",)
    found = _factors(text, at)
    if found:
        return tuple(dict.fromkeys(text[at:end] for end in found))
    money = CURRENCY.search(text, 0, numeral.start())
    return (money[1],) if money and (money[1] != "$" or text.count("$") % 2) else ()


def plain_units(text: str) -> str:
    """A bare statement with `5'10"` as 5 feet and 10 inches, and without units that look like mathematics: `9.8 m s^{-2}`."""
    for short, long in SHORT:
        text = short.sub(long, text)
    numeral = NUMERAL.search(text)
    if numeral is None or not any(sign in text[numeral.end() :] for sign in ("^", "\u00b7", "\u03a9")):
        return text
    space = len(text) - len(text[numeral.end() :].lstrip())
    ends = _factors(text, space)
    return text[: numeral.end()] + text[ends[0] :] if ends and not text[ends[0] :].strip(" .)$") else text


def _may_be_unit(word: str) -> bool:
    return bool(WORD.fullmatch(word)) and len(word) <= LONGEST


def _factors(text: str, at: int) -> list[int]:
    """Where the unit that stands at a place ends: all of it, and before a rate in words."""
    ends: list[int] = []
    joint, rate = None, 0
    while (factor := FACTOR.match(text, at)) and _is_factor(factor, joint):
        ends, at = [factor.end()], factor.end()
        joint = JOINT.match(text, at)
        if joint is None:
            break
        if joint["per"]:
            rate = rate or at
        at = joint.end()
    return [*ends, *([rate] if rate and ends and rate < ends[0] else [])]


def _is_factor(factor: re.Match[str], joint: re.Match[str] | None) -> bool:
    """Whether a word is a unit, and belongs to the units before it."""
    word = factor["word"]
    beside = joint is not None and not joint.group().strip()
    if beside and (len(word) > LETTERS or word[0] in "$%"):
        return False
    return word.lower() not in NO_UNITS and len(word) <= LONGEST and _name(word) is not None


@cache
def _name(word: str) -> str | None:
    """A unit's name by pint, if it is one of everyday problems: with its prefixes, pint finds one in `cats`, too."""
    spelt = SPELLINGS.get(word.lower())
    for name in (spelt,) if spelt else (word, word.lower()):
        if any(base in COMMON for _, base, _ in _registry().parse_unit_name(name)):
            return name
    return None if spelt is None else spelt if spelt.endswith("_per_hour") else None


@cache
def _parsed(text: str) -> Any:
    """The unit that a whole text is; None where it is none."""
    import pint

    whole = SPELLINGS.get(text.lower())
    text = DEGREES.sub(lambda found: f"deg{found[1][0].upper()}", text.strip()) if whole is None else text
    try:
        if whole is not None:
            return _registry().Unit(whole)
        ends = _factors(text, 0)
        if not ends or text[ends[0] :].strip(" ."):
            return None
        unit, at, over = _registry().Unit(""), 0, False
        while factor := FACTOR.match(text, at):
            power = int(factor["power"] or 1) * (2 if factor["area"] else 3 if factor["volume"] else 1)
            power *= {"squared": 2, "cubed": 3}.get(factor["said"] or "", 1) * (-1 if over else 1)
            unit = unit * _registry().Unit(_name(factor["word"])) ** power
            joint = JOINT.match(text, factor.end())
            if joint is None:
                break
            over, at = over or bool(joint["over"] or joint["per"]), joint.end()
        return unit
    except (pint.PintError, AttributeError, ValueError, AssertionError, TypeError):
        return None


@cache
def _factor(unit: str, wanted: str) -> Fraction | None:
    import pint

    first, second = _parsed(unit), _parsed(wanted)
    if first is None or second is None:
        return None
    if first == second:
        return Fraction(1)
    try:
        if "[temperature]" in first.dimensionality or not first.is_compatible_with(second):
            return None
        return Fraction(_registry().Quantity(Fraction(1), first).to(second).magnitude)
    except (pint.PintError, AttributeError, ValueError, AssertionError, TypeError):
        return None


@cache
def _registry() -> Any:
    import pint

    registry: Any = pint.UnitRegistry(autoconvert_offset_to_baseunit=False, non_int_type=Fraction)
    for own in ("dollar", "euro", "pound_sterling", "rupee", "yen", "percentage"):
        registry.define(f"{own} = [{own}s]")
    registry.define("cent = dollar / 100")
    return registry
