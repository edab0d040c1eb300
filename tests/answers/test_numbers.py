import json
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmst.answers.numbers import LONGEST_NUMBER, canonical_number, numbers_in

CASES = json.loads((Path(__file__).parents[1] / "cases" / "numbers.json").read_text())


@pytest.mark.parametrize(("text", "expected"), CASES["canonical"], ids=str)
def test_canonical_number(text, expected):
    assert canonical_number(text) == expected


@pytest.mark.parametrize(("text", "expected"), CASES["numbers_in"], ids=str)
def test_numbers_in(text, expected):
    assert numbers_in(text) == expected


@given(st.text(max_size=300))
def test_any_text_is_read_without_an_error(text):
    canonical_number(text)
    assert all(canonical_number(number) == number for number in numbers_in(text))


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**9), max_value=10**9))
def test_canonical_is_idempotent_and_keeps_the_value(number):
    text = canonical_number(f"{number:f}")
    assert canonical_number(text) == text
    assert Fraction(text) == Fraction(number)


@given(st.integers(-(10**12), 10**12))
def test_writing_a_number_differently_does_not_change_it(number):
    forms = [str(number), f"{number}.0", f"{number:,}", f" {number}. ", f"{number}.000000"]
    assert {canonical_number(form) for form in forms} == {str(number)}


def test_a_tower_of_exponents_costs_nothing():
    assert canonical_number("1e999999999") is None
    assert canonical_number("9" * (LONGEST_NUMBER + 1)) is None
