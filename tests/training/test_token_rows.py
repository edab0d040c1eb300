"""Rows in an Arrow file are the rows that were written, found without reading the others."""

import tracemalloc

import pytest

from mmst.errors import DataError
from mmst.training.batches import TokenRow
from mmst.training.token_rows import BATCH, ChosenRows, TokenTable, write_rows

BESIDE = TokenRow("a beside b", "text -> text, beside", (1, 2, 9, 0), 2, "p")
ROW = TokenRow("a", "text -> text", (1, 2, 70_000, 0), 2, "p", 0.1)


PAIR = TokenRow("a itself", "e", (1, 2, 0), 2, "p", 1 / 3, beside=BESIDE, right=False)


@pytest.mark.parametrize("rows", [[], [ROW], [TokenRow("b", "e", (), 0), ROW], [PAIR, ROW]], ids=["none", "one", "two", "pair"])
def test_rows_come_back_as_they_were(tmp_path, rows):
    table = write_rows(tmp_path / "rows.arrow", iter(rows))
    assert table == rows
    assert TokenTable(tmp_path / "rows.arrow") == rows
    assert [path.name for path in tmp_path.iterdir()] == ["rows.arrow"]


def made(count):
    return (TokenRow(str(n), "e", (n, *range(1000, 1060)), 1) for n in range(count))


def test_any_row_is_found_and_none_is_held(tmp_path):
    table = write_rows(tmp_path / "rows.arrow", made(3 * BATCH + 5))
    assert [table[n].id for n in (0, BATCH - 1, BATCH, 3 * BATCH + 4)] == ["0", "999", "1000", "3004"]
    assert [row.id for row in table[BATCH - 2 : BATCH + 2]] == ["998", "999", "1000", "1001"]
    tracemalloc.start()
    assert sum(row.tokens[0] for row in table) == sum(range(3 * BATCH + 5))
    assert tracemalloc.get_traced_memory()[1] < 3e6, "of them all, as objects, 10 MB"
    tracemalloc.stop()


def test_chosen_rows_have_what_was_found_of_them():
    rows = [ROW, TokenRow("b", "code -> text", (1, 2, 3), 2, weight=2.0, beside=BESIDE)]
    (chosen,) = ChosenRows(rows, [1], {"code -> text": 3.0}.__getitem__, [0, 1])
    assert (chosen.id, chosen.weight, chosen.shared, chosen.beside.shared, chosen.prefix) == ("b", 6.0, 1, 1, (1,))


def test_a_damaged_file_is_one_sentence(tmp_path):
    (tmp_path / "rows.arrow").write_bytes(b"ARROW1 and no more")
    with pytest.raises(DataError, match="is damaged"):
        TokenTable(tmp_path / "rows.arrow")
