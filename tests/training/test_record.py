import pytest

from mmst.training.record import TrainingRecord


def test_rates_and_shares():
    record = TrainingRecord(tokens=100, places=160, seconds=2.0, flops=3e9, rate=6e9)
    assert (record.tokens_per_second, record.padding, record.utilisation) == (50.0, pytest.approx(0.375), 0.25)
    assert TrainingRecord().padding == TrainingRecord().utilisation == TrainingRecord().tokens_per_second == 0.0
    assert "50/s" in record.sentence()
    assert "25% of the machine's 6 GFLOP/s" in record.sentence()
    assert "37.5% padding" in record.sentence()
