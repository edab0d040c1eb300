"""Tables on a screen of any width: whole where they fit, else with their longest column folded, else row by row as texts."""

from __future__ import annotations

from rich.console import Console
from rich.measure import Measurement
from rich.table import Column, Table
from rich.text import Text

from mmst.reporting.progress import CONSOLE, wrapped

LEAST_FOLDED = 16
"""Columns of a folded cell that are still pleasant to read."""


def show_table(table: Table, console: Console | None = None, heads: int = 1) -> None:
    """Print a table; no cell of it is cut.

    heads: the columns that name a row, where it is shown as a text.
    """
    out = console or CONSOLE
    for column in table.columns:
        column.overflow = "fold"
    over = Measurement.get(out, out.options.update(max_width=10_000, markup=False), table).maximum - out.width
    if over <= 0 or not table.row_count:
        out.print(table, markup=False)
        return
    widths = [_longest(out, column, words=False) for column in table.columns]
    widest = max(range(len(widths)), key=widths.__getitem__)
    room = widths[widest] - over
    if room >= max(LEAST_FOLDED, _longest(out, table.columns[widest], words=True)):
        for place, column in enumerate(table.columns):
            column.no_wrap = place != widest
        out.print(table, markup=False)
    else:
        _show_rows(table, out, heads)


def _longest(out: Console, column: Column, words: bool) -> int:
    """Columns that the longest cell takes, or the longest word in one."""
    cells = [_plain(cell) for cell in (column.header, *column.cells)]
    parts = [part for cell in cells for part in (cell.split() if words else cell.splitlines())]
    return max((Text(part).cell_len for part in parts), default=0)


def _show_rows(table: Table, out: Console, heads: int) -> None:
    columns = [[_plain(cell) for cell in column.cells] for column in table.columns]
    names = [_plain(column.header) for column in table.columns]
    if table.title:
        out.print(wrapped(_plain(table.title), out), markup=False, soft_wrap=True)
    for row in zip(*columns, strict=True):
        head = ", ".join(cell for cell in row[:heads] if cell)
        rest = "; ".join(f"{name} {cell}" for name, cell in zip(names[heads:], row[heads:], strict=True) if cell)
        out.print(wrapped(f"{head}: {rest}", out, indent=2), markup=False, soft_wrap=True)


def _plain(cell: object) -> str:
    return cell.plain if isinstance(cell, Text) else str(cell)
