import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmst.answers.audit import wrong_steps
from mmst.answers.reading import stated_answer
from mmst.nano.__main__ import bare_methods
from mmst.types import AnswerKind

CASES = json.loads((Path(__file__).parents[1] / "cases" / "readings.json").read_text())
TEXT = bare_methods()["text"]


@pytest.mark.parametrize(("text", "answer", "how"), CASES, ids=str)
def test_stated_answer(text, answer, how):
    assert stated_answer(text) == (answer, how)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("1. 3*4=12\n2. 12-2=10\n", "10"),
        ("1. First, we multiply.\n2. That is 12 nuts.\n3. Done.", "12"),
        ("1. Ana has 5.\n2. Together they have 12.\n3.", "12"),
        ("**Step 1:** 3 * 4 = 12\n**Step 2:** Done.", "12"),
        ("1) 3 bags\n2) So 12 nuts", "12"),
        ("The sum is:\n12. Nice.", "12"),
        ("6.\n7.", "7"),
    ],
)
def test_the_number_of_a_step_is_no_answer(text, answer):
    assert stated_answer(text) == (answer, "fallback")


@given(st.text(max_size=500))
def test_any_text_is_read_without_an_error(text):
    answer, how = stated_answer(text)
    assert (answer is None) <= (how in ("none", "boxed", "expression"))


def test_a_very_long_text_is_read_from_its_end():
    assert stated_answer("7 " * 100_000 + "The answer is 12.") == ("12", "marked")


ENDLESS = {
    "sum": "1+" * 10_000,
    "parentheses": "(" * 20_000,
    "digits": "9" * 20_000,
    "groups": "1,111" * 4_000,
    "open boxes": "\\boxed{" * 3_000,
    "boxes": "\\boxed{1}" * 2_500,
    "marks": "answer is " * 2_000,
    "hashes": "#### " * 4_000,
    "nested": "\\text{" * 1_500 + "1" + "}" * 1_500,
    "numbers": "1 " * 10_000,
    "letters": "(a)" * 6_000,
    "tower": "The answer is 5" + "^5" * 9_000,  # Math-Verify issue 65
    "power": "\\boxed{10^{10^{10^{10}}}}",  # Math-Verify issue 63
}


@pytest.mark.parametrize("name", ENDLESS)
def test_no_text_holds_the_reader(name):
    """Each takes milliseconds; what is quadratic took up to 15 s of CPU time."""
    started = time.process_time()
    for kind in AnswerKind:
        stated_answer(ENDLESS[name], kind, ("1", "b"))
    assert isinstance(wrong_steps(ENDLESS[name]), list)
    assert TEXT.steps(ENDLESS[name])
    assert time.process_time() - started < 10


@given(st.text(alphabet="\\boxed{}()1234567890.,+-*/^=$ answeriq#\n", max_size=3000), st.sampled_from(list(AnswerKind)))
def test_any_text_of_any_kind_is_read_without_an_error(text, kind):
    answer, how = stated_answer(text, kind, ("1", "b"))
    assert how in ("boxed", "marked", "fallback", "none", "expression")
    assert answer is None or answer == answer.strip()


@pytest.mark.parametrize(
    "text", ["The answer is not 18.", "The answer can't be 18.", "The answer is 18. No, 20.", "It is not 18."]
)
def test_what_is_denied_or_taken_back_is_no_answer(text):
    assert stated_answer(text)[0] != "18"
