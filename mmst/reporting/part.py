"""A part of the report page: its charts and tables, and how numbers are written in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mmst.reporting.arms import Cell


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of texts under a header."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""
    shades: Mapping[tuple[int, int], float] = field(default_factory=dict)
    """(row, column) -> from -1 to 1: how a cell is coloured."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the page."""

    title: str
    about: str = ""
    charts: Sequence[str] = ()
    tables: Sequence[Table] = ()


def arm_label(arm: str, variant: str) -> str:
    """An arm, with what sets it apart from arms of its name in other jobs."""
    return f"{arm} ({variant})" if variant else arm


def percent(cell: Cell | None) -> str:
    """A share with its interval, in percent."""
    if cell is not None and cell.n == 0:
        return "none judged"
    return "" if cell is None else f"{100 * cell.value:.1f} [{100 * cell.low:.1f}, {100 * cell.high:.1f}]"


def points(cell: Cell) -> str:
    """A difference with its interval, in points."""
    return f"{100 * cell.value:+.1f} [{100 * cell.low:+.1f}, {100 * cell.high:+.1f}]"


def phi(row: Mapping[str, Any]) -> str:
    """A correlation with its interval; empty where it is not defined."""
    return "" if row["phi"] is None else f"{row['phi']:+.2f} [{row['low']:+.2f}, {row['high']:+.2f}]"


def p_value(p: float | None) -> str:
    """A p value; empty where there is none."""
    return "" if p is None else "<0.0001" if p < 0.0001 else f"{p:.2g}"
