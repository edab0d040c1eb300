"""The hashes of large files, kept: gigabytes are not read again for a file that nobody has touched."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from mmst.ledger.files import atomic_write

LARGE = 32 * 2**20
"""Bytes below which a file is simply read."""


def kept_digest(path: Path, kept: Path) -> str:
    """The SHA-256 of a file, looked up in the folder `kept`, by the file's place, size, times and inode, or kept there.

    The time of the last change of the inode is among them: it moves where content is replaced and the old date is put back.
    """
    there = path.stat()
    if there.st_size < LARGE:
        return _read(path)
    seen = [str(path.absolute()), there.st_size, there.st_mtime_ns, there.st_ctime_ns, there.st_ino]
    note = kept / f"{hashlib.sha256(json.dumps(seen).encode()).hexdigest()[:32]}.sha256"
    try:
        found = note.read_text()
    except (OSError, ValueError):
        found = ""
    if len(found) == 2 * hashlib.sha256().digest_size:
        return found
    digest = _read(path)
    _keep(note, digest)
    return digest


def _keep(note: Path, digest: str) -> None:
    try:
        atomic_write(note, digest.encode())
    except OSError:  # a folder that cannot be written to: it is read again next time
        return


def _read(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
