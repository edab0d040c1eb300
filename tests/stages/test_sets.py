"""Rows that the ledger keeps are read from there, in whole or in part, also by another process."""

import pickle

import pytest

from mmst.ledger.chunking import Chunking
from mmst.ledger.ledger import Ledger, Work
from mmst.ledger.spec import RowsSpec, rows_key
from mmst.ledger.spooled import Spooled
from mmst.stages.sets import ExampleSet, KeptRows
from mmst.types import Example

ROWS = [Example(f"p{n}/text/0", "text -> text", f"p{n}", "?", f" {n}") for n in range(10)]


@pytest.fixture
def kept(tmp_path):
    lines = Spooled(Example, tmp_path, ROWS).lines()
    work = Work("examples", RowsSpec(rows_key(lines)), lambda part, task: part, object)
    return KeptRows(Ledger(tmp_path).chain(lines, [work], Chunking(4), "examples"), Example, rows_key(lines))


def test_kept_rows_are_those_that_were_given(kept):
    assert (len(kept), list(kept), kept[3:9], kept[-1]) == (10, ROWS, ROWS[3:9], ROWS[-1])
    assert kept == ROWS


def test_a_set_of_them_has_the_key_of_its_rows(kept):
    assert ExampleSet(kept, {}).key == ExampleSet(ROWS, {}).key


def test_another_process_is_given_the_place_and_not_the_rows(kept):
    given = pickle.dumps(kept)
    assert b"text -> text" not in given
    assert pickle.loads(given) == ROWS
