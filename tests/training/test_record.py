import pytest

from mmst.training.record import FINISHED, TrainingRecord, finish, finished


def test_rates_and_shares():
    record = TrainingRecord(tokens=100, places=160, seconds=2.0, flops=3e9, rate=6e9)
    assert (record.tokens_per_second, record.padding, record.utilisation) == (50.0, pytest.approx(0.375), 0.25)
    assert TrainingRecord().padding == TrainingRecord().utilisation == TrainingRecord().tokens_per_second == 0.0
    assert "50/s" in record.sentence()
    assert "25% of the machine's 6 GFLOP/s" in record.sentence()
    assert "37.5% padding" in record.sentence()


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"checkpoint": "end.ckpt", "record": {"of": "another version"}}'])
def test_the_end_of_a_training_that_cannot_be_read_is_none(tmp_path, content):
    (tmp_path / "end.ckpt").touch()
    finish(tmp_path, "end.ckpt", TrainingRecord(steps=3))
    assert finished(tmp_path) == (tmp_path / "end.ckpt", TrainingRecord(steps=3))
    (tmp_path / FINISHED).write_text(content)
    assert finished(tmp_path) is None


def test_an_end_outside_its_folder_is_none(tmp_path):
    (tmp_path / "end.ckpt").touch()
    work = tmp_path / "work"
    finish(work, "../end.ckpt", TrainingRecord())
    assert finished(work) is None
