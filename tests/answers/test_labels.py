import pytest

from mmst.answers.labels import Health, LabelRule, Spread, answer_counts, health, label_counts, labels, spread
from mmst.types import AnswerKind, FinishReason, Problem, Verdict
from tests.stages.conftest import graded_sample

PROBLEMS = {f"p{i}": Problem(f"p{i}", "?", "12") for i in range(1, 4)}


def rows(method, **answers):
    return [
        graded_sample(f"{n}", answer=answer, problem=problem, index=n, method=method, verdict=Verdict.WRONG)
        for problem, given in answers.items()
        for n, answer in enumerate(given)
    ]


def counted(**by_method):
    return {name: answer_counts(found, PROBLEMS) for name, found in by_method.items()}


def test_gold_labels_are_the_readable_golds():
    problems = {**PROBLEMS, "p4": Problem("p4", "?", "unknown"), "c": Problem("c", "?", "b", AnswerKind.CHOICE, ("1", "2"))}
    assert labels(LabelRule.GOLD, "text", {}, problems, 4, 0.5) == {"p1": "12", "p2": "12", "p3": "12", "c": "B"}


def test_a_majority_must_be_alone_and_large_enough():
    counts = counted(text=rows("text", p1=["12", "12.0", "7", None], p2=["1", "1", "2", "2"], p3=["5", "6", "7", None]))
    assert labels(LabelRule.MAJORITY, "text", counts, PROBLEMS, 4, 0.5) == {"p1": "12"}
    assert labels(LabelRule.MAJORITY, "text", counts, PROBLEMS, 4, 0.75) == {}


def test_methods_agree_where_their_commonest_answers_do():
    counts = counted(
        text=rows("text", p1=["12", "12"], p2=["7", "7"], p3=["3", "3"]),
        code=rows("code", p1=["12", "9"], p2=["8", "8"], p3=["3", None]),
    )
    assert labels(LabelRule.AGREEMENT, "text", counts, PROBLEMS, 2, 0.5) == {"p3": "3"}
    assert labels(LabelRule.AGREEMENT, "code", counts, PROBLEMS, 2, 0.5) == {"p3": "3"}


def test_a_sample_that_was_cut_does_not_vote():
    cut = graded_sample("x", answer="12", finish=FinishReason.LENGTH)
    assert answer_counts([cut], PROBLEMS) == {}


def test_precision_and_coverage_are_against_the_golds_that_are_known():
    problems = {**PROBLEMS, "p4": Problem("p4", "?", "")}
    found = label_counts({"p1": "12", "p2": "7", "p4": "5"}, problems)
    assert (found.problems, found.labelled, found.known, found.right) == (4, 3, 2, 1)


def test_health_counts_answers_texts_and_right_ones():
    same = [graded_sample("a", answer="12", index=n) for n in range(2)]
    other = [graded_sample("b", answer="7", verdict=Verdict.WRONG, index=2), graded_sample("c", answer="7", index=3)]
    found = health([*same, *other])
    assert found.entropy == pytest.approx(1.0)
    assert (found.samples, found.distinct, found.agreement, found.right) == (4, 0.75, 0.5, 0.75)
    assert health([]) == Health(0, 0.0, 0.0, 0.0, None)


def test_where_no_gold_is_known_no_share_is_right():
    assert health([graded_sample("a", answer="12", verdict=Verdict.UNJUDGED)]).right is None


def test_answers_to_all_problems_spread():
    rows = [graded_sample("a", answer=answer, problem=f"p{n}") for n, answer in enumerate(["1", "2", "1", None])]
    assert spread(rows) == Spread(0.75, 1.5)
    assert spread([]) == Spread(0.0, 0.0)
