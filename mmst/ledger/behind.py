"""The last stages of a chunk, while the first stage is at the next one.

A sampler that waits (for a server, other processes, a device) leaves this process idle, and programs that are run leave it idle
too: so each can have the other's time. One chunk at most is behind, and chunks are finished in their order.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from contextvars import copy_context

from mmst.ledger.progress import Task


class Behind:
    """Does one piece of work at a time beside the block that it is the context of.

    Where the block ends by an error, the work at hand is finished first; where it is interrupted (Ctrl-C, a signal), that is
    interrupted as well. No thread is left.
    """

    def __init__(self, apart: bool) -> None:
        """`apart`: in a thread; else each piece is done when it is given."""
        self._apart = apart
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None

    def do(self, work: Callable[[], None]) -> None:
        """Begin a piece of work, once the one before has ended. Raises what that one raised."""
        if not self._apart:
            work()
            return
        self._end()
        run = copy_context().run  # what holds of this thread, as the precision of decimals, holds of the work
        self._thread = threading.Thread(target=run, args=(self._run, work), name="behind", daemon=True)
        self._thread.start()

    def __enter__(self) -> Behind:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._end()
        elif self._thread is not None:
            if not issubclass(kind, Exception):
                _interrupt(self._thread)
            self._thread.join()

    def _run(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            self._error = error

    def _end(self) -> None:
        if self._thread is not None:
            self._thread.join()
        if self._error is not None:
            raise self._error


class Share:
    """A chunk's share of a task: another chunk's share may be told of by another thread at the same time."""

    def __init__(self, task: Task, turn: threading.Lock) -> None:
        self.done = 0
        self._task, self._turn = task, turn

    def advance(self, rows: int, tokens: int = 0) -> None:
        """See `Task.advance`."""
        self.done += rows
        with self._turn:
            self._task.advance(rows, tokens)

    def found(self, rows: int) -> None:
        """See `Task.found`."""
        self.done += rows
        with self._turn:
            self._task.found(rows)

    def note(self, text: str) -> None:
        """See `Task.note`."""
        with self._turn:
            self._task.note(text)


def _interrupt(thread: threading.Thread) -> None:
    """Raise SystemExit in a thread at its next step in Python, as a signal's handler does in the main one."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(SystemExit))
