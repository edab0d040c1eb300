import pytest

from mmst.judges.kinds import JUDGES, AnyOf, Exact, Json, Regex
from mmst.methods.method import Reading
from mmst.types import AnswerKind, Problem


def judged(judge, answer, gold, kind=AnswerKind.NUMBER, choices=()):
    return judge(Problem("p", "?", gold, kind, choices), Reading(answer, "marked")).verdict


@pytest.mark.parametrize(
    ("judge", "answer", "gold", "verdict"),
    [
        (Exact(), "12", "12", "right"),
        (Exact(), "12.1", "12", "wrong"),
        (Exact(tolerance=0.1), "12.1", "12", "right"),
        (Exact(tolerance=0.1), "12.2", "12", "wrong"),
        (Exact(tolerance=0.1), "12 or 13", "12", "wrong"),
        (Exact(unit="g"), "5 kg", "5000", "right"),
        (Exact(unit="g"), "5 kg", "5", "wrong"),
        (Exact(), None, "12", "no_answer"),
        (Exact(), "12", "?", "unjudged"),
        (AnyOf(), "13", "12|13", "right"),
        (AnyOf(), "14", "12 | 13", "wrong"),
        (AnyOf(), "14", " ", "unjudged"),
        (AnyOf(Exact(tolerance=1), separator=";"), "14", "11; 13", "right"),
    ],
)
def test_numbers(judge, answer, gold, verdict):
    assert judged(judge, answer, gold) == verdict


@pytest.mark.parametrize(
    ("judge", "answer", "gold", "verdict"),
    [
        (Json(), '{"b": 2, "a": [1]}', '{"a": [1], "b": 2}', "right"),
        (Json(), "[2, 1]", "[1, 2]", "wrong"),
        (Json(), "a", "[1]", "no_answer"),
        (Json(), "[1]", "a", "unjudged"),
        (Regex(), "Colour", "colou?r", "right"),
        (Regex(ignore_case=False), "Colour", "colou?r", "wrong"),
        (Regex(), "colours", "colou?r", "wrong"),
        (Regex(), "a", "(", "unjudged"),
    ],
)
def test_texts(judge, answer, gold, verdict):
    assert judged(judge, answer, gold, AnswerKind.TEXT) == verdict


def test_a_judge_of_a_kind_judges_other_problems_as_that_kind():
    assert judged(JUDGES["yes_no"](), "True", "yes", AnswerKind.TEXT) == "right"
    assert judged(JUDGES["choice"](), "(B)", "B", AnswerKind.TEXT, ("x", "y")) == "right"
    assert judged(JUDGES["text"](), " A  Word ", "a word", AnswerKind.TEXT) == "right"
