import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmst.datasets.arithmetic.world import draw_problems
from mmst.datasets.catalog import read_split
from mmst.nano.__main__ import bare_methods
from mmst.types import AnswerKind, Problem, Step

TEXT = bare_methods()["text"]
ANY = Problem("p", "?", "1")


def test_a_derivation_is_rendered_with_values(sandbox):
    steps = (Step("total", "3", "*", "4", "12"), Step("left", "total", "-", "5", "7"))
    text = TEXT.render(steps)
    assert text == "The total is 3 * 4 = 12. The left is 12 - 5 = 7. The answer is 7."
    assert TEXT.read_all([text], [ANY], sandbox)[0].answer == "7"


def test_every_gold_derivation_reads_back_as_its_answer(sandbox):
    problems = draw_problems("validation", 230, 1)
    readings = TEXT.read_all([TEXT.render(p.derivation) for p in problems], problems, sandbox)
    assert [r.answer for r in readings] == [p.answer for p in problems]
    assert {r.reason for r in readings} == {"marked"}


def test_a_run_on_question_is_not_read(sandbox):
    run_on = " The answer is 4.\n\nQuestion: What is 5 + 5?\nAnswer: The answer is 10."
    assert TEXT.read_all([run_on], [ANY], sandbox)[0].answer == "4"
    assert TEXT.clean(run_on) == "The answer is 4."


@pytest.mark.parametrize(
    ("text", "leak"),
    [
        ("The answer is 12.", True),
        ("12. The answer is 12.", True),
        ("There are 12 apples, so 12. The answer is 12.", True),
        ("Tom had 12, of which none went. The answer is 12.", True),
        ("So x = 12. The answer is 12.", True),
        ("3, 4. The answer is 12.", True),
        ("The numbers are 3 and 4. The answer is 12.", True),
        ("Given: 3, 4, 12.\nThe answer is 12.", True),
        ("We have 3 and 4 in the question, so the answer is 12.", True),
        ("24/2. The answer is 12.", False),
        ("3/4. The answer is 0.75.", False),
        ("1 * 1 = 1. The answer is 1.", False),
        ("The boxes * the apples of each = 12. The answer is 12.", False),
        ("3 boxes of 4 apples. The answer is 12.", False),
        ("3 and 9 make 12. The answer is 12.", False),
        ("12 less 0. The answer is 12.", False),
        ("The total is 3 * 4 = 12. The answer is 12.", False),
    ],
)
def test_a_bare_answer_is_a_leak(problem, text, leak):
    assert TEXT.leaks(problem, text, text.rsplit(" ", 1)[-1].rstrip(".")) is leak


def test_gold_rationales_are_no_leaks(real_data):
    for problem in read_split("gsm8k", "train", str(real_data))[:300]:
        text = re.sub(r"<<[^>]*>>", "", problem.rationale or "")
        assert not TEXT.leaks(problem, f"{text}\nThe answer is {problem.answer}.", problem.answer), text


@given(st.text(max_size=200))
def test_cleaning_is_idempotent(text):
    assert TEXT.clean(TEXT.clean(text)) == TEXT.clean(text)


@pytest.mark.parametrize(
    ("problem", "text", "answer"),
    [
        (Problem("c", "?", "B", AnswerKind.CHOICE, ("3 cats", "4 cats")), "Two and two. The answer is (B) 4 cats.", "B"),
        (Problem("y", "?", "yes", AnswerKind.YES_NO), "3 is less than 4, so the answer is yes.", "yes"),
    ],
)
def test_the_kind_of_the_problem_says_what_is_read(sandbox, problem, text, answer):
    assert TEXT.read_all([text], [problem], sandbox)[0].answer == answer
    assert not TEXT.leaks(problem, text, answer)
    assert TEXT.leaks(problem, f"The answer is {answer}.", answer)
