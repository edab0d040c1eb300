"""The kinds of answers in which graders were found to err, each in many wordings: what a person would say of them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmst.answers.equality import verdict_of
from mmst.answers.reading import stated_answer
from mmst.stages.grade_file import Row, graded
from mmst.types import AnswerKind, Problem, Verdict
from tests.conftest import ROOT

KINDS = json.loads((ROOT / "tests" / "cases" / "judging.json").read_text())


@pytest.fixture(scope="module")
def verdicts():
    """The verdict of every case, by kind."""
    rows = [
        Row(case["completion"], case["gold"], AnswerKind(case.get("kind", "number")), case.get("choices", []))
        for cases in KINDS.values()
        for case in cases
    ]
    found = iter(graded(rows))
    return {kind: [next(found)["verdict"] for _ in cases] for kind, cases in KINDS.items()}


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_is_judged_as_a_person_would(verdicts, kind):
    differ = [case for case, verdict in zip(KINDS[kind], verdicts[kind], strict=True) if verdict not in case["verdict"]]
    assert differ == []


JOINTS = (
    " or ",
    " and ",
    ", ",
    " to ",
    "/",
    " & ",
    "; ",
    " or maybe ",
    ":",
    "-",
    "\u2013",
    " plus ",
    " times ",
    " apples and ",
)
MARKS = ("The answer is {}.", "Answer: {}", "#### {}", "\\boxed{{{}}}", "<answer>{}</answer>", "**Answer:** {}", "So it is {}.")


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.sampled_from(JOINTS), st.sampled_from(MARKS))
def test_an_answer_with_a_second_value_is_never_right(first, second, joint, mark):
    said = mark.format(f"{first}{joint}{second}")
    for gold in (first, second):
        answer, _ = stated_answer(said)
        right = verdict_of(answer, Problem("p", "?", str(gold)))[0] is Verdict.RIGHT
        assert not right or first == second or says_one_number(first, joint, second), said


def says_one_number(first, joint, second):
    """A fraction is one number (8/2 is 4, 5/1 is 5), and what a fraction is worth can be either of its parts."""
    return joint == "/" and second != 0


@given(
    st.sampled_from("ABCDE"),
    st.sampled_from("ABCDE"),
    st.sampled_from([" or ", " and ", ", ", "/", " & ", "; "]),
    st.sampled_from(MARKS),
)
def test_two_letters_are_never_right(first, second, joint, mark):
    choices = ("34", "48", "52", "60", "71")
    answer, _ = stated_answer(mark.format(first + joint + second), AnswerKind.CHOICE, choices)
    for gold in (first, second):
        verdict, _ = verdict_of(answer, Problem("p", "?", gold, AnswerKind.CHOICE, choices))
        assert verdict is not Verdict.RIGHT or first == second


@given(st.decimals(-(10**6), 10**6, places=2, allow_nan=False), st.sampled_from(MARKS))
def test_one_value_is_read_whatever_announces_it(value, mark):
    answer, _ = stated_answer(mark.format(value))
    assert verdict_of(answer, Problem("p", "?", str(value)))[0] is Verdict.RIGHT
