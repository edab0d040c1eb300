"""One order and one colour for an arm, on every page: what a reader learns on one holds on the next."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Mapping

COLOURS = 13
"""The page's colours of series, `--s0` to `--s12`."""
KNOWN = {
    "base": 0,
    "none": 0,
    "self_text": 5,
    "self_code": 6,
    "self_both": 1,
    "self_both_compute": 7,
    "resolve": 8,
    "star": 9,
    "code_to_text": 3,
    "text_to_code": 4,
    "shuffled": 10,
    "unverified": 11,
    "mot": 11,
    "parrot": 12,
    "taught": 10,
    "until_verified": 3,
    "repair": 4,
    "traced": 5,
    "unsolved": 6,
    "harder": 7,
    "shortest": 8,
    "likeliest": 9,
    "distinct": 12,
    "multi_dpo": 4,
    "multi_rpo": 3,
    "multi_kto": 6,
    "multi_matched": 12,
    "multi": 2,
}
"""Arms that come with mmst, in their order, from the base to what the paper proposes; each with its colour.

There are more arms than colours: those of one sweep differ.
"""
FREE = (3, 4, 5, 6, 7, 8, 9, 10, 11, 12)
"""Colours that other arms take, and arms whose own is taken."""
NAME = re.compile(r" \(| - |, ")
"""What follows an arm's name in a label, as in `multi (k=4)` or `multi - base`."""


SETTING = re.compile(r"=([^=()]*)\)")
"""A label's last setting, without its key."""


def arm_name(label: str) -> str:
    """The arm that a label is of; of a difference, the first."""
    return NAME.split(label, maxsplit=1)[0]


def page_colours(names: Iterable[str]) -> dict[str, int]:
    """Arm -> its colour on a page of these arms, on which no two have the same while there are colours left.

    A known arm has its own, unless an earlier one has it; then it takes one that is left, as other arms do, by their order.
    """
    found: dict[str, int] = {}
    ordered = sorted(set(names), key=arm_order)
    for name in ordered:
        if name in KNOWN and KNOWN[name] not in found.values():
            found[name] = KNOWN[name]
    for name in ordered:
        left = [number for number in FREE if number not in found.values()]
        found.setdefault(name, left[0] if left else arm_colour(name))
    return found


def arm_colour(label: str, colours: Mapping[str, int] | None = None) -> int:
    """The number of an arm's colour: among these of a page, or where there is no page, its own or one by its name."""
    name = arm_name(label)
    if colours and name in colours:
        return colours[name]
    return KNOWN[name] if name in KNOWN else FREE[zlib.crc32(name.encode()) % len(FREE)]


def arm_order(label: str, numbers: Mapping[str, float] | None = None) -> tuple[int, tuple[object, ...]]:
    """What labels of arms are sorted by: base first, then the known ones, then others by name; variants by their numbers.

    numbers: those of settings that are names.
    """
    name = arm_name(label)
    place = list(KNOWN).index(name) if name in KNOWN else len(KNOWN)
    setting = SETTING.search(label)
    number = (numbers or {}).get(setting[1]) if setting else None
    return place, tuple(natural(label)) if number is None else ((0, name), (1, float(number)))


def natural(text: str) -> list[object]:
    """What texts are sorted by, so that 2 stands before 10."""
    parts = re.split(r"(\d+(?:\.\d+)?)", text)
    return [(1, float(part)) if number % 2 else (0, part) for number, part in enumerate(parts)]
