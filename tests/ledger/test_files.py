import errno
import os
from pathlib import Path

import pytest

from mmst.config.sentences import explained
from mmst.errors import UserError
from mmst.ledger.files import atomic_folder, atomic_write


def test_a_file_is_whole_or_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "deep" / "file"
    atomic_write(path, b"old")
    monkeypatch.setattr(os, "fsync", lambda handle: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(UserError, match=rf"no space is left on the device of {path};"):
        atomic_write(path, b"new")
    assert path.read_bytes() == b"old"
    assert [p.name for p in path.parent.iterdir()] == ["file"]


def test_an_error_of_a_write_names_the_file(tmp_path, monkeypatch):
    """The system's own has no name: a write knows a number alone."""
    monkeypatch.setattr(os, "fsync", lambda handle: (_ for _ in ()).throw(OSError(errno.EFBIG, "File too large")))
    with pytest.raises(OSError, match="too large") as failed:
        atomic_write(tmp_path / "file", b"new")
    assert explained(failed.value) == f"{tmp_path / 'file'}: file too large."


@pytest.mark.parametrize("place", ["/proc/none.txt", "/proc/none/file.txt", "{there}"])
def test_an_error_of_a_write_names_what_was_asked_for_and_no_temporary_file(tmp_path, place):
    path = Path(place.format(there=tmp_path))
    with pytest.raises(OSError, match=r".") as failed:
        atomic_write(path, b"new")
    said = explained(failed.value)
    assert said.startswith((f"{path}: ", f"{path.parent}: "))
    assert ".tmp" not in said + str(failed.value)


def test_an_error_in_a_folder_names_what_it_would_become(tmp_path):
    with pytest.raises(OSError, match=r".") as failed, atomic_folder(Path("/proc/none")):
        pass
    assert explained(failed.value).startswith("/proc/none: ")


def test_an_error_of_a_file_in_a_folder_names_what_it_would_become(tmp_path):
    def fill():
        with atomic_folder(tmp_path / "target") as work:
            (work / "a").mkdir()
            (work / "a").write_text("1")

    with pytest.raises(IsADirectoryError) as failed:
        fill()
    assert explained(failed.value) == f"{tmp_path / 'target' / 'a'}: is a directory."


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


@pytest.mark.parametrize(
    "error",
    [
        OSError(28, "No space left on device"),
        OSError(122, "Disk quota exceeded"),
        RuntimeError("I/O error: No space left on device (os error 28)"),
    ],
)
def test_a_full_disk_is_named(tmp_path, error):
    with (
        pytest.raises(UserError, match=rf"no space is left on the device of {tmp_path}/model"),
        atomic_folder(tmp_path / "model"),
    ):
        raise error
    assert list(tmp_path.iterdir()) == []


def test_files_of_a_folder_are_as_open_as_the_user_wants(tmp_path):
    before = os.umask(0o027)
    try:
        with atomic_folder(tmp_path / "model") as work:
            (work / "weights").write_text("x")
            (work / "weights").chmod(0o600)
    finally:
        os.umask(before)
    assert (tmp_path / "model" / "weights").stat().st_mode & 0o777 == 0o640
