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


def say(text: str) -> None:
    """Print one line, as it is."""
    CONSOLE.print(text, markup=False, highlight=False, soft_wrap=True)


class ConsoleHandler(logging.Handler):
    """Log records through the console that draws the bars, so that they do not tear them."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record."""
        say(self.format(record))


class _Rate:
    """Rows and tokens of this process, and their rates. What was found done is no work of it."""

    def __init__(self) -> None:
        self.done = self.rows = self.tokens = 0
        self.started = time.perf_counter()
        self.remark = ""

    def count(self, rows: int, tokens: int) -> None:
        self.done += rows
        self.rows += rows
        self.tokens += tokens

    @property
    def rate(self) -> float:
        """Rows a second."""
        return self.rows / max(time.perf_counter() - self.started, 1e-6)

    @property
    def rates(self) -> str:
        """Rows a second, and tokens a second where they are counted."""
        tokens = self.tokens / max(time.perf_counter() - self.started, 1e-6)
        return f"{self.rate:.1f}/s" + (f", {tokens:,.0f} tokens/s" if self.tokens else "")


class _BarTask(_Rate):
    def __init__(self, progress: Progress, title: str, total: int) -> None:
        super().__init__()
        self.progress = progress
        self.id = progress.add_task(title, total=total, note="", rate="")

    def advance(self, rows: int, tokens: int = 0) -> None:
        self.count(rows, tokens)
        self.progress.update(self.id, advance=rows, rate=self.rates)

    def found(self, rows: int) -> None:
        self.done += rows
        self.progress.update(self.id, advance=rows)

    def note(self, text: str) -> None:
        self.progress.update(self.id, note=text)


class _LineTask(_Rate):
    def __init__(self, title: str, total: int) -> None:
        super().__init__()
        self.title, self.total, self.said = title, total, self.started

    def advance(self, rows: int, tokens: int = 0) -> None:
        self.count(rows, tokens)
        now = time.perf_counter()
        if now - self.said >= LINE_EVERY and self.done < self.total:
            self.said = now
            left = f", {(self.total - self.done) / self.rate:.0f} s left" if self.rows else ""
            self.say(f"{self.done} of {self.total}, {self.rates}{left}")

    def found(self, rows: int) -> None:
        self.done += rows

    def note(self, text: str) -> None:
        self.remark = text

    def end(self) -> None:
        seconds = time.perf_counter() - self.started
        self.say(f"{self.done} in {seconds:.1f} s" + (f" ({self.rates})" if self.rows else " (found)"))

    def say(self, text: str) -> None:
        say(f"{self.title}: {text}" + (f", {self.remark}" if self.remark else ""))


class TerminalProgress:
    """The terminal's implementation of `mmst.ledger.progress.Progress`."""

    @contextmanager
    def task(self, title: str, total: int) -> Iterator[Task]:
        """See `Progress.task`."""
        if not CONSOLE.is_terminal:
            line = _LineTask(title, total)
            yield line
            line.end()
            return
        columns = (
            TextColumn("{task.description:28}"),
            BarColumn(10),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TextColumn("eta"),
            TimeRemainingColumn(compact=True),
            TextColumn("{task.fields[note]}"),
        )
        with Progress(*columns, console=CONSOLE) as progress:
            yield _BarTask(progress, title, total)
