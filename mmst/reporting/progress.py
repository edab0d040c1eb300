"""Long work in the terminal: a bar with a rate and the time left; plain lines where there is no terminal."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn

from mmst.ledger.progress import Piece, Task
from mmst.reporting.outlook import Outlook

PLAIN_WIDTH = 130
"""Columns of tables where there is no terminal and COLUMNS does not say."""
CONSOLE = Console(highlight=False, width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else PLAIN_WIDTH)
LINE_EVERY = 15.0
"""Seconds between lines where there is no terminal."""
FULL_BAR = 110
"""Columns that a bar with all that stands beside it takes."""
LIBRARIES = ("py.warnings", "DeepSpeed", "deepspeed", "lightning", "transformers", "torch", "datasets", "accelerate", "httpx")
"""Loggers whose words go into the log file alone, unless they tell an error."""
_labels: list[str] = []


def say(text: str) -> None:
    """Print one line, as it is; in a job that runs beside others, under its name."""
    CONSOLE.print(labelled(text), markup=False, highlight=False, soft_wrap=True)


def labelled(text: str) -> str:
    """A line under the name of the job that speaks, see `label`."""
    return f"[{_labels[-1]}] {text}" if _labels else text


def label(name: str | None) -> None:
    """The job that speaks from now on, where several speak at once; None: it is alone."""
    _labels[:] = [name] if name else []


class ConsoleHandler(logging.Handler):
    """Log records through the console that draws the bars, so that they do not tear them."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record. What libraries tell of themselves is for the log file."""
        library = record.name in LIBRARIES or record.name.split(".", 1)[0] in LIBRARIES
        if record.levelno >= logging.ERROR or not library:
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
    def seconds(self) -> float:
        """So far."""
        return time.perf_counter() - self.started

    @property
    def rate(self) -> float:
        """Rows a second."""
        return self.rows / max(self.seconds, 1e-6)

    @property
    def rates(self) -> str:
        """Rows a second, and tokens a second where they are counted."""
        tokens = self.tokens / max(self.seconds, 1e-6)
        return f"{self.rate:.1f}/s" + (f", {tokens:,.0f} tokens/s" if self.tokens else "")


class _BarTask(_Rate):
    def __init__(self, progress: Progress, title: str, total: int) -> None:
        super().__init__()
        self.progress = progress
        self.id = progress.add_task(title, total=total, note="", rate="", rows="")

    def advance(self, rows: int, tokens: int = 0) -> None:
        self.count(rows, tokens)
        self.progress.update(self.id, advance=rows, rate=self.rates, rows=f"{self.rate:.1f}/s")

    def found(self, rows: int) -> None:
        self.done += rows
        self.progress.update(self.id, advance=rows)

    def note(self, text: str) -> None:
        self.progress.update(self.id, note=text)


class _LineTask(_Rate):
    def __init__(self, title: str, total: int, number: str, outlook: Outlook) -> None:
        super().__init__()
        self.title, self.total, self.said = title, total, self.started
        self.number, self.outlook = number, outlook

    def advance(self, rows: int, tokens: int = 0) -> None:
        self.count(rows, tokens)
        now = time.perf_counter()
        if now - self.said >= LINE_EVERY and self.done < self.total:
            self.said = now
            seconds = (self.total - self.done) / self.rate if self.rows else 0.0
            left = f", {seconds:.0f} s left" if self.rows else ""
            self.say(f"{self.done} of {self.total}, {self.rates}{left}", seconds)

    def found(self, rows: int) -> None:
        self.done += rows

    def note(self, text: str) -> None:
        self.remark = text

    def end(self) -> None:
        self.say(f"{self.done} in {self.seconds:.1f} s" + (f" ({self.rates})" if self.rows else " (found)"))

    def say(self, text: str, seconds: float = 0.0) -> None:
        run = self.outlook.left(seconds) if self.number else ""
        said = ", ".join(part for part in (text, self.remark) if part)
        say(f"{self.number}{self.title}: {said}{'; ' if run else ''}{run}")


class TerminalProgress:
    """The terminal's implementation of `mmst.ledger.progress.Progress`."""

    def __init__(self) -> None:
        self.outlook = Outlook()

    def expect(self, pieces: Sequence[Piece]) -> None:
        """See `Progress.expect`."""
        self.outlook.expect(pieces)

    def found(self, title: str) -> None:
        """See `Progress.found`."""
        self.outlook.reach(title)

    @contextmanager
    def task(self, title: str, total: int) -> Iterator[Task]:
        """See `Progress.task`."""
        number = self.outlook.reach(title, total)
        if not CONSOLE.is_terminal:
            line = _LineTask(title, total, number, self.outlook)
            yield line
            self.outlook.learn(title, line.rows, line.seconds)
            line.end()
            return
        run = self.outlook.left() if number else ""
        with Progress(*_columns(run), console=CONSOLE) as progress:
            bar = _BarTask(progress, f"{number}{title}", total)
            yield bar
            self.outlook.learn(title, bar.rows, bar.seconds)


def _columns(run: str) -> list[ProgressColumn]:
    """What stands on a bar's line; a narrow terminal has no room for the bar itself, nor for the run's rest."""
    wide = CONSOLE.width >= FULL_BAR
    columns: list[ProgressColumn] = [TextColumn("{task.description:28}" if wide else "{task.description}")]
    columns += [BarColumn(10)] if wide else []
    columns += [MofNCompleteColumn(), TextColumn("{task.fields[rate]}" if wide else "{task.fields[rows]}"), TextColumn("eta")]
    columns += [TimeRemainingColumn(compact=True), TextColumn("{task.fields[note]}")]
    return columns + ([TextColumn(run)] if wide and run else [])
