"""Long work in the terminal: a bar with a rate and the time left; plain lines where there is no terminal."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from mmst.ledger.progress import Task

PLAIN_WIDTH = 130
"""Columns of tables where there is no terminal."""
CONSOLE = Console(highlight=False, width=None if sys.stdout.isatty() else PLAIN_WIDTH)
LINE_EVERY = 15.0
"""Seconds between lines where there is no terminal."""


class ConsoleHandler(logging.Handler):
    """Log records through the console that draws the bars, so that they do not tear them."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record."""
        CONSOLE.print(self.format(record), markup=False, soft_wrap=True)


class _BarTask:
    def __init__(self, progress: Progress, title: str, total: int) -> None:
        self.progress = progress
        self.id = progress.add_task(title, total=total, note="", rate="")
        self.started = time.perf_counter()
        self.rows = 0

    def advance(self, rows: int, note: str = "") -> None:
        self.rows += rows
        rate = self.rows / max(time.perf_counter() - self.started, 1e-6)
        self.progress.update(self.id, advance=rows, note=note, rate=f"{rate:.1f}/s")


class _LineTask:
    def __init__(self, title: str, total: int) -> None:
        self.title, self.total, self.done = title, total, 0
        self.started = self.said = time.perf_counter()

    def advance(self, rows: int, note: str = "") -> None:
        self.done += rows
        now = time.perf_counter()
        if now - self.said >= LINE_EVERY and self.done < self.total:
            self.said = now
            rate = self.done / (now - self.started)
            left = (self.total - self.done) / rate
            CONSOLE.print(f"{self.title}: {self.done} of {self.total}, {rate:.1f}/s, {left:.0f} s left {note}", markup=False)


class TerminalProgress:
    """The terminal's implementation of `mmst.ledger.progress.Progress`."""

    @contextmanager
    def task(self, title: str, total: int) -> Iterator[Task]:
        """See `Progress.task`."""
        if not CONSOLE.is_terminal:
            line = _LineTask(title, total)
            yield line
            seconds = time.perf_counter() - line.started
            CONSOLE.print(f"{title}: {total} in {seconds:.1f} s", markup=False)
            return
        columns = (
            TextColumn("{task.description:28}"),
            BarColumn(10),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]:>9}"),
            TextColumn("eta"),
            TimeRemainingColumn(compact=True),
            TextColumn("{task.fields[note]}"),
        )
        with Progress(*columns, console=CONSOLE) as progress:
            yield _BarTask(progress, title, total)
