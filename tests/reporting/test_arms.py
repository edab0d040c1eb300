from types import SimpleNamespace

import pytest
from scipy import stats

from mmst.reporting.arms import (
    MEAN,
    Arm,
    accuracy,
    arms_of,
    columns,
    contrasts,
    data_sets,
    difference,
    differences,
    with_base,
    with_others,
)


def arm(label, *seeds):
    """Each seed: method -> right, wrong or None by problem."""
    return Arm(label, label, "", 1, {str(i): {m: dict(enumerate(v)) for m, v in seed.items()} for i, seed in enumerate(seeds)})


def test_arms_are_the_base_once_and_each_variant(sweep):
    arms = arms_of(sweep, "test")
    assert arms[0].label == "base"
    assert sorted(a.label for a in arms[1:]) == [
        f"{name} (temperature={value})" for name in ("multi", "self_both") for value in ("0.5", "1.0")
    ]
    assert all(len(a.solved) == 3 for a in arms)
    assert columns(arms) == ["text", "code", MEAN, "either"]
    assert data_sets(sweep) == ["test"]


def test_the_question_is_answered_within_each_variant(sweep):
    arms = arms_of(sweep, "test")
    pairs = [(a.label, b.label) for a, b in contrasts(sweep, arms)]
    assert sorted(pairs) == [(f"self_both (temperature={value})", f"multi (temperature={value})") for value in ("0.5", "1.0")]
    assert all(a.label == "base" for a, _ in with_base(arms))


def test_an_interval_over_seeds_is_students():
    cell = accuracy(arm("a", {"text": [True, True]}, {"text": [True, False]}, {"text": [True, True]}), "text")
    low, high = stats.t.interval(0.95, 2, loc=5 / 6, scale=stats.sem([1, 0.5, 1]))
    assert (cell.value, cell.low, cell.high) == (pytest.approx(5 / 6), pytest.approx(max(0, low)), pytest.approx(min(1, high)))
    assert cell.by_seed == (1, 0.5, 1)


def test_unjudged_answers_leave_the_denominator_and_are_counted():
    cell = accuracy(arm("a", {"text": [True, False, None, None]}), "text")
    assert (cell.value, cell.n, cell.unjudged) == (0.5, 2, 2)


def test_a_difference_is_paired_on_problems_that_both_were_judged_on():
    a = arm("a", {"text": [True, False, None, False], "code": [True] * 4})
    b = arm("b", {"text": [True, True, True, None], "code": [True] * 4})
    row = difference(a, b, "text")
    assert (row.cell.value, row.cell.n) == (0.5, 2)
    assert difference(a, b, "equation") is None
    assert difference(a, b, MEAN).cell.value == pytest.approx(0.25)


def test_one_seed_has_mcnemars_p_and_several_have_students():
    flips = [True] * 8 + [False] * 2
    a, b = {"text": [False] * 10}, {"text": flips}
    assert difference(arm("a", a), arm("b", b), "text").p == pytest.approx(2 * 0.5**8)
    less = {"text": [True] * 6 + [False] * 4}
    row = difference(arm("a", a, a), arm("b", b, less), "text")
    assert row.p == pytest.approx(stats.ttest_1samp([0.8, 0.6], 0).pvalue)


def test_seeds_that_are_all_equal_claim_no_certainty():
    a, b = {"text": [False] * 10}, {"text": [True] * 5 + [False] * 5}
    row = difference(arm("a", a, a), arm("b", b, b), "text")
    assert row.p is None
    assert row.cell.low < row.cell.value < row.cell.high


def test_p_values_are_corrected_for_their_number():
    a = arm("a", {"text": [False] * 10, "code": [False] * 10})
    b = arm("b", {"text": [True] * 10, "code": [True] * 6 + [False] * 4})
    text, code = differences([(a, b)], ["text", "code"])
    assert text.p_holm == pytest.approx(2 * text.p)
    assert code.p_holm == pytest.approx(code.p)


def test_seeds_on_the_same_problems_are_no_more_problems():
    """A greedy base on a fixed data set gives the same answers under every seed."""
    same = {"text": [True, False, True, True]}
    cell = accuracy(arm("a", same, same, same), "text")
    alone = accuracy(arm("a", same), "text")
    assert (cell.value, cell.low, cell.high, cell.n) == (alone.value, alone.low, alone.high, 4)
    row = difference(arm("a", same, same), arm("b", same, same), "text")
    assert row.cell.n == 4
    assert row.cell.low < 0 < row.cell.high


def test_a_difference_over_seeds_is_students():
    a = {"text": [False] * 10}
    seeds = [{"text": [i < k for i in range(10)]} for k in (3, 5, 7)]
    row = difference(arm("a", a, a, a), arm("b", *seeds), "text")
    half = stats.t.ppf(0.975, 2) * stats.sem([0.3, 0.5, 0.7])
    assert (row.cell.low, row.cell.high) == (pytest.approx(0.5 - half), pytest.approx(min(1, 0.5 + half)))


def test_a_method_without_any_judged_answer_is_no_number():
    lost = arm("a", {"text": [True, False], "code": [None, None]})
    cell = accuracy(lost, "code")
    assert (cell.n, cell.unjudged, cell.low, cell.high) == (0, 2, 0.0, 1.0)
    assert difference(lost, lost, "code") is None
    assert accuracy(lost, MEAN).n == 0


def one(label, name, variant):
    return Arm(label, name, variant, 1, {"0": {"text": {"1": True}}})


def test_an_arm_is_contrasted_with_its_own_variants_partner():
    made = [one(f"{name} ({v})", name, v) for v in ("k=1", "k=2") for name in ("self", "multi")]
    shared, plain, own = one("base", "base", ""), one("self", "self", ""), one("base (k=1)", "base", "k=1")
    settings = SimpleNamespace(settings={"contrast": ["self", "multi"]})

    def labels(pairs):
        return [(a.label, b.label) for a, b in pairs]

    assert labels(contrasts(settings, [shared, *made])) == [("self (k=1)", "multi (k=1)"), ("self (k=2)", "multi (k=2)")]
    assert labels(contrasts(settings, [shared, plain, *made[:2]])) == [("self (k=1)", "multi (k=1)")]
    against_one = SimpleNamespace(settings={"contrast": ["self"]})
    arms = [shared, plain, one("multi", "multi", ""), one("matched", "matched", "")]
    assert labels(contrasts(against_one, arms)) == [("self", "multi"), ("self", "matched")]
    assert labels(with_others(settings, [shared, plain, matched := one("matched (k=1)", "matched", "k=1"), *made])) == [
        (matched.label, "multi (k=1)")
    ]
    assert labels(contrasts(settings, [shared, *made], ("gone", "multi"))) == []
    assert labels(with_base([shared, *made])) == [("base", arm.label) for arm in made]
    assert labels(with_base([own, *made])) == [("base (k=1)", "self (k=1)"), ("base (k=1)", "multi (k=1)")]
    assert labels(with_base([one(name, name, "") for name in "abc"])) == [("a", "b"), ("a", "c"), ("b", "c")], "no base"
