import pytest

from mmst.stages.evaluate import (
    EITHER,
    compare,
    judge_agreement,
    measured,
    outcomes_by_method,
    sampled_scores,
    score,
    scores_by_tag,
)
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


def test_p_values_are_corrected_for_the_number_of_comparisons():
    base = {m: {str(i): False for i in range(10)} for m in ("text", "code")}
    better = {"text": {str(i): True for i in range(10)}, "code": {str(i): i < 6 for i in range(10)}}
    text, code = compare({"base": base, "better": better}, [("base", "better")])
    assert (text.p_holm, code.p_holm) == (pytest.approx(2 * text.p), pytest.approx(code.p))


def test_the_vote_of_all_methods_takes_as_many_samples_as_the_row_beside_it(made):
    problems = {"p0": Problem("p0", "?", "1")}
    given = {"text": ["1", "2", "2", "2"], "code": ["1", "2", "2", "2"]}
    graded = {
        m: [made("", verdict=Verdict.RIGHT if a == "1" else Verdict.WRONG, answer=a, problem="p0", method=m, index=n)
            for n, a in enumerate(answers)]
        for m, answers in given.items()
    }  # fmt: skip
    found = {s.metric: s.value for s in sampled_scores(graded, problems, 4) if s.method == "all methods"}
    assert found == {"maj@2": 1.0, "maj@4": 0.5}


def test_without_a_judged_problem_a_sampled_score_knows_nothing(made):
    problems = {"p0": Problem("p0", "?", "1")}
    rows = [made("", verdict=Verdict.UNJUDGED, answer=None, problem="p0", method="text", index=n) for n in range(2)]
    for found in sampled_scores({"text": rows}, problems, 2):
        assert (found.n, found.low, found.high) == (0, 0.0, 1.0)


ANSWERS = {  # text, code: the greedy answers to problems whose gold is 1
    "p0": ("1", "1"),
    "p1": ("1", "2"),
    "p2": ("3", "3"),
    "p3": (None, None),
    "p4": ("2", "1.0"),
}


def graded(made, place, answers):
    rows = []
    for id, given in answers.items():
        right = given[place] is not None and float(given[place]) == 1
        verdict = Verdict.RIGHT if right else Verdict.WRONG if given[place] else Verdict.NO_ANSWER
        rows.append(made("", verdict=verdict, answer=given[place], problem=id, method=("text", "code")[place]))
    return rows


def test_how_methods_agree(made):
    problems = {id: Problem(id, "?", "1") for id in ANSWERS}
    rows = {"text": graded(made, 0, ANSWERS), "code": graded(made, 1, ANSWERS)}
    found = measured(rows, problems, {}, 0)
    assert found.outcomes[EITHER] == {"p0": True, "p1": True, "p2": False, "p3": False, "p4": True}
    assert found.verdicts["text"] == {"right": 2, "wrong": 2, "no_answer": 1}
    (pair,) = found.pairs
    assert (pair.table.both, pair.table.only_a, pair.table.only_b, pair.table.neither) == (1, 1, 1, 2)
    assert (pair.agree.accuracy, pair.agree.n) == (0.4, 5)  # p0 and p2: two that have no answer do not agree
    assert (pair.right_when_agree.accuracy, pair.right_when_agree.n) == (0.5, 2)
    assert found.sampled == []


def test_several_samples_a_problem(made):
    problems = {"p0": Problem("p0", "?", "1"), "p1": Problem("p1", "?", "1"), "lost": Problem("lost", "?", "1")}

    def rows(method, **answers):
        return [
            made("", verdict=Verdict.UNJUDGED if a == "?" else Verdict.RIGHT if a == "1" else Verdict.WRONG, answer=a,
                 problem=id, method=method, index=n)
            for id, given in answers.items()
            for n, a in enumerate(given)
        ]  # fmt: skip

    sampled = {"text": rows("text", p0="1223", p1="1112", lost="1?11"), "code": rows("code", p0="3111", p1="2222", lost="1111")}
    found = {(row.method, row.metric): row for row in sampled_scores(sampled, problems, 4)}
    assert found["text", "pass@1"].value == pytest.approx((0.25 + 0.75) / 2)
    assert found["text", "pass@4"].value == 1.0
    assert found["text", "maj@4"].value == pytest.approx((0 + 1) / 2)
    assert found["text", "maj@1"].value == 1.0  # the first samples are right
    assert found["code", "pass@2"].n == 3
    assert found["text", "pass@2"].n == 2  # the problem with an unjudged sample is left out
    assert found["all methods", "maj@4"].value == pytest.approx((1 + 0.5) / 2)  # two of each: 1 2 3 1 and 1 1 2 2
    assert ("all methods", "maj@1") not in found  # a sample of each is two
    assert {row.k for row in found.values()} == {1, 2, 4}


def test_a_judge_is_held_against_the_kinds_of_answers_where_gold_is_known(made):
    problems = {name: Problem(name, "?", gold) for name, gold in (("a", "1"), ("b", "2"), ("c", "3"), ("d", ""))}
    answers = [("a", "1", Verdict.RIGHT), ("b", "2", Verdict.WRONG), ("c", "3", Verdict.UNJUDGED), ("d", "4", Verdict.RIGHT)]
    rows = [made("", verdict=verdict, answer=answer, problem=name) for name, answer, verdict in answers]
    assert judge_agreement({"text": rows}, problems) == {"text": {"n": 2, "same": 1}}
