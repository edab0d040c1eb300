import hashlib
import os

import pytest

from mmst.training import digests
from mmst.training.digests import kept_digest


@pytest.fixture
def large(monkeypatch, tmp_path):
    monkeypatch.setattr(digests, "LARGE", 4)
    file = tmp_path / "model.safetensors"
    file.write_bytes(b"weights")
    return file


def sha(content):
    return hashlib.sha256(content).hexdigest()


def test_a_file_that_nobody_touched_is_not_read_again(large, tmp_path, monkeypatch):
    assert kept_digest(large, tmp_path / "kept") == sha(b"weights")
    monkeypatch.setattr(digests.hashlib, "file_digest", None)
    assert kept_digest(large, tmp_path / "kept") == sha(b"weights")


def test_another_file_of_the_same_size_and_date_is_seen(large, tmp_path):
    kept_digest(large, tmp_path / "kept")
    before = large.stat()
    other = tmp_path / "other"
    other.write_bytes(b"WEIGHTS")
    other.replace(large)
    os.utime(large, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert kept_digest(large, tmp_path / "kept") == sha(b"WEIGHTS")


def test_a_torn_note_is_written_anew(large, tmp_path):
    kept_digest(large, tmp_path / "kept")
    (note,) = (tmp_path / "kept").glob("*.sha256")
    note.write_text("12ab")
    assert kept_digest(large, tmp_path / "kept") == note.read_text() == sha(b"weights")
