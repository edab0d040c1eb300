import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmst.datasets.arithmetic.world import draw_problems
from mmst.nano.__main__ import bare_methods
from mmst.types import AnswerKind, Problem, Step

EQUATION = bare_methods(["equation"])["equation"]
ANY = Problem("p", "?", "1")


def test_a_derivation_is_rendered_as_equations(sandbox):
    steps = (Step("total", "3", "*", "4", "12"), Step("left", "total", "-", "5", "7"))
    equations = EQUATION.render(steps)
    assert equations == "total = 3 * 4\nleft = total - 5\nanswer = left"
    assert EQUATION.read_all([equations], [ANY], sandbox)[0].answer == "7"


def test_every_gold_derivation_solves_to_its_answer(sandbox):
    problems = draw_problems("validation", 60, 1)
    readings = EQUATION.read_all([EQUATION.render(p.derivation) for p in problems], problems, sandbox)
    assert [r.answer for r in readings] == [p.answer for p in problems]


@pytest.mark.parametrize(
    ("equations", "answer"),
    [
        ("2 * x + 5 = 17\nanswer = x", "6"),
        ("x + y = 10\nx - y = 4\nanswer = x / y", "2.333333"),
        ("```\nanswer = 3 / 4\n```", "0.75"),
        ("x * x = 9\nanswer = x", "3"),  # of two values, the positive one
        ("x * x = 2\nanswer = x", "1.414214"),
        ("total = 3 * 4\nanswer = total\n\nQuestion: more?\nEquations:\nanswer = 5", "12"),
        ("x = y + 1\nanswer = x", None),
        ("x = 1\nx = 2\nanswer = x", None),
        ("answer = 2 = 3", None),
        ("answer = __import__('os').getpid()", None),
        ("answer = ().__class__", None),
        ("answer = 9**9**9**9", None),
        ("nothing at all", None),
        ("", None),
    ],
)
def test_reading(sandbox, equations, answer):
    reading = EQUATION.read_all([equations], [ANY], sandbox)[0]
    assert (reading.answer, reading.judged) == (answer, True)


def test_a_number_becomes_the_letter_of_its_choice(sandbox):
    problem = Problem("c", "?", "B", AnswerKind.CHOICE, ("10", "12"))
    assert EQUATION.read_all(["answer = 3 * 4"], [problem], sandbox)[0].answer == "B"


@pytest.mark.parametrize(
    ("equations", "leak"), [("answer = 12", True), ("x = 12\nanswer = x", True), ("answer = 3 * 4", False)]
)
def test_a_bare_number_is_a_leak(equations, leak):
    assert EQUATION.leaks(ANY, equations, "12") is leak


@given(st.text(max_size=200))
def test_cleaning_is_idempotent(text):
    assert EQUATION.clean(EQUATION.clean(text)) == EQUATION.clean(text)
