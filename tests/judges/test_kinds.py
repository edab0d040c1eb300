import pytest

from mmst.answers.reading import stated_answer
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


GOLD = '{"name": "Bob", "of": [1, 2]}'


@pytest.mark.parametrize(
    ("completion", "verdict"),
    [
        ('The answer is {"name": "Bob", "of": [1, 2]}.', "right"),
        ('The answer is {"of": [1, 2], "name": "Bob"}', "right"),
        ('So:\n```json\n{\n "name": "Bob",\n "of": [1, 2]\n}\n```\nThat is all.', "right"),
        ('{"name": "Ann"}, no:\n{"name": "Bob",\n"of": [1, 2]}', "right"),
        ('<think>{"name": "Bob", "of": [1, 2]}</think> {"name": "Ann"}', "wrong"),
        ('The answer is {"name": "bob", "of": [1, 2]}', "wrong"),
        ('The answer is {"name": "Bob"}', "wrong"),
        ("The answer is Bob.", "no_answer"),
    ],
)
def test_json_is_read_out_of_the_completion_as_it_is_written(completion, verdict):
    answer, _ = stated_answer(completion, AnswerKind.TEXT)
    reading = Reading(answer, "marked", completion=completion)
    assert Json()(Problem("p", "?", GOLD, AnswerKind.TEXT), reading).verdict == verdict


@pytest.mark.parametrize(
    ("gold", "kind", "completion", "verdict"),
    [
        ("true", AnswerKind.TEXT, "The answer is true.", "right"),
        ("yes", AnswerKind.YES_NO, "The answer is true.", "right"),
        ("yes", AnswerKind.YES_NO, "The answer is false.", "wrong"),
        ("5", AnswerKind.NUMBER, "The answer is 5.", "right"),
        ("5", AnswerKind.NUMBER, "The answer is 5.5", "wrong"),
        ("null", AnswerKind.TEXT, "```\nnull\n```", "right"),
    ],
)
def test_json_may_be_a_word_or_a_number(gold, kind, completion, verdict):
    assert Json()(Problem("p", "?", gold, kind), Reading(None, "none", completion=completion)).verdict == verdict
