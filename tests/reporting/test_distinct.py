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


def test_an_arm_that_settings_do_not_change_stands_once_and_without_one():
    given = [(f"{arm} (match_by={by})", seed, value) for by in "ab" for arm, seed, value in (
        ("self", "0", "x"), ("self", "1", "y"), ("multi", "0", by), ("multi", "1", "z"),
    )]  # fmt: skip
    found, _ = rows(*given)
    assert found == [
        ("multi", "1", "z"), ("multi (match_by=a)", "0", "a"), ("multi (match_by=b)", "0", "b"),
        ("self", "0", "x"), ("self", "1", "y"),
    ]  # fmt: skip


def test_a_round_that_some_settings_have_alike_stands_once():
    given = [
        (f"multi (from={by})", "0", number, kind, by if number == "2" or by == "c" else "")
        for by in "abc" for number in "12" for kind in "uv"
    ]  # fmt: skip
    found, _ = rows(*given, header=("arm", "seed", "round", "kind", "value"))
    names = ("multi (from=a and b)", "multi (from=a)", "multi (from=b)", "multi (from=c)", "multi (from=c)")
    assert [row[0] for row in found] == [name for name in names for _ in "uv"]


def test_rows_that_some_settings_have_alike_by_chance_stay_apart():
    """Of trainings that differ in another row."""
    found, _ = rows(*((f"multi (k={k})", "0", value) for k in "123" for value in ("x" if k != "3" else "w", f"of {k}")))
    assert len(found) == 6


def test_settings_of_several_keys_are_named_whole():
    found, _ = rows(("multi (k=1, t=2)", "x"), ("multi (k=2, t=2)", "x"), ("multi (k=3, t=2)", "y"), header=("arm", "value"))
    assert found[0] == ("multi (k=1, t=2 and k=2, t=2)", "x")


def test_differences_stand_by_both_arms():
    found, _ = rows(("multi - self_both", "x"), ("multi - base", "x"), ("self_both - base", "x"), header=("arms", "value"))
    assert [row[0] for row in found] == ["self_both - base", "multi - base", "multi - self_both"]


def test_settings_that_are_names_stand_by_their_numbers():
    given = [(f"multi (model={name})", name) for name in ("nano", "nano_64", "nano_192")]
    part = Part("", tables=[Table(["arm", "value"], given)])
    (table,) = distinct(part, {"nano_64": 0.3, "nano": 1, "nano_192": 2}).tables
    assert [row[1] for row in table.rows] == ["nano_64", "nano", "nano_192"]


def test_other_tables_keep_their_order():
    found, _ = rows(("b", "1"), ("a", "1"), ("b", "1"), header=("job", "folder"))
    assert found == [("b", "1"), ("a", "1")]
