import numpy as np
import pytest

from mmst.statistics.intervals import accuracy_interval, mean_interval


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
