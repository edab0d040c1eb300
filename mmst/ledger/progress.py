"""How long work says how far it is. The terminal's implementation is in `mmst.reporting.progress`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Task(Protocol):
    """One piece of long work."""

    @property
    def done(self) -> int:
        """Rows so far, found ones included."""

    def advance(self, rows: int, tokens: int = 0) -> None:
        """`rows` more are done, with `tokens` in them where these are counted."""

    def found(self, rows: int) -> None:
        """`rows` more were done before: they say nothing of the rate."""

    def note(self, text: str) -> None:
        """What to show beside the bar from now on."""


class Progress(Protocol):
    """Where long work is shown."""

    @contextmanager
    def task(self, title: str, total: int) -> Iterator[Task]:
        """Show a piece of work of `total` rows."""


class SilentTask:
    """Counts, and shows nothing."""

    def __init__(self) -> None:
        self.done = 0

    def advance(self, rows: int, tokens: int = 0) -> None:
        """See `Task.advance`."""
        self.done += rows

    def found(self, rows: int) -> None:
        """See `Task.found`."""
        self.done += rows

    def note(self, text: str) -> None:
        """See `Task.note`."""


class Silent:
    """Shows nothing."""

    @contextmanager
    def task(self, title: str, total: int) -> Iterator[Task]:
        """See `Progress.task`."""
        yield SilentTask()
