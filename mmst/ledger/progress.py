"""How long work says how far it is. The terminal's implementation is in `mmst.reporting.progress`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Task(Protocol):
    """One piece of long work."""

    def advance(self, rows: int, note: str = "") -> None:
        """`rows` more are done; `note` is what to show beside the bar."""


class Progress(Protocol):
    """Where long work is shown."""

    @contextmanager
    def task(self, title: str, total: int) -> Iterator[Task]:
        """Show a piece of work of `total` rows."""


class Silent:
    """Shows nothing."""

    @contextmanager
    def task(self, title: str, total: int) -> Iterator[Task]:
        """See `Progress.task`."""
        yield self

    def advance(self, rows: int, note: str = "") -> None:
        """See `Task.advance`."""
