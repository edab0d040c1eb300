"""What a network fails at for a while is tried again, each time after a longer pause."""

from __future__ import annotations

import errno
import logging
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from mmst.errors import UserError

log = logging.getLogger(__name__)

Found = TypeVar("Found")
WAITS = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Seconds before each further try: about a minute in all."""
REFUSED = (errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOSPC, errno.EDQUOT)
"""What no further try mends: read-only, not allowed, full."""
LASTING = (FileNotFoundError, FileExistsError, PermissionError, NotADirectoryError, IsADirectoryError, NotImplementedError)


def repeated(act: Callable[[], Found], waits: Sequence[float] = WAITS, sleep: Callable[[float], None] = time.sleep) -> Found:
    """What `act` returns. Any error that may pass is waited out: libraries of stores have errors of their own beside OSError.

    Raises the last one where no wait is left, and at once what no further try mends.
    """
    for wait in waits:
        try:
            return act()
        except Exception as error:
            if lasting(error):
                raise
            log.debug("tried again in %g s: %r", wait, error)
            sleep(wait)
    return act()


def lasting(error: Exception) -> bool:
    """Whether another try would fail alike."""
    return isinstance(error, (*LASTING, UserError)) or getattr(error, "errno", None) in REFUSED
