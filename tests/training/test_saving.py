import tempfile

import pytest
import torch

from mmst.errors import TrainingError, UserError
from mmst.training.saving import BesideTarget, Saver, latest


class Trainer:
    max_steps, should_stop, is_global_zero = 99, False, True

    def __init__(self):
        self.global_step = 0

    def save_checkpoint(self, path, weights_only=False):
        path.write_text(str(self.global_step))


def run(folder, every, start, end, keep, module):
    saver, trainer = Saver(folder, every, keep), Trainer()
    trainer.global_step = start
    saver.on_train_start(trainer, module)
    for step in range(start + 1, end + 1):
        trainer.global_step = step
        saver.on_train_batch_end(trainer, module, None, None, 0)


def test_another_rhythm_never_loses_the_newest_checkpoint(tmp_path, module):
    (tmp_path / "step-0000010.ckpt").touch()  # of a process that was killed before it could name it
    run(tmp_path, every=2, start=0, end=9, keep=1, module=module)
    assert latest(tmp_path) == tmp_path / "step-0000008.ckpt"
    assert [path.name for path in tmp_path.glob("step-*")] == ["step-0000008.ckpt"]


class Evil:
    def __reduce__(self):
        return (pytest.fail, ("its code ran",))


def test_what_a_checkpoint_would_run_is_refused(tmp_path):
    path = tmp_path / "step-0000001.ckpt"
    torch.save({"state_dict": {"x": torch.zeros(1)}, "callbacks": Evil()}, path)
    with pytest.raises(TrainingError, match=r"step-0000001\.ckpt is damaged, or holds more than tensors.*begins anew"):
        BesideTarget().load_checkpoint(path)


def test_a_checkpoint_goes_past_the_folder_for_temporary_files(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    state = {"state_dict": {"x": torch.arange(3.0)}, "global_step": 7}
    BesideTarget().save_checkpoint(state, tmp_path / "deep" / "step.ckpt")
    again = BesideTarget().load_checkpoint(tmp_path / "deep" / "step.ckpt")
    assert torch.equal(again["state_dict"]["x"], state["state_dict"]["x"])
    assert again["global_step"] == 7
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["step.ckpt"]


def test_a_full_disk_leaves_the_checkpoint_that_was_there(tmp_path, monkeypatch):
    path = tmp_path / "step.ckpt"
    BesideTarget().save_checkpoint({"a": 1}, path)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(UserError, match=rf"no space is left on the device of {path}"):
        BesideTarget().save_checkpoint({"a": 2}, path)
    monkeypatch.undo()
    assert BesideTarget().load_checkpoint(path) == {"a": 1}
    assert list(tmp_path.iterdir()) == [path]
