"""Files that are there whole or not at all, whatever kills the process."""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mmst.errors import UserError

FULL = (errno.ENOSPC, errno.EDQUOT)
FULL_WORDS = ("No space left on device", "Disk quota exceeded", "os error 28", "file write failed")
"""A full disk, or a user's part of it, in the words of the system, of safetensors and of torch."""


def no_space(place: Path | str) -> str:
    """What is said of a full disk."""
    return f"no space is left on the device of {place}; free some, and the same command goes on."


def atomic_write(path: Path, content: bytes) -> None:
    """Write a file under a temporary name, flush it to the disk, and rename it."""
    with atomic_path(path) as work, work.open("wb") as file:
        file.write(content)


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A temporary name to write a file under; when the block ends without an error, it is flushed and becomes `path`.

    Raises:
        UserError: no space is left for it.
        OSError: it cannot be written; names `path`.
    """
    work = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with told_of_space(path), _told_by_its_name(work, path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield work
            _flush(work)
            work.replace(path)
        except BaseException:
            work.unlink(missing_ok=True)
            raise
        _flush_folder(path.parent)


@contextmanager
def atomic_folder(target: Path) -> Iterator[Path]:
    """A folder to fill; it becomes `target` when the block ends without an error. One made meanwhile by another wins.

    Raises:
        UserError: no space is left for it.
        OSError: it cannot be written; names `target`, or a file in it.
    """
    work = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        with told_of_space(target), _told_by_its_name(work, target):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(work, ignore_errors=True)
            work.mkdir()
            mode = work.stat().st_mode & 0o666  # the user's umask; libraries' temporary files are theirs alone
            yield work
            for path in work.rglob("*"):
                if path.is_file():
                    path.chmod(mode)
                    _flush(path)
            if not target.exists():
                work.rename(target)
                _flush_folder(target.parent)
    finally:
        shutil.rmtree(work, ignore_errors=True)


@contextmanager
def told_of_space(path: Path) -> Iterator[None]:
    """Say of a full disk which one it is: a write's error has no path, and libraries wrap it into errors of their own.

    Raises:
        UserError: there is no room for what the block writes to `path`.
    """
    try:
        yield
    except Exception as error:
        if getattr(error, "errno", None) in FULL or any(word in str(error) for word in FULL_WORDS):
            raise UserError(no_space(path)) from error
        if isinstance(error, OSError) and error.errno is not None and error.filename is None:
            error.filename = str(path)
        raise


@contextmanager
def _told_by_its_name(work: Path, path: Path) -> Iterator[None]:
    """Errors of what is written under a temporary name name what it would become: nobody asked for the former."""
    try:
        yield
    except OSError as error:
        if str(error.filename).startswith(str(work)):
            error.filename = str(path) + str(error.filename).removeprefix(str(work))
            error.filename2 = None
        raise


def remove_torn(folder: Path) -> None:
    """Remove what a killed process was writing. Only for a folder that is held: a living one may be writing there."""
    for path in folder.glob(".*.tmp"):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _flush(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def natural_order(path: Path) -> list[tuple[int, int, str]]:
    """A key to sort paths by, in which `seed-2` comes before `seed-10`."""
    parts = re.split(r"(\d+)", str(path))
    return [(1, int(part), "") if part.isdecimal() else (0, 0, part) for part in parts]
