import numpy as np
import pytest
from scipy.stats import binomtest

from mmst.statistics.intervals import (
    accuracy_interval,
    bounded_interval,
    difference_interval,
    mean_interval,
    seeds_interval,
)


def test_wilson_matches_published_values():
    # Newcombe (1998), Statistics in Medicine 17, table I, method 3.
    assert accuracy_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert accuracy_interval(15, 148) == pytest.approx((0.0624, 0.1605), abs=1e-4)
    assert accuracy_interval(0, 20) == pytest.approx((0.0, 0.1611), abs=1e-4)
    assert accuracy_interval(1, 29) == pytest.approx((0.0061, 0.1718), abs=1e-4)


def test_the_difference_of_two_groups_matches_published_values():
    # Newcombe (1998), Statistics in Medicine 17, pages 873 to 890, table II, method 10.
    assert difference_interval(56, 70, 48, 80) == pytest.approx((0.0524, 0.3339), abs=1e-4)
    assert difference_interval(9, 10, 3, 10) == pytest.approx((0.1705, 0.8090), abs=1e-4)
    assert difference_interval(5, 56, 0, 29) == pytest.approx((-0.0381, 0.1926), abs=1e-4)


def test_no_problem_tells_nothing():
    assert difference_interval(0, 0, 0, 0) == pytest.approx((-0.71, 0.71), abs=0.01)
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


@pytest.mark.parametrize(("n", "p"), [(20, 0.95), (20, 0.9), (46, 0.97), (100, 0.99), (300, 0.97)])
def test_a_mean_of_nearly_equal_values_is_covered(n, p, monkeypatch):
    """Where a plain bootstrap covers 61% to 87% of the time: it cannot see what no problem has shown."""
    monkeypatch.setattr("mmst.statistics.intervals.RESAMPLES", 999)
    weights = np.exp([_log_binomial(k, n, p) for k in range(n + 1)])
    likely = [k for k in range(n + 1) if weights[k] > 1e-4]
    inside = {k: np.diff(np.searchsorted([p], mean_interval([1.0] * k + [0.0] * (n - k)), side="right"))[0] for k in likely}
    assert sum(weights[k] * inside[k] for k in likely) > 0.94


def test_equal_values_are_no_certainty():
    low, high = mean_interval([1.0] * 30)
    assert 0.85 < low < 0.9
    assert high == 1.0
    low, high = mean_interval([0.0] * 30, bounds=(-1.0, 1.0))
    assert -0.2 < low < -0.05
    assert high == -low
    assert mean_interval([]) == (0.0, 1.0)


def test_the_bounded_interval_is_agresti_and_coulls_for_right_and_wrong():
    # (3 + z^2 / 2) / (20 + z^2) = 0.206393, and z sqrt(p (1 - p) / (20 + z^2)) = 0.162465, with z = 1.959964
    assert bounded_interval([1.0] * 3 + [0.0] * 17) == pytest.approx((0.043928, 0.368858), abs=1e-4)


def _log_binomial(k, n, p):
    from scipy.stats import binom

    return binom.logpmf(k, n, p)


@pytest.mark.parametrize("n", range(1, 40))
def test_an_interval_holds_its_accuracy(n):
    for right in range(n + 1):
        low, high = accuracy_interval(right, n)
        assert 0 <= low <= right / n <= high <= 1
        known = binomtest(right, n).proportion_ci(method="wilson")
        assert (low, high) == pytest.approx((known.low, known.high), abs=1e-12)


def test_the_interval_over_seeds_matches_a_worked_example():
    # mean 3, standard error sqrt(2.5 / 5), t(0.975, 4) = 2.776445
    assert seeds_interval([1, 2, 3, 4, 5]) == pytest.approx((3 - 1.963243, 3 + 1.963243), abs=1e-5)
    assert seeds_interval([1.0]) == (float("-inf"), float("inf"))


def test_the_interval_over_seeds_covers_as_promised():
    generator = np.random.default_rng(1)
    draws = generator.normal(0.0, 1.0, (2000, 5))
    inside = [low <= 0 <= high for low, high in map(seeds_interval, draws)]
    assert abs(sum(inside) / 2000 - 0.95) < 0.01
