from math import isnan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmst.statistics.agreement import agreement, phi

CELL = st.integers(0, 40)


@given(CELL, CELL, CELL, CELL)
def test_phi_is_the_correlation_of_the_two_columns(both, only_a, only_b, neither):
    value, low, high = phi(both, only_a, only_b, neither)
    a = [1] * (both + only_a) + [0] * (only_b + neither)
    b = [1] * both + [0] * only_a + [1] * only_b + [0] * neither
    if len(set(a)) < 2 or len(set(b)) < 2:
        assert isnan(value)
        assert (low, high) == (-1.0, 1.0)
        return
    assert value == pytest.approx(np.corrcoef(a, b)[0, 1], abs=1e-9)
    assert -1 <= low <= value <= high <= 1


@pytest.mark.parametrize(
    "shares", [(0.3, 0.2, 0.1, 0.4), (0.1, 0.3, 0.4, 0.2), (0.45, 0.15, 0.25, 0.15), (0.25, 0.25, 0.25, 0.25)]
)
def test_the_interval_of_phi_covers_as_often_as_it_says(shares):
    true = phi(*(1e6 * share for share in shares))[0]
    tables = np.random.default_rng(0).multinomial(400, shares, size=6000)
    unique, counts = np.unique(tables, axis=0, return_counts=True)
    covered = sum(n for table, n in zip(unique.tolist(), counts, strict=True) if phi(*table)[1] <= true <= phi(*table)[2])
    assert covered / counts.sum() == pytest.approx(0.95, abs=0.01)


def test_the_variance_of_phi_on_a_skewed_table():
    """That of Bishop, Fienberg and Holland, against the delta method by numbers, where the margins are far from a half."""
    shares, n = np.array([0.55, 0.25, 0.05, 0.15]), 4000
    value, low, high = phi(*(n * shares))
    step = 1e-6
    gradient = np.array([(phi(*(shares + step * e))[0] - phi(*(shares - step * e))[0]) / (2 * step) for e in np.eye(4)])
    variance = (shares @ gradient**2 - (shares @ gradient) ** 2) / n
    half = (np.arctanh(high) - np.arctanh(low)) / 2
    assert half == pytest.approx(1.959964 * np.sqrt(variance) / (1 - value**2), rel=1e-4)


def test_the_table_counts_problems():
    found = agreement([(True, True), (True, False), (False, True), (False, False), (True, True)])
    assert (found.both, found.only_a, found.only_b, found.neither, found.n) == (2, 1, 1, 1, 5)
    assert found.phi == pytest.approx(1 / 6)


def test_choosing_problems_that_someone_solved_lowers_phi():
    """Berkson: independent methods look anti-correlated on pseudo-labelled problems."""
    assert phi(25, 25, 25, 25)[0] == 0.0
    assert phi(25, 25, 25, 0)[0] == pytest.approx(-0.5)
