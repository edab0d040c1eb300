from math import comb

import numpy as np
import pytest
from scipy import stats

from mmst.statistics.paired import mcnemar_p
from mmst.statistics.power import power, problems_needed, seeds_needed, smallest_difference


def by_hand(difference, discordant, n, alpha=0.05):
    """Over each number of discordant problems, and each way in which they fall."""
    share, total = (1 + difference / discordant) / 2, 0.0
    for d in range(n + 1):
        chance = comb(n, d) * discordant**d * (1 - discordant) ** (n - d)
        for c in range(d + 1):
            if mcnemar_p(d - c, c) <= alpha:
                total += chance * comb(d, c) * share**c * (1 - share) ** (d - c)
    return total


@pytest.mark.parametrize(("difference", "discordant", "n"), [(0.3, 0.4, 25), (0.1, 0.5, 40), (0.0, 0.3, 30), (0.2, 0.2, 12)])
def test_power_is_the_sum_over_all_tables(difference, discordant, n):
    assert power(difference, discordant, n) == pytest.approx(by_hand(difference, discordant, n), abs=1e-9)


@pytest.mark.parametrize(("discordant", "n"), [(0.05, 300), (0.2, 1150), (0.4, 150), (0.0, 400)])
def test_a_simulation_finds_the_smallest_difference_as_often_as_promised(discordant, n):
    smallest = smallest_difference(discordant, n)
    share = max(discordant, smallest)
    chances = [(share - smallest) / 2, (share + smallest) / 2, 1 - share]
    tables = np.random.default_rng(7).multinomial(n, chances, size=4000)
    found = {(a, b): mcnemar_p(a, b) <= 0.05 for a, b in {(int(a), int(b)) for a, b, _ in tables}}
    assert 0.77 <= np.mean([found[int(a), int(b)] for a, b, _ in tables]) <= 0.83


def test_without_a_difference_the_exact_test_finds_one_in_at_most_a_twentieth():
    assert 0.02 < power(0.0, 0.3, 1000) <= 0.05
    assert power(0.0, 0.0, 1000) == power(0.5, 0.5, 0) == 0.0


def test_the_smallest_difference_shrinks_with_problems_and_grows_with_discordance_and_strictness():
    assert smallest_difference(0.2, 4600) == pytest.approx(smallest_difference(0.2, 1150) / 2, rel=0.05)
    assert smallest_difference(0.1, 1150) < smallest_difference(0.2, 1150)
    assert smallest_difference(0.2, 1150) < smallest_difference(0.2, 1150, alpha=0.01)


def test_it_is_near_the_normal_curves_where_problems_are_many():
    # Connor 1987 (Biometrics 43): n = (z_alpha sqrt(s) + z_beta sqrt(s - d^2))^2 / d^2
    z, s, d = stats.norm.ppf([0.975, 0.8]), 0.2, 0.01
    expected = (z[0] * s**0.5 + z[1] * (s - d**2) ** 0.5) ** 2 / d**2
    assert problems_needed(d, s) == pytest.approx(expected, rel=0.02)


def test_problems_needed_and_the_smallest_difference_are_inverse():
    n = problems_needed(0.05, 0.2)
    assert power(0.05, 0.2, n) >= 0.8 > power(0.05, 0.2, n - 20)
    assert smallest_difference(0.2, n) == pytest.approx(0.05, rel=0.01)


def test_five_problems_show_nothing_and_no_difference_needs_endless_ones():
    assert smallest_difference(0.5, 5) is None  # five of five is p = 0.0625
    assert smallest_difference(0.5, 0) is None
    assert problems_needed(0.0, 0.2) is None


def test_shares_are_within_0_and_1():
    with pytest.raises(ValueError, match="a share is from 0 to 1"):
        power(1.2, 0.3, 10)


@pytest.mark.parametrize(("difference", "spread"), [(1.0, 1.0), (1.0, 2.0), (0.5, 3.0), (4.0, 1.0)])
def test_seeds_needed_equal_statsmodels(difference, spread):
    solver = pytest.importorskip("statsmodels.stats.power").TTestPower()
    n = seeds_needed(difference, spread)
    assert solver.power(difference / spread, n, 0.05) >= 0.8
    assert n == 2 or solver.power(difference / spread, n - 1, 0.05) < 0.8


def test_seeds_without_spread_or_without_difference():
    assert seeds_needed(1.0, 0.0) == 2
    assert seeds_needed(0.0, 1.0) is None
    assert seeds_needed(1e-9, 1.0) is None
