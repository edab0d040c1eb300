import os

import pytest

from mmst.ledger.files import atomic_folder, atomic_write


def test_a_file_is_whole_or_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "deep" / "file"
    atomic_write(path, b"old")
    monkeypatch.setattr(os, "fsync", lambda handle: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="space"):
        atomic_write(path, b"new")
    assert path.read_bytes() == b"old"
    assert [p.name for p in path.parent.iterdir()] == ["file"]


def test_a_folder_appears_when_its_block_ends(tmp_path):
    target = tmp_path / "target"
    with atomic_folder(target) as work:
        (work / "a").write_text("1")
        assert not target.exists()
    assert (target / "a").read_text() == "1"


def test_a_folder_does_not_appear_when_its_block_fails(tmp_path):
    def fail():
        with atomic_folder(tmp_path / "target") as work:
            (work / "a").write_text("1")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_made_meanwhile_wins(tmp_path):
    target = tmp_path / "target"
    with atomic_folder(target) as work:
        (work / "a").write_text("second")
        target.mkdir()
        (target / "a").write_text("first")
    assert (target / "a").read_text() == "first"
