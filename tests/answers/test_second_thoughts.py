"""What a completion says and does not stand by; more wordings are kinds of `tests/cases/judging.json`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmst.answers.reading import stated_answer
from mmst.answers.second_thoughts import other_answer, second_thought, without_unsaid


@pytest.mark.parametrize(
    "cue", ["Actually, it should be {}.", "Correction: {}", "No, that's wrong. It's {}.", "Wait, it is {}."]
)
@pytest.mark.parametrize("mark", ["\\boxed{{{}}}", "The answer is {}.", "Answer: {}", "<answer>{}</answer>", "**Answer:** {}"])
@given(first=st.integers(10, 9999), second=st.integers(10, 9999))
def test_the_corrected_answer_counts(mark, cue, first, second):
    assert stated_answer(f"{mark.format(first)}\n\n{cue.format(second)}")[0] == str(second)


@given(
    st.integers(10, 9999), st.sampled_from(["I first thought", "Suppose", "My friend says", "I don't think", "You might think"])
)
def test_what_is_not_stood_by_is_no_answer(value, cue):
    assert stated_answer(f"{cue} the answer is {value}.")[0] is None


@given(st.integers(10, 9999))
def test_a_plain_statement_is_left_as_it_is(value):
    text = f"She says that she has {value + 1}. I think the answer is {value}. It is a whole number."
    assert without_unsaid(text) == text
    assert second_thought(" It is a whole number.") is None
    assert other_answer(". It is a whole number.") is None
    assert stated_answer(text) == (str(value), "marked")
