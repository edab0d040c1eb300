from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmst.answers.equality import canonical_answer
from mmst.sandbox.tables import cell_text, exact_text, read, same_rows, table_name, table_text, written
from mmst.types import AnswerKind

VALUES = (
    st.sampled_from([None, 0, 1, 1.0, -0.0, 0.3, 0.1 + 0.2, 1 / 3, 0.333333, 1e-300, 4e-7, 5551234.0, 5551235.0, 2**53 + 1])
    | st.sampled_from(
        ["", " ", "null", "no rows", "1", "Rome", "rome", "Rome, Italy", "Italy", "5 | rome", "a\nb", "a b", "..."]
    )
    | st.sampled_from([b"", b"\0", "00", "x'00'", "\udcff", "\ufffd"])
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
    | st.binary(max_size=3)
)
TABLES = st.integers(1, 3).flatmap(lambda width: st.lists(st.tuples(*[VALUES] * width), max_size=5))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([("Rome, Italy",)], [("Rome",), ("Italy",)]),
        ([], [("",)]),
        ([], [("no rows",)]),
        ([(None,)], [("null",)]),
        ([(5, "rome")], [("5 | rome",)]),
        ([("rome",)], [("Rome",)]),
        ([("rome",)], [("rome.",)]),
        ([("a\nb",)], [("a b",)]),
        ([("",)], [(" ",)]),
        ([(b"\0",)], [("00",)]),
        ([("\udcff",)], [("\udcfe",)]),
        ([(1e-300,)], [(4e-7,)]),
        ([(1e-300,)], [(0,)]),
        ([(0.333333,)], [(1 / 3,)]),
        ([(5551234.0,)], [(5551235.0,)]),
        ([(10**15,)], [(10**15 + 1,)]),
        ([(2458849.5,)], [(2458849.5 + 3 / 1440,)]),
        ([(1577836800.5,)], [(1577836801.5,)]),
        ([(1000000001,)], [(1000000001.5,)]),
        ([(1e-17,)], [(0,)]),
        ([("1",)], [(1,)]),
        ([("a",), ("a",), ("b",)], [("a",), ("b",), ("b",)]),
        ([(1, 2)], [(2, 1)]),
        ([(1,)], [(1, 1)]),
        ([("x" * 3_000 + "a",)], [("x" * 3_000 + "A",)]),
        ([(1.5, "a"), (2.5, "b")], [(2.5, "a"), (1.5, "b")]),
    ],
)
def test_tables_that_differ_are_told_apart(one, other):
    assert not same_rows(one, other, ordered=False)
    assert not same_rows(other, one, ordered=True)
    assert table_name(one) != table_name(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([(1,)], [(1.0,)]),
        ([(0,)], [(-0.0,)]),
        ([(0.1 + 0.2,)], [(0.3,)]),
        ([(6.000000000000001,)], [(6,)]),
        ([(1e17,)], [(1e17 + 16,)]),
        ([(None, b"a", "a")], [(None, b"a", "a")]),
        ([], []),
    ],
)
def test_values_that_sql_calls_equal_are_and_reals_but_for_how_they_were_added(one, other):
    assert same_rows(one, other, ordered=True)
    assert same_rows(other, one, ordered=False)


def test_rows_are_a_multiset_or_a_sequence():
    one, other = [(1, "a"), (2, "b")], [(2, "b"), (1, "a")]
    assert same_rows(one, other, ordered=False)
    assert not same_rows(one, other, ordered=True)


def test_rows_near_each_other_are_matched_and_not_sorted():
    """Sorted, the first rows would be (1, 'b') and (1, 'a')."""
    above = 1.5 + 1e-13
    assert same_rows([(1.5, "b"), (above, "a")], [(1.5, "a"), (above, "b")], ordered=False)


@given(TABLES, st.randoms(use_true_random=False))
def test_order_is_all_that_a_shuffle_changes(rows, random):
    shuffled = random.sample(rows, len(rows))
    assert same_rows(rows, shuffled, ordered=False)
    assert table_text(rows, ordered=False) == table_text(shuffled, ordered=False)


@given(st.lists(st.tuples(VALUES), max_size=4), st.lists(st.tuples(VALUES), max_size=4))
def test_unordered_tables_are_the_same_where_some_order_makes_them_so(one, other):
    expected = any(same_rows(one, order, ordered=True) for order in permutations(other))
    assert same_rows(one, other, ordered=False) is expected


@given(TABLES)
def test_json_keeps_a_table_as_it_is(rows):
    assert [[(type(x), x) for x in row] for row in read(written(rows))] == [[(type(x), x) for x in row] for row in rows]


@given(TABLES)
def test_every_table_has_a_text_that_can_be_an_answer(rows):
    kind = AnswerKind.TEXT if exact_text(rows) is None else AnswerKind.NUMBER
    assert canonical_answer(table_text(rows, ordered=True), kind) is not None
    table_text(rows, ordered=True).encode()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (3.0, "3"),
        (-0.0, "0"),
        (2 / 3, "0.666667"),
        (4.25e-7, "4.25e-07"),
        (1e-300, "1e-300"),
        (float("inf"), "inf"),
        (" ", "empty text"),
        (b"\0\xff", "x'00ff'"),
        ("a\udcff", "a\ufffd"),
    ],
)
def test_a_value_is_written_as_a_person_reads_it(value, text):
    assert cell_text(value) == text


def test_long_texts_are_the_same_where_short_ones_are():
    one, other = ([(f"{word} " * 1_000,)] for word in ("rome", "ROME"))
    assert canonical_answer(table_text(one, ordered=False), AnswerKind.TEXT) == canonical_answer(
        table_text(other, ordered=False), AnswerKind.TEXT
    )
    assert len(table_text(one, ordered=False)) < 2_100


def test_rows_that_are_near_all_others_are_compared_in_their_order_first(monkeypatch):
    """Without a matching, which looks at each pair."""
    one = [tuple(1.0 + (n + k) * 1e-15 for k in range(10)) for n in range(0, 200, 2)]
    other = [tuple(x + 2.3e-16 for x in row) for row in one][::-1]
    monkeypatch.setattr("scipy.sparse.csgraph.maximum_bipartite_matching", None)
    assert same_rows(one, other, ordered=False)
