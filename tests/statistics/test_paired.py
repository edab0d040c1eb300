from math import comb

import numpy as np
import pytest

from mmst.statistics.paired import adjusted_wald, holm, mcnemar_p, paired_difference


@pytest.mark.parametrize(("b", "c"), [(0, 5), (1, 9), (10, 12), (3, 3), (0, 0)])
def test_mcnemar_equals_brute_force(b, c):
    n = b + c
    observed = comb(n, b)
    brute = sum(comb(n, k) for k in range(n + 1) if comb(n, k) <= observed) / 2**n if n else 1.0
    assert mcnemar_p(b, c) == pytest.approx(brute)


def test_pairing_counts_the_same_problems():
    a = [True, True, False, False] * 50
    b = [True, True, True, False] * 50
    difference = paired_difference(a, b)
    assert difference.difference == pytest.approx(0.25)
    assert difference.low > 0.15
    assert difference.p < 1e-9
    assert difference.n == 200


def test_equal_arms_do_not_differ():
    same = [True, False] * 20
    found = paired_difference(same, same)
    assert (found.difference, found.p, found.n) == (0.0, 1.0, 40)
    assert found.low == pytest.approx(-found.high)
    assert 0.02 < found.high < 0.1


@pytest.mark.parametrize("n", [2, 5, 30])
def test_few_problems_that_all_agree_are_no_certainty(n):
    found = paired_difference([False] * n, [True] * n)
    assert found.low < 1.0 - 0.05
    assert found.difference == 1.0


def test_the_adjusted_interval_matches_a_worked_example():
    # n = 40, 1 and 9 discordant: shares 2/42 and 10/42, middle 0.190476, half 1.959964 * sqrt((0.285714 - 0.036281) / 42)
    assert adjusted_wald(1, 9, 40) == pytest.approx((0.190476 - 0.151043, 0.190476 + 0.151043), abs=1e-5)


def test_the_interval_covers_as_promised():
    generator = np.random.default_rng(0)
    hits = 0
    for trial in range(200):
        a, b = generator.random(150) < 0.5, generator.random(150) < 0.6
        d = paired_difference(a.tolist(), b.tolist(), seed=trial)
        hits += d.low <= 0.1 <= d.high
    assert 0.90 <= hits / 200 <= 0.99


def test_lengths_must_agree():
    with pytest.raises(ValueError, match="argument"):
        paired_difference([True], [True, False])


def test_holm_matches_a_worked_example():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9, 0.0]) == [1.0, 1.0, 0.0]
    assert holm([0.02, 0.02]) == [0.04, 0.04]
    assert holm([]) == []
