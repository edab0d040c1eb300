import pytest

from mmst.stages.evaluate import EITHER, compare, outcomes_by_method, score, scores_by_tag
from mmst.types import Problem, Verdict


def test_either_is_the_union_and_unjudged_only_where_nobody_was_right(made):
    verdicts = {
        "text": [Verdict.RIGHT, Verdict.WRONG, Verdict.UNJUDGED, Verdict.UNJUDGED],
        "code": [Verdict.WRONG, Verdict.NO_ANSWER, Verdict.RIGHT, Verdict.WRONG],
    }
    graded = {m: [made("", verdict=v, problem=f"p{i}", method=m) for i, v in enumerate(vs)] for m, vs in verdicts.items()}
    outcomes = outcomes_by_method(graded)
    assert list(outcomes["text"].values()) == [True, False, None, None]
    assert list(outcomes["code"].values()) == [False, False, True, False]
    assert list(outcomes[EITHER].values()) == [True, False, True, None]


def test_unjudged_problems_leave_the_denominator_and_are_counted():
    found = score({"a": True, "b": False, "c": None})
    assert (found.accuracy, found.n, found.unjudged) == (0.5, 2, 1)
    assert found.low < 0.5 < found.high
    assert score({"a": None}).n == 0


def test_scores_by_family():
    problems = [Problem(str(i), "?", "1", tags=(f"family:{'ab'[i % 2]}",)) for i in range(4)]
    found = scores_by_tag({"0": True, "1": False, "2": True, "3": None}, problems, "family")
    assert {tag: (s.accuracy, s.n) for tag, s in found.items()} == {"a": (1.0, 2), "b": (0.0, 1)}


def test_arms_are_compared_on_problems_that_both_were_judged_on():
    base = {"text": {"1": False, "2": False, "3": True, "4": None}}
    better = {"text": {"1": True, "2": True, "3": True, "4": True}}
    (row,) = compare({"base": base, "better": better}, [("base", "better")])
    assert (row.a, row.b, row.n) == ("base", "better", 3)
    assert row.difference == pytest.approx(2 / 3)
    assert row.p_holm >= row.p
