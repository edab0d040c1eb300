"""Folders that one process at a time works in. The kernel releases a lock when its holder dies."""

from __future__ import annotations

import errno
import fcntl
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from mmst.errors import RunInUseError, UserError

log = logging.getLogger(__name__)

BUSY = (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES)
UNABLE = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL, errno.ESTALE, errno.EIO, errno.EREMOTEIO)
"""What file systems answer that have no locks, or that lost their server."""


@contextmanager
def run_folder(path: Path) -> Iterator[Path]:
    """A run's folder, held against other processes while the block runs.

    Raises:
        RunInUseError: another process holds it.
        UserError: its file system has no locks.
    """
    path.mkdir(parents=True, exist_ok=True)
    with (path / ".lock").open("w") as file:
        if not _held(file, path, wait=False):
            raise RunInUseError(
                f"run: {path} is in use by another process; wait for it to end, or give another folder by name=..."
            )
        yield path


@contextmanager
def turn(path: Path) -> Iterator[None]:
    """Hold a lock file, waiting for whoever holds it.

    Raises:
        UserError: its file system has no locks.
    """
    with path.open("w") as file:
        if not _held(file, path.parent, wait=False):
            log.info("%s is being computed by another process; waiting for it", path.parent.name)
            _held(file, path.parent, wait=True)
        yield


def _held(file: IO[str], folder: Path, wait: bool) -> bool:
    """Whether the file is locked now; it is not where another process has it, and nobody is to wait."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError as error:
        if error.errno in BUSY and not wait:
            return False
        if error.errno in UNABLE:
            raise UserError(
                f"ledger: {folder} lies on a file system that does not lock files ({error.strerror}), and two runs could spoil "
                "each other's work there; put paths.ledger and the run folder on another disk, such as a local one."
            ) from error
        raise
    return True
