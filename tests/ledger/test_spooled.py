"""Rows in a file behave as those of a list, however many of them are written."""

import tracemalloc
from itertools import compress

import pytest

from mmst.ledger.spec import rows_key
from mmst.ledger.spooled import BLOCK, Mapped, Spooled
from mmst.types import Dropped

COUNTS = (0, 1, BLOCK - 1, BLOCK, 2 * BLOCK + 7)


def dropped(count):
    return [Dropped(f"p{n}/text/0", "text -> text", "a line\nwith \u2028 and \r in it") for n in range(count)]


@pytest.mark.parametrize("count", COUNTS)
def test_rows_come_back_in_their_order_whole_in_part_and_one_by_one(tmp_path, count):
    rows = dropped(count)
    spooled = Spooled(Dropped, tmp_path, rows)
    assert (len(spooled), list(spooled), list(spooled)) == (count, rows, rows)
    assert spooled == rows
    assert spooled != [*rows, Dropped("", "", "")]
    for part in (slice(None), slice(3, 5), slice(BLOCK - 2, BLOCK + 2), slice(-3, None), slice(5, 2), slice(None, None, -1)):
        assert spooled[part] == rows[part]
    for place in (0, count // 2, count - 1, -1):
        if count:
            assert spooled[place] == rows[place]
    with pytest.raises(IndexError):
        spooled[count]
    assert not list(tmp_path.iterdir()), "nothing is left behind, whatever ends the process"


@pytest.mark.parametrize("count", COUNTS)
def test_as_lines_they_are_hashed_and_chosen_as_they_are(tmp_path, count):
    rows = dropped(count)
    lines = Spooled(Dropped, tmp_path, rows).lines()
    assert rows_key(lines) == rows_key(rows)
    assert rows_key(compress(lines, [n % 2 for n in range(count)])) == rows_key(rows[1::2])
    assert rows_key(lines[2:-1]) == rows_key(rows[2:-1])


def test_what_is_gone_through_may_be_added_to():
    spooled = Spooled(Dropped, None, dropped(BLOCK))
    first = iter(spooled)
    next(first)
    spooled.extend(dropped(BLOCK + 1))
    assert len(list(spooled)) == 2 * BLOCK + 1


def test_what_a_function_makes_is_made_when_it_is_asked_for():
    made = []
    view = Mapped(range(10), lambda n: made.append(n) or n * n)
    assert view[2:4] == [4, 9]
    assert made == [2, 3]
    assert list(view) == [n * n for n in range(10)]


def test_ten_times_the_rows_are_held_in_the_same_memory(tmp_path):
    peaks = []
    for blocks in (4, 40):
        tracemalloc.start()
        spooled = Spooled(Dropped, tmp_path, (Dropped(f"p{n}", "text -> text", "x" * 100) for n in range(blocks * BLOCK)))
        assert sum(1 for _ in spooled) == blocks * BLOCK
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0]
