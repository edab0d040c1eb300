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
    )
)
WORD = re.compile(r"[A-Za-z]+(?:/[A-Za-z]+)?")
LONGEST = 24


def in_unit(value: Fraction, unit: str, wanted: str) -> Fraction | None:
    """A quantity of one unit in another; None where either is no unit of measure, or they measure different things."""
    if not _may_be_unit(unit) or not _may_be_unit(wanted):
        return None
    factor = _factor(unit, wanted)
    return None if factor is None else value * factor


def is_unit(word: str) -> bool:
    """Whether a word is a unit of measure, as `kg` and `hours` are and `apples` is not."""
    return _may_be_unit(word) and _factor(word, word) is not None


def _may_be_unit(word: str) -> bool:
    return bool(WORD.fullmatch(word)) and len(word) <= LONGEST


@cache
def _factor(unit: str, wanted: str) -> Fraction | None:
    import pint

    registry = _registry()
    try:
        if not all(_is_common(registry, SPELLINGS.get(word.lower(), word)) for word in (unit, wanted)):
            return None
        first, second = (registry.Unit(SPELLINGS.get(word.lower(), word)) for word in (unit, wanted))
        if "[temperature]" in first.dimensionality or not first.is_compatible_with(second):
            return None
        return Fraction(registry.Quantity(Fraction(1), first).to(second).magnitude)
    except (pint.PintError, AttributeError, ValueError, AssertionError, TypeError):
        return None


def _is_common(registry: Any, word: str) -> bool:
    """Whether a word is a unit of everyday problems: with its prefixes, pint finds one in `cats`, too."""
    return any(base in COMMON for part in word.split("/") for _, base, _ in registry.parse_unit_name(part))


@cache
def _registry() -> Any:
    import pint

    registry: Any = pint.UnitRegistry(autoconvert_offset_to_baseunit=False, non_int_type=Fraction)
    registry.define("dollar = [money_in_dollars]")
    registry.define("cent = dollar / 100")
    registry.define("euro = [money_in_euros]")
    return registry
