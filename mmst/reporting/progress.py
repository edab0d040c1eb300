"""Long work in the terminal: a bar with a rate and the time left; plain lines where there is no terminal."""

from __future__ import annotations

import logging
import os
import sys
import textwrap
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

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
SETTINGS_OF_JOBLIB = "Joblib.Parallel("
"""How the line begins in which Hydra's launcher shows all that it calls joblib with."""
_labels: list[str] = []
_sweeps: list[Callable[[], str]] = []


def say(text: str) -> None:
    """Print one line; in a job that runs beside others, under its name. A screen has it in lines that end between words."""
    CONSOLE.print(wrapped(labelled(text)), markup=False, highlight=False, soft_wrap=True)


def wrapped(text: str, console: Console | None = None, indent: int = 0) -> str:
    """A text in lines that fit the screen; a word that is longer, such as a path, stays whole. Files have it as it is.

    indent: of the lines after the first one.
    """
    out = console or CONSOLE
    if not out.is_terminal:
        return text
    fold = textwrap.TextWrapper(out.width, subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False)
    return "\n".join(line for part in text.split("\n") for line in fold.wrap(part) or [""])


def labelled(text: str) -> str:
    """A line under the name of the job that speaks, see `label`."""
    return f"[{_labels[-1]}] {text}" if _labels else text


def label(name: str | None) -> None:
    """The job that speaks from now on, where several speak at once; None: it is alone."""
    _labels[:] = [name] if name else []


def among(sweep: Callable[[], str] | None) -> None:
    """What tells how far the sweep is that the jobs from now on are of; None: they are of none."""
    _sweeps[:] = [sweep] if sweep else []


def in_sweep() -> bool:
    """Whether the job that speaks is one of a sweep."""
    return bool(_sweeps)


class ConsoleHandler(logging.Handler):
    """Log records through the console that draws the bars, so that they do not tear them."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record. What libraries tell of themselves is for the log file."""
        library = record.name in LIBRARIES or record.name.split(".", 1)[0] in LIBRARIES
        settings = record.getMessage().startswith(SETTINGS_OF_JOBLIB)
        if record.levelno >= logging.ERROR or not (library or settings):
            say(self.format(record))


class LogFile(logging.FileHandler):
    """A run's log. Of a disk that is full the run itself says so, once, where it keeps its rows: no traceback for each line."""

    def handleError(self, record: logging.LogRecord) -> None:
        """See `logging.Handler`. What could not be written is tried again with the next line."""
        if not isinstance(sys.exception(), OSError):
            super().handleError(record)


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
    def pace(self) -> float | None:
        """Seconds of a row; None before the first."""
        return self.seconds / self.rows if self.rows else None

    @property
    def rates(self) -> str:
        """Rows a second, and tokens a second where they are counted."""
        tokens = self.tokens / max(self.seconds, 1e-6)
        return f"{self.rate:.1f}/s" + (f", {tokens:,.0f} tokens/s" if self.tokens else "")


class _Bar(Progress):
    """A bar, and under it while it moves how far the run and the sweep are."""

    def __init__(self, passing: bool) -> None:
        self.rest: Callable[[float], str] | None = None
        """(seconds that the bar has left) -> what stands under it; None: nothing."""
        super().__init__(*_columns(), console=CONSOLE, transient=passing)

    def get_renderables(self) -> Iterable[RenderableType]:
        """See rich."""
        yield self.make_tasks_table(self.tasks)
        rest = self.rest(sum(task.time_remaining or 0.0 for task in self.tasks)) if self.rest else ""
        if rest:
            yield Text(rest)


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
        self.passing = outlook.passes(number)

    def advance(self, rows: int, tokens: int = 0) -> None:
        self.count(rows, tokens)
        now = time.perf_counter()
        if now - self.said >= LINE_EVERY and self.done < self.total:
            self.said = now
            seconds = (self.total - self.done) * (self.pace or 0.0)
            left = f", {seconds:.0f} s left" if self.rows else ""
            self.say(f"{self.done} of {self.total}, {self.rates}{left}", seconds)

    def found(self, rows: int) -> None:
        self.done += rows

    def note(self, text: str) -> None:
        self.remark = text

    def end(self) -> None:
        if not self.passing or self.said != self.started:
            how = f" ({self.rates})" if self.rows else " (found)" if self.done else ""
            self.say(f"{self.done} in {self.seconds:.1f} s{how}")

    def say(self, text: str, seconds: float = 0.0) -> None:
        run = self.outlook.left(seconds, self.pace) if self.number else ""
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
        if not CONSOLE.is_terminal or _labels:  # several processes' bars would write over each other
            line = _LineTask(title, total, number, self.outlook)
            yield line
            self.outlook.learn(title, line.rows, line.seconds)
            line.end()
            return
        with _Bar(self.outlook.passes(number)) as progress:
            bar = _BarTask(progress, f"{number}{title}", total)
            progress.rest = lambda seconds: self._rest(seconds, bar.pace)
            try:
                yield bar
            finally:
                progress.rest = None
            self.outlook.learn(title, bar.rows, bar.seconds)

    def _rest(self, seconds: float, pace: float | None) -> str:
        sweep = _sweeps[-1]() if _sweeps else ""
        return "; ".join(part for part in (self.outlook.left(seconds, pace), sweep) if part)


def _columns() -> list[ProgressColumn]:
    """What stands on a bar's line; a narrow terminal has no room for the bar itself."""
    wide = CONSOLE.width >= FULL_BAR
    columns: list[ProgressColumn] = [TextColumn("{task.description:28}" if wide else "{task.description}")]
    columns += [BarColumn(10)] if wide else []
    columns += [MofNCompleteColumn(), TextColumn("{task.fields[rate]}" if wide else "{task.fields[rows]}"), TextColumn("eta")]
    return [*columns, TimeRemainingColumn(compact=True), TextColumn("{task.fields[note]}")]
