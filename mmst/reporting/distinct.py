"""Rows of tables: each once, in the order of their arms and seeds.

1. A row that an arm has the same in every setting stands once, without one. Where only some settings are alike, in all rows of
   a training, these stand once under those settings: `multi (k=1 and 2)`.
2. Rows that are equal but for their seed are one row of all these seeds.
3. Rows stand by arm, in the order of `arm_style`, then by seed; within these they stay as they were.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from mmst.reporting.arm_style import arm_order, natural
from mmst.reporting.part import Part, Table

ARM_COLUMNS = ("arm", "arms")
SEED = "seed"
BLOCK = (SEED, "round")
"""Columns that stand for all rows of one training."""
SETTING = re.compile(r"([^()]+) \(([^()]+=[^()]*)\)([^()]*)")
"""A label with one setting: what stands before it, the setting, and what stands behind."""

Row = tuple[str, ...]


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


@dataclass(frozen=True, slots=True)
class Label:
    """A row's label, as what stands before its setting, the setting, and what stands behind."""

    before: str
    setting: str = ""
    behind: str = ""

    @classmethod
    def of(cls, text: str) -> Label:
        """A label by its text; one that is not of this form has no setting."""
        match = SETTING.fullmatch(text)
        return cls(*match.groups()) if match else cls(text)

    def under(self, settings: str) -> str:
        """Its text with other settings, or with none."""
        return f"{self.before} ({settings}){self.behind}" if settings else f"{self.before}{self.behind}"


def _without_repetition(rows: Sequence[Row], header: Sequence[str]) -> list[Row]:
    """The rows, in their places; those that settings of an arm have alike stand under one name, and are equal now."""
    columns = [place for place, name in enumerate(header) if name in BLOCK]
    keys = [(row[0], *(row[place] for place in columns)) for row in rows]
    blocks: dict[Row, list[Row]] = defaultdict(list)
    for key, row in zip(keys, rows, strict=True):
        blocks[key].append(row[1:])
    placed = [(Label.of(row[0]), row[1:], tuple(blocks[key])) for key, row in zip(keys, rows, strict=True)]
    settings: dict[object, dict[str, None]] = defaultdict(dict)
    for label, row, block in placed:
        for alike in (None, row, block):  # all settings of the arm; those with this row; those with all rows of this training
            settings[label.under(""), alike][label.setting] = None
    found = []
    for label, row, block in placed:
        every, same, whole = (list(settings[label.under(""), alike]) for alike in (None, row, block))
        name = "" if not label.setting or (len(every) > 1 and same == every) else _joined([one for one in whole if one])
        found.append((label.under(name), *row))
    return found


def _joined(settings: Sequence[str]) -> str:
    """Settings in one: `k=1 and 2`; where several keys are varied, each whole."""
    keys, values = zip(*(setting.split("=", 1) for setting in settings), strict=True)
    one = len(set(keys)) == 1 and not any(", " in value for value in values)
    return f"{keys[0]}={' and '.join(values)}" if one else " and ".join(settings)
