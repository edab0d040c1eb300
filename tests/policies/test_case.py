import pytest

from mmst.policies.case import Choice, cases, experience
from mmst.types import AnswerKind, FinishReason, GradedSample, Problem, Sample, Verdict
from tests.policies.made import LOST, attempt, case

PROBLEMS = {id: Problem(id, f"Question {id}", "12") for id in ("a", "b")}


def row(id, method, answer, verdict=Verdict.RIGHT, index=0, source=None):
    sample = Sample(
        f"{id}/{method}/{index}", id, method, index, 0, "x", FinishReason.STOP, 3, 7, -0.1, 0.0, 1.0, 64, "e", source
    )
    return GradedSample(sample, answer, verdict, "")


def test_graded_rows_become_cases_with_canonical_answers():
    greedy = {"text": [row("a", "text", "12.0"), row("b", "text", None, Verdict.NO_ANSWER)], "code": [row("a", "code", "12")]}
    (found,) = cases(PROBLEMS, greedy, {"text": [row("a", "text", "3", Verdict.WRONG, 0), row("a", "text", "12", index=1)]})
    assert (found.id, found.question) == ("a", "Question a")
    assert found.greedy["text"].answer == found.greedy["code"].answer == "12"
    assert [a.answer for a in found.samples["text"]] == ["3", "12"]
    assert found.greedy["text"].tokens == 7


def test_translations_are_found_by_edge():
    (found,) = cases({"a": PROBLEMS["a"]}, {"text": [row("a", "text", "12")]}, None, {"text->code": [row("a", "code", "12")]})
    assert found.translated["text->code"].method == "code"


def test_choices_are_part_of_the_question():
    problem = Problem("a", "Which?", "A", AnswerKind.CHOICE, ("three", "four"))
    (found,) = cases({"a": problem}, {"text": [row("a", "text", "three")]})
    assert "(B) four" in found.question
    assert found.greedy["text"].answer == "A"


def test_experience_counts_right_and_judged_samples_by_question():
    rows = [row("b", "text", "12"), row("b", "text", "3", Verdict.WRONG, 1), row("a", "text", None, Verdict.UNJUDGED)]
    found = experience("key", PROBLEMS, {"text": rows, "code": []})
    assert found.right["text"] == [0, 1]
    assert found.judged["text"] == [0, 2]
    assert found.rate("text") == 0.5
    assert found.rate("code") is None


@pytest.mark.parametrize("lost", ["text", "code"])
def test_a_choice_is_unjudged_where_something_it_looked_at_is(lost):
    other = {"text": "code", "code": "text"}[lost]
    found = case(**{lost: attempt(lost, None, LOST), other: "12"})
    assert Choice.of(found, found.greedy[other], found.greedy.values(), 0.5).verdict is LOST
    assert Choice.of(found, found.greedy[other], [found.greedy[other]], 0.5).verdict is Verdict.RIGHT
