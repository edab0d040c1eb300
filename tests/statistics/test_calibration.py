import numpy as np
import pytest

from mmst.statistics.calibration import area_under_risk, expected_calibration_error, reliability, risk_coverage

CALIBRATION = pytest.importorskip("sklearn.calibration")


@pytest.fixture
def answers():
    generator = np.random.default_rng(3)
    sure = generator.random(800)
    return sure.tolist(), (generator.random(800) < sure**2).tolist()


def test_the_bins_equal_scikit_learns(answers):
    sure, right = answers
    accuracy, confidence = CALIBRATION.calibration_curve(right, sure, n_bins=10)
    bins = reliability(sure, right)
    assert [row.accuracy for row in bins] == pytest.approx(accuracy.tolist())
    assert [row.confidence for row in bins] == pytest.approx(confidence.tolist())
    assert sum(row.n for row in bins) == 800
    assert all(row.accuracy_low <= row.accuracy <= row.accuracy_high for row in bins)


def test_the_error_matches_a_worked_example():
    # bins (0.5, 0.6]: 0.6 sure, 1 of 2 right; (0.9, 1]: 0.95 sure, 2 of 2 right
    assert expected_calibration_error([0.6, 0.6, 0.95, 0.95], [True, False, True, True]) == pytest.approx(
        0.5 * 0.1 + 0.5 * 0.05
    )


def test_calibrated_confidences_have_a_small_error(answers):
    sure, _ = answers
    right = np.random.default_rng(1).random(800) < sure
    assert expected_calibration_error(sure, right.tolist()) < 0.05
    assert expected_calibration_error(*answers) > 0.1


def test_edges_belong_to_the_bin_below_and_nought_to_the_first():
    assert [row.n for row in reliability([0.0, 0.1, 0.10001, 1.0], [True] * 4)] == [2, 1, 0, 0, 0, 0, 0, 0, 0, 1]


def test_equal_confidences_enter_together():
    found = risk_coverage([0.9, 0.5, 0.5, 0.5], [True, False, True, False])
    assert [(row.confidence, row.coverage, row.risk) for row in found] == [(0.9, 0.25, 0.0), (0.5, 1.0, 0.5)]
    assert risk_coverage([0.5, 0.9, 0.5, 0.5], [False, True, False, True]) == found


def test_the_area_is_the_risk_itself_for_a_constant_confidence_and_lower_for_a_telling_one():
    right = [True, True, False, False]
    assert area_under_risk([0.5] * 4, right) == pytest.approx(0.5)
    assert area_under_risk([0.9, 0.8, 0.2, 0.1], right) == pytest.approx((0 + 0 + 1 / 3 + 1 / 2) / 4)
    assert area_under_risk([0.1, 0.2, 0.8, 0.9], right) > 0.5


def test_nothing_is_no_error():
    assert expected_calibration_error([], []) == area_under_risk([], []) == 0.0
    assert risk_coverage([], []) == []
    assert [row.n for row in reliability([], [])] == [0] * 10


@pytest.mark.parametrize(("sure", "right"), [([0.5], []), ([1.5], [True]), ([-0.1], [True]), ([float("nan")], [True])])
def test_what_is_no_confidence_is_refused(sure, right):
    with pytest.raises(ValueError, match="confidence"):
        reliability(sure, right)
