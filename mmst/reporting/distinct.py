"""Rows of tables: each once, in the order of their arms and seeds.

1. The base's rows, where they are the same in every variant, are rows of `base` without one.
2. Rows that are equal but for their seed are one row of all these seeds.
3. Rows stand by arm, in the order of `arm_style`, then by seed; within these they stay as they were.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mmst.methods.edge import BASE_ARM
from mmst.reporting.arm_style import arm_name, arm_order, natural
from mmst.reporting.part import Part, Table

ARM_COLUMNS = ("arm", "arms")
SEED = "seed"

Row = tuple[str, ...]


def distinct(part: Part) -> Part:
    """A part whose tables hold each row once, in order."""
    return replace(part, tables=[_table(table) for table in part.tables])


def _table(table: Table) -> Table:
    rows = [tuple(row) for row in table.rows]
    if not table.header or table.header[0] not in ARM_COLUMNS:
        return replace(table, rows=list(dict.fromkeys(rows)))
    places = dict(enumerate(_shared_base(rows)))
    seeded = len(table.header) > 1 and table.header[1] == SEED
    first: dict[Row, int] = {}
    seeds: dict[Row, list[str]] = {}
    for place, row in places.items():
        key = (row[0], *row[2:]) if seeded else row
        first.setdefault(key, place)
        seeds.setdefault(key, []).extend([row[1]] if seeded and row[1] not in seeds.get(key, ()) else [])
    listed = {key: sorted(of_key, key=natural) for key, of_key in seeds.items()}
    order = sorted(first, key=lambda key: (_order(places[first[key]][0]), natural(listed[key][0]) if seeded else []))
    shown = [(key[0], ", ".join(listed[key]), *key[1:]) if seeded else key for key in order]
    number = {first[key]: n for n, key in enumerate(order)}
    shades = {(number[row], column): shade for (row, column), shade in table.shades.items() if row in number}
    return replace(table, rows=shown, shades=shades)


def _order(label: str) -> tuple[object, ...]:
    """Of `a - b`: by a, then by b."""
    return tuple(arm_order(name) for name in label.split(" - "))


def _shared_base(rows: Sequence[Row]) -> list[Row]:
    """The rows, where the base's that every variant has stand under the base alone."""
    variants = {row[0] for row in rows if arm_name(row[0]) == BASE_ARM and " - " not in row[0]}
    if len(variants) < 2:
        return list(rows)
    found: dict[Row, set[str]] = {}
    for row in rows:
        found.setdefault(row[1:], set()).update({row[0]} & variants)
    return [(BASE_ARM, *row[1:]) if row[0] in variants and found[row[1:]] == variants else row for row in rows]
