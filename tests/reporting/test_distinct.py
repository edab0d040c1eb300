from mmst.reporting.distinct import distinct
from mmst.reporting.part import Part, Table


def rows(*given, header=("arm", "seed", "value"), shades=None):
    (table,) = distinct(Part("", tables=[Table(list(header), given, shades=shades or {})])).tables
    return [tuple(row) for row in table.rows], dict(table.shades)


def test_equal_rows_stand_once_with_all_their_seeds():
    found, _ = rows(("multi", "10", "a"), ("multi", "2", "a"), ("multi", "2", "a"), ("multi", "3", "b"))
    assert found == [("multi", "2, 10", "a"), ("multi", "3", "b")]


def test_a_base_that_all_variants_share_stands_once():
    shared, _ = rows(("base (k=1)", "0", "a"), ("base (k=2)", "0", "a"), ("multi (k=1)", "0", "a"))
    assert shared == [("base", "0", "a"), ("multi (k=1)", "0", "a")]
    own, _ = rows(("base (k=1)", "0", "a"), ("base (k=2)", "0", "b"))
    assert own == [("base (k=1)", "0", "a"), ("base (k=2)", "0", "b")]


def test_rows_stand_by_arm_and_seed_and_keep_their_colours():
    given = [("zeta", "1", "a"), ("multi (k=10)", "1", "b"), ("multi (k=2)", "1", "c"), ("base", "1", "d"), ("base", "0", "e")]
    found, shades = rows(*given, shades={(1, 2): 0.5, (4, 2): -0.5})
    assert [row[2] for row in found] == ["e", "d", "c", "b", "a"]
    assert shades == {(3, 2): 0.5, (0, 2): -0.5}


def test_differences_stand_by_both_arms():
    found, _ = rows(("multi - self_both", "x"), ("multi - base", "x"), ("self_both - base", "x"), header=("arms", "value"))
    assert [row[0] for row in found] == ["self_both - base", "multi - base", "multi - self_both"]


def test_other_tables_keep_their_order():
    found, _ = rows(("b", "1"), ("a", "1"), ("b", "1"), header=("job", "folder"))
    assert found == [("b", "1"), ("a", "1")]
