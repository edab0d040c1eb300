"""Folders that one process at a time works in.

The kernel locks a file (`flock`), and releases it when its holder dies. Network file systems may refuse that (NFS without its
lock daemon, Lustre mounted without `flock`). There a lease stands for the lock, `filelock.SoftReadWriteLock`: its holder
renews it, and who waits takes it over once it was not renewed for long, by the waiting one's own steady clock, so that no two
machines' clocks are compared. A takeover is a hard link that only one process can make.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from mmst.errors import RunInUseError, UserError

if TYPE_CHECKING:
    from filelock import SoftReadWriteLock

log = logging.getLogger(__name__)

BUSY = (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES)
UNABLE = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL, errno.ESTALE, errno.EIO, errno.EREMOTEIO)
"""What file systems answer that have no locks, or that lost their server."""
RENEWED, FORGOTTEN, ASKED = 10.0, 90.0, 0.5
"""Seconds between a lease's renewals; after which one that is not renewed is another's to take; between two looks at it."""


@contextmanager
def run_folder(path: Path) -> Iterator[Path]:
    """A run's folder, held against other processes while the block runs.

    Raises:
        RunInUseError: another process holds it.
        UserError: its file system has neither locks nor hard links, or another process took the folder over.
    """
    path.mkdir(parents=True, exist_ok=True)
    with _held(path / ".lock", wait=False, patience=FORGOTTEN + 2 * RENEWED) as held:
        if not held:
            raise RunInUseError(
                f"run: {path} is in use by another process; wait for it to end, or give another folder by name=..."
            )
        yield path


@contextmanager
def turn(path: Path) -> Iterator[None]:
    """Hold a lock file, waiting for whoever holds it.

    Raises:
        UserError: its file system has neither locks nor hard links, or another process took the folder over.
    """
    with _held(path, wait=True, patience=-1):
        yield


@contextmanager
def if_free(path: Path) -> Iterator[bool]:
    """Hold a lock file if nobody does; the block is told whether it is held.

    Raises:
        UserError: its file system has neither locks nor hard links.
    """
    with _held(path, wait=False, patience=0) as held:
        yield held


@contextmanager
def _held(path: Path, wait: bool, patience: float) -> Iterator[bool]:
    """Hold by the kernel's lock, or by a lease: also where one is there, for others' locks may fail while ours does not.

    Args:
        path: the lock file.
        wait: for whoever holds the kernel's lock.
        patience: seconds to wait for a lease; -1: as long as it takes.
    """
    with ExitStack() as held:
        locked = _locked(held, path, wait)
        if locked is not False and (locked is None or Path(f"{path}.rw").exists()):
            locked = held.enter_context(_leased(path, patience))
        yield locked


def _locked(held: ExitStack, path: Path, wait: bool) -> bool | None:
    """Whether the file is locked now; False where another process has it, None where its file system does not lock files."""
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            file = held.enter_context(path.open("w"))
        except FileNotFoundError:
            continue  # removed in between, as by `mmst ledger prune`
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in UNABLE:
                log.debug("%s: no lock (%s); a lease stands for it", path, error.strerror)
                return None
            if error.errno not in BUSY:
                raise
            if not wait:
                return False
            log.info("%s is being computed by another process; waiting for it", path.parent.name)
            fcntl.flock(file, fcntl.LOCK_EX)
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                return True
        file.close()  # its folder was removed while we waited: what lies there now has a lock of its own


@contextmanager
def _leased(path: Path, patience: float) -> Iterator[bool]:
    from filelock import SoftReadWriteLock

    ours = threading.current_thread() is threading.main_thread()
    lease = SoftReadWriteLock(
        path,
        is_singleton=False,  # else a second hold of the same process would join the first
        heartbeat_interval=RENEWED,
        stale_threshold=FORGOTTEN,
        poll_interval=ASKED,
        on_compromise=(lambda _: signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)) if ours else None,
    )
    if not _taken(lease, path, patience):
        yield False
        return
    try:
        yield True
    except BaseException as stopped:
        if lease.compromise is not None:
            raise _lost(path) from stopped
        raise
    else:
        if lease.compromise is not None and path.parent.exists():
            raise _lost(path)
    finally:
        with suppress(OSError):  # the server is away; nobody renews the lease, so that it will be taken over
            lease.release()


def _taken(lease: SoftReadWriteLock, path: Path, patience: float) -> bool:
    from filelock import Timeout

    try:
        with suppress(Timeout):
            lease.acquire_write(blocking=False)
            return True
        if not patience:
            return False
        log.info("%s is held by another process, or by one that died; waiting for it", path.parent.name)
        lease.acquire_write(timeout=patience)
    except Timeout:
        return False
    except (OSError, RuntimeError, NotImplementedError) as error:
        raise UserError(
            f"ledger: {path.parent} lies on a file system that does not lock files, nor takes a lease ({error}), and two runs "
            "could spoil each other's work there; put paths.ledger and the run folder on another disk, such as a local one."
        ) from error
    return True


def _lost(path: Path) -> UserError:
    return UserError(
        f"ledger: {path.parent} was taken over by another process, since this one did not renew its lease for {FORGOTTEN:g} s "
        "(it was stopped, or the file server was away); what is done is kept, and the same command resumes."
    )
