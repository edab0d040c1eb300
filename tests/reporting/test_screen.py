import io

import pytest
from rich.console import Console
from rich.table import Table

from mmst.reporting.screen import show_table

ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"


def shown(width, rows, heads=1):
    out = io.StringIO()
    table = Table(*(f"column {n}" for n in range(len(rows[0]))))
    for row in rows:
        table.add_row(*row)
    show_table(table, Console(file=out, width=width, force_terminal=True, color_system=None), heads)
    return [line.rstrip() for line in out.getvalue().splitlines()]


def words(lines):
    return {word for line in lines for word in line.split()}


LONG = "one two three four five six seven eight nine ten"


@pytest.mark.parametrize("width", [20, 40, 60, 200])
def test_no_cell_is_cut_on_a_screen_of_any_width(width):
    rows = [("[/a]", LONG, "x/y"), ("b", "short", "z")]
    lines = shown(width, rows)
    assert max(map(len, lines)) <= width
    assert not any(ELLIPSIS in line for line in lines)
    assert set(LONG.split()) <= {word.strip(";") for word in words(lines)}


def test_the_longest_column_alone_is_folded_where_that_is_enough():
    lines = shown(50, [("a" * 12, LONG)])
    assert "a" * 12 in words(lines)
    assert any("column 1" in line and "column 0" in line for line in lines)


def test_a_table_that_cannot_fit_is_a_text_a_row():
    lines = shown(30, [("text", "multi - base", "12 to 20", "")] * 2 + [("code", "multi - base", "3", "4")], heads=2)
    assert lines[0].startswith("text, multi - base: column 2")
    assert lines[1].startswith("  ")
    assert "column 3 4" in " ".join(lines[-2:])
