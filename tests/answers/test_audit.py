import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmst.answers.audit import wrong_steps


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("The total is 3 * 4 = 12. Then 12 - 5 = 7.", []),
        ("The total is 3 * 4 = 13. Then 13 - 5 = 8.", ["3 * 4 = 13"]),
        ("48/2 = <<48/2=24>>24 clips", []),
        ("<<48/2=25>>25", ["48/2=25"]),
        ("10 / 3 = 3.33", []),
        ("10 / 3 = 3.34", ["10 / 3 = 3.34"]),
        ("$1,000 + $500 = $1,500", []),
        ("2 + 3 * 4 = 14", []),
        ("(2 + 3) * 4 = 20", []),
        ("(2 + 3) * 4 = 14", ["(2 + 3) * 4 = 14"]),
        ("5 x 3 = 15 and 5 \u00d7 3 = 16", ["5 \u00d7 3 = 16"]),
        ("4 / 0 = 0", []),
        ("total = 3 * 4 and x1 + 2 = 9", []),
        ("12 = 12", []),
        ("1 + 1 = 3/1", ["1 + 1 = 3/1"]),
        ("3 boxes * 4 apples/box = 13 apples", ["3 boxes * 4 apples/box = 13"]),
        ("He has 20 gnomes \u2013 12 gnomes = 8 gnomes.", []),
        ("2 * 3 = 6 = 12 / 2 = 7", ["12 / 2 = 7"]),
        ("2 * 3 = 4 + 2", []),
        ("25% * $1000 = $250, or 10% * 50 = 6", ["10% * 50 = 6"]),
        ("$2.50 - $2.24 = 26 cents", []),
        ("a total of 4 + 8 = 13", ["4 + 8 = 13"]),
        ("1/2 of 4 + 8 = 10, S + 4 + 8 = 20, 2x + 20 = 50, 2(6 + 12) = 36", []),
        ("1.5 / .25 = 7", ["1.5 / .25 = 7"]),
        ("1 + 2 = 3.5", ["1 + 2 = 3.5"]),
    ],
)
def test_statements_that_do_not_hold_are_found(text, wrong):
    assert wrong_steps(text) == wrong


@given(st.text(alphabet="0123456789+-*/=. ()$,x", max_size=200))
def test_any_text_is_checked_without_an_error(text):
    assert all("=" in statement for statement in wrong_steps(text))


@given(st.integers(0, 999), st.integers(0, 999), st.sampled_from("+-*"))
def test_what_holds_is_never_wrong(a, b, operator):
    value = {"+": a + b, "-": a - b, "*": a * b}[operator]
    assert wrong_steps(f"So {a} {operator} {b} = {value}.") == []
    assert wrong_steps(f"So {a} {operator} {b} = {value + 1}.") != []
