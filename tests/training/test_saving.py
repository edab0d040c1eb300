import os
import tempfile

import pytest
import torch

from mmst.errors import TrainingError, UserError
from mmst.training.saving import BesideTarget, Saver, close_to_others, latest, resumable


class Trainer:
    max_steps, should_stop, is_global_zero, world_size = 99, False, True, 1

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


def test_a_full_disk_is_named_also_by_formats_that_wrap_its_error(tmp_path, module, monkeypatch):
    def full(*_):
        raise RuntimeError("CheckpointException ranks:dict_keys([0])\nOSError: [Errno 28] No space left on device")

    monkeypatch.setattr(Trainer, "save_checkpoint", full)
    with pytest.raises(UserError, match=rf"no space is left on the device of {tmp_path}/step-0000002.ckpt"):
        run(tmp_path, every=2, start=0, end=2, keep=1, module=module)


def saved(folder, *steps):
    for step in steps:
        BesideTarget().save_checkpoint({"state_dict": {"x": torch.arange(999.0)}}, folder / f"step-{step:07d}.ckpt")
    (folder / "latest").write_text(f"step-{max(steps):07d}.ckpt")


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    "damage",
    [flip, lambda path: path.write_bytes(b""), lambda path: torch.save({"callbacks": Evil()}, path)],
    ids=["a byte flipped", "empty", "a pickle"],
)
def test_a_checkpoint_that_is_damaged_is_passed_over_for_an_older_one(tmp_path, caplog, damage):
    saved(tmp_path, 2, 4)
    assert resumable(tmp_path) == tmp_path / "step-0000004.ckpt"
    damage(tmp_path / "step-0000004.ckpt")
    assert resumable(tmp_path) == tmp_path / "step-0000002.ckpt"
    assert "step-0000004.ckpt is damaged" in caplog.text
    damage(tmp_path / "step-0000002.ckpt")
    assert resumable(tmp_path) is None


@pytest.mark.parametrize("content", [b"", b"\xff", b".", b"../step-0000004.ckpt", b"/step-0000004.ckpt"])
def test_a_pointer_to_no_checkpoint_of_the_folder_is_not_followed(tmp_path, content):
    work = tmp_path / "work"
    work.mkdir()
    saved(tmp_path, 4)
    (work / "latest").write_bytes(content)
    assert resumable(work) is None


@pytest.mark.parametrize("change", [lambda path: path.chmod(0o664), lambda path: path.parent.chmod(0o777)])
def test_a_sharded_checkpoint_that_others_may_write_to_is_never_read(tmp_path, caplog, change):
    """Its formats are pickles, which run code."""
    folder = tmp_path / "step-0000004.ckpt"
    folder.mkdir()
    (folder / ".metadata").write_bytes(b"")
    (folder / ".metadata").chmod(0o664)
    close_to_others(folder)
    (tmp_path / "latest").write_text(folder.name)
    assert resumable(tmp_path) == folder
    change(folder / ".metadata")
    assert resumable(tmp_path) is None
    assert "others than this user" in caplog.text


def test_a_sharded_checkpoint_of_another_user_is_never_read(tmp_path, monkeypatch):
    folder = tmp_path / "step-0000004.ckpt"
    folder.mkdir(mode=0o700)
    (tmp_path / "latest").write_text(folder.name)
    monkeypatch.setattr(os, "geteuid", lambda: folder.stat().st_uid + 1)
    assert resumable(tmp_path) is None
