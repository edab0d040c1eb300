import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmst.answers.reading import stated_answer

CASES = json.loads((Path(__file__).parents[1] / "cases" / "readings.json").read_text())


@pytest.mark.parametrize(("text", "answer", "how"), CASES, ids=str)
def test_stated_answer(text, answer, how):
    assert stated_answer(text) == (answer, how)


@given(st.text(max_size=500))
def test_any_text_is_read_without_an_error(text):
    answer, how = stated_answer(text)
    assert (answer is None) <= (how in ("none", "boxed", "expression"))


def test_a_very_long_text_is_read_from_its_end():
    assert stated_answer("7 " * 100_000 + "The answer is 12.") == ("12", "marked")
