"""Rows of tables: each once, in the order of their arms and seeds.

1. An arm whose rows are the same in every setting has them once, without one; where only some of its settings, or only some
   seeds or rounds, have the same rows, these stand once under all these settings: `multi (init_from=base and previous)`.
2. Rows that are equal but for their seed are one row of all these seeds.
3. Rows stand by arm, in the order of `arm_style`, then by seed; within these they stay as they were.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from mmst.reporting.arm_style import arm_order, natural
from mmst.reporting.part import Part, Table

ARM_COLUMNS = ("arm", "arms")
SEED = "seed"
BLOCK = (SEED, "round")
"""Columns that stand for all rows of one training."""
SETTING = re.compile(r"([^()]+) \(([^()]+=[^()]*)\)([^()]*)")
"""A label with one setting: what stands before it, the setting, and what stands behind."""

Row = tuple[str, ...]
Rows = tuple[Row, ...]


def distinct(part: Part, numbers: Mapping[str, float] | None = None) -> Part:
    """A part whose tables hold each row once, in order. numbers: those of settings that are names."""
    return replace(part, tables=[_table(table, numbers) for table in part.tables])


def _table(table: Table, numbers: Mapping[str, float] | None) -> Table:
    rows = [tuple(row) for row in table.rows]
    if not table.header or table.header[0] not in ARM_COLUMNS:
        return replace(table, rows=list(dict.fromkeys(rows)))
    places = dict(enumerate(_without_repetition(rows, table.header)))
    seeded = len(table.header) > 1 and table.header[1] == SEED
    first: dict[Row, int] = {}
    seeds: dict[Row, list[str]] = {}
    for place, row in places.items():
        key = (row[0], *row[2:]) if seeded else row
        first.setdefault(key, place)
        seeds.setdefault(key, []).extend([row[1]] if seeded and row[1] not in seeds.get(key, ()) else [])
    listed = {key: sorted(of_key, key=natural) for key, of_key in seeds.items()}
    order = sorted(first, key=lambda key: (_order(places[first[key]][0], numbers), natural(listed[key][0]) if seeded else []))
    shown = [(key[0], ", ".join(listed[key]), *key[1:]) if seeded else key for key in order]
    number = {first[key]: n for n, key in enumerate(order)}
    shades = {(number[row], column): shade for (row, column), shade in table.shades.items() if row in number}
    return replace(table, rows=shown, shades=shades)


def _order(label: str, numbers: Mapping[str, float] | None) -> tuple[object, ...]:
    """Of `a - b`: by a, then by b."""
    return tuple(arm_order(name, numbers) for name in label.split(" - "))


def _without_repetition(rows: Sequence[Row], header: Sequence[str]) -> list[Row]:
    """The rows, in their places; those that settings of an arm have alike stand under one name, and are equal now."""
    columns = [place for place, name in enumerate(header) if name in BLOCK]
    found: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for row in rows:
        found[row[0], *(row[place] for place in columns)].append(row[1:])
    blocks = {key: tuple(of_key) for key, of_key in found.items()}
    names = _names(blocks)
    return [(names[row[0], *(row[place] for place in columns)], *row[1:]) for row in rows]


def _names(blocks: dict[tuple[str, ...], Rows]) -> dict[tuple[str, ...], str]:
    """(label, seed, round) -> the name that these rows have."""
    names = {key: key[0] for key in blocks}
    alike: dict[tuple[str, str], dict[tuple[str, ...], dict[Rows, list[str]]]] = defaultdict(dict)
    for (label, *where), block in blocks.items():
        if match := SETTING.fullmatch(label):
            before, setting, behind = match.groups()
            of_place = alike[before, behind].setdefault(tuple(where), defaultdict(list))
            of_place[block].append(setting)
    for (before, behind), places in alike.items():
        groups = [settings for by_block in places.values() for settings in by_block.values()]
        beside = {setting for settings in groups if len(settings) > 1 for setting in settings}
        everywhere = all(len(by_block) == 1 for by_block in places.values()) and beside == {s for g in groups for s in g}
        for place, by_block in places.items():
            for settings in by_block.values():
                name = f"{before}{behind}" if everywhere else f"{before} ({_joined(settings)}){behind}"
                names |= {(f"{before} ({setting}){behind}", *place): name for setting in settings}
    return names


def _joined(settings: Sequence[str]) -> str:
    """Settings in one: `k=1 and 2`; where several keys are varied, each whole."""
    keys, values = zip(*(setting.split("=", 1) for setting in settings), strict=True)
    one = len(set(keys)) == 1 and not any(", " in value for value in values)
    return f"{keys[0]}={' and '.join(values)}" if one else " and ".join(settings)
