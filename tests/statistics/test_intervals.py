import numpy as np
import pytest

from mmst.statistics.intervals import accuracy_interval, mean_interval, seeds_interval


def test_wilson_matches_published_values():
    # Newcombe (1998), Statistics in Medicine 17, table I, method 3.
    assert accuracy_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert accuracy_interval(15, 148) == pytest.approx((0.0624, 0.1605), abs=1e-4)
    assert accuracy_interval(0, 20) == pytest.approx((0.0, 0.1611), abs=1e-4)
    assert accuracy_interval(1, 29) == pytest.approx((0.0061, 0.1718), abs=1e-4)


def test_no_problem_tells_nothing():
    assert accuracy_interval(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_wilson_covers_as_promised(p):
    n = 300
    weights = np.exp([_log_binomial(k, n, p) for k in range(n + 1)])
    inside = [low <= p <= high for low, high in (accuracy_interval(k, n) for k in range(n + 1))]
    assert abs(float(np.dot(weights, inside)) - 0.95) < 0.01


def test_the_bootstrap_agrees_with_the_normal_theory():
    values = np.random.default_rng(0).normal(2.0, 1.0, 400)
    low, high = mean_interval(values.tolist())
    assert high - low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.1)
    assert low < values.mean() < high


def test_equal_values_give_a_point():
    assert mean_interval([0.5, 0.5, 0.5]) == (0.5, 0.5)


def _log_binomial(k, n, p):
    from scipy.stats import binom

    return binom.logpmf(k, n, p)


@pytest.mark.parametrize("n", range(1, 40))
def test_an_interval_holds_its_accuracy(n):
    for right in range(n + 1):
        low, high = accuracy_interval(right, n)
        assert 0 <= low <= right / n <= high <= 1


def test_the_interval_over_seeds_matches_a_worked_example():
    # mean 3, standard error sqrt(2.5 / 5), t(0.975, 4) = 2.776445
    assert seeds_interval([1, 2, 3, 4, 5]) == pytest.approx((3 - 1.963243, 3 + 1.963243), abs=1e-5)
    assert seeds_interval([1.0]) == (float("-inf"), float("inf"))


def test_the_interval_over_seeds_covers_as_promised():
    generator = np.random.default_rng(1)
    draws = generator.normal(0.0, 1.0, (2000, 5))
    inside = [low <= 0 <= high for low, high in map(seeds_interval, draws)]
    assert abs(sum(inside) / 2000 - 0.95) < 0.01
