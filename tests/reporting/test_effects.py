from statistics import fmean

import pytest
from scipy import stats

from mmst.reporting.arms import MEAN, Arm, difference
from mmst.reporting.effects import effect, gain, ratio, shared_methods, slope


def arm(label, *seeds):
    """Each seed: method -> right, wrong or None by problem."""
    return Arm(label, label, "", 1, {str(i): {m: dict(enumerate(v)) for m, v in seed.items()} for i, seed in enumerate(seeds)})


def rights(*counts, of=20):
    return arm("made", *({"text": [i < k for i in range(of)]} for k in counts))


def test_a_gain_is_the_difference_that_the_tables_have():
    a = arm("a", {"text": [True] * 9 + [False] * 31, "code": [True, False] * 20})
    b = arm("b", {"text": [True] * 19 + [False] * 21, "code": [True] * 40})
    cell = difference(a, b, MEAN).cell
    found = gain(a, b).cell
    assert (found.value, found.n) == (pytest.approx(cell.value), cell.n)
    assert (found.low, found.high) == (pytest.approx(cell.low, abs=0.02), pytest.approx(cell.high, abs=0.02))


def test_a_gain_is_on_the_methods_that_both_have():
    a, b = arm("a", {"text": [True], "code": [False]}), arm("b", {"text": [True], "code": [True], "equation": [False]})
    assert shared_methods([a, b]) == ["text", "code"]
    assert gain(a, b).cell.value == 0.5


def test_a_difference_of_gains_is_paired_over_seeds():
    base, less, more = rights(4, 4, 4), rights(5, 6, 7), rights(9, 10, 14)
    terms = [(1, more), (-1, base), (-1, less), (1, base)]
    found = effect(terms, ["text"])
    by_seed = [0.2, 0.2, 0.35]
    half = stats.t.ppf(0.975, 2) * stats.sem(by_seed)
    assert found.cell.by_seed == pytest.approx(by_seed)
    assert (found.cell.low, found.cell.high) == (pytest.approx(fmean(by_seed) - half), pytest.approx(fmean(by_seed) + half))
    assert found.sign == (fmean(by_seed) > half)


def test_seeds_that_are_equal_but_for_rounding_are_no_evidence_of_precision():
    a = arm("a", *({"text": [i % 10 == 0 for i in range(30)]} for _ in range(3)))
    b = arm("b", *({"text": [i % 10 == seed for i in range(30)]} for seed in (1, 2, 3)))
    found = gain(a, b)
    assert found.cell.low < -0.05 < 0.05 < found.cell.high


def test_a_slope_is_what_grows_from_the_first_setting_to_the_last():
    arms = [rights(4, 5), rights(6, 7), rights(8, 9)]
    found = slope([0, 1, 2], [[(1, one)] for one in arms])
    assert found.cell.value == pytest.approx(0.2)
    assert slope([0, 1, 2], [[(1, one), (-1, one)] for one in arms]) is None, "nothing is left"


def test_a_gain_as_a_share_of_another_has_fiellers_interval():
    base, part, whole = rights(0, 0, 0), rights(4, 6, 8), rights(10, 11, 18)
    found = ratio([(1, part), (-1, base)], [(1, whole), (-1, base)], ["text"])
    assert found.value == pytest.approx(18 / 39)
    for bound in (found.low, found.high):
        left = [a - bound * b for a, b in zip((0.2, 0.3, 0.4), (0.5, 0.55, 0.9), strict=True)]
        assert abs(stats.ttest_1samp(left, 0).statistic) == pytest.approx(stats.t.ppf(0.975, 2)), (
            "the share that is just refused"
        )
    assert found.low < found.value < found.high
    assert ratio([(1, part)], [(1, whole), (-1, whole)], ["text"]) is None, "of nothing there is no share"


def test_a_share_of_one_seed_is_over_its_problems():
    base, part, whole = rights(0, of=400), rights(100, of=400), rights(200, of=400)
    found = ratio([(1, part), (-1, base)], [(1, whole), (-1, base)], ["text"])
    assert found.value == pytest.approx(0.5)
    assert 0.4 < found.low < 0.5 < found.high < 0.6


def test_what_would_have_shown_grows_with_the_spread():
    narrow, wide = gain(rights(4, 4, 4), rights(8, 9, 10)), gain(rights(4, 4, 4), rights(2, 9, 16))
    assert narrow.visible < wide.visible
    assert narrow.sign == 1
    assert wide.sign == 0


def test_arms_that_share_no_seed_or_problem_have_no_difference():
    a, b = rights(3), arm("b", {"text": [None] * 20})
    assert gain(a, b) is None
    b.solved = {"7": a.solved["0"]}
    assert gain(a, b) is None
