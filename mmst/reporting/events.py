"""What a run that is going on tells of itself: the stage that is at work, its rates, and how long the rest takes.

The terminal shows it; the run's folder holds it as `live.json`, for `mmst report --watch`; a tracker is told the numbers.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mmst.ledger.files import atomic_write
from mmst.ledger.progress import Piece, Progress, Task
from mmst.reporting.outlook import Outlook

LIVE = "live.json"
WRITTEN_EVERY, TOLD_EVERY = 1.0, 15.0
"""Seconds between two words to the folder, and to a tracker."""
RIGHT = re.compile(r"(\d+)% right")
"""What a task's note says of its verdicts so far."""

Event = Mapping[str, Any]
"""`title`, `stage` and `of`, `done` and `total` rows, `rows_per_second`, `tokens_per_second`, `note`, `left`, `at`, `ended`."""
Told = Callable[[Event], None]


class ToldTask:
    """A task of another progress, of which every advance is told."""

    def __init__(self, inner: Task, telling: TellingProgress, title: str, total: int, number: str) -> None:
        self.inner, self.telling, self.title, self.total, self.number = inner, telling, title, total, number
        self.rows = self.tokens = 0
        self.remark = ""
        self.started = time.perf_counter()
        self.tell()

    @property
    def done(self) -> int:
        """See `Task.done`."""
        return self.inner.done

    def advance(self, rows: int, tokens: int = 0) -> None:
        """See `Task.advance`."""
        self.inner.advance(rows, tokens)
        self.rows += rows
        self.tokens += tokens
        self.tell()

    def found(self, rows: int) -> None:
        """See `Task.found`."""
        self.inner.found(rows)

    def note(self, text: str) -> None:
        """See `Task.note`."""
        self.inner.note(text)
        self.remark = text

    def tell(self, ended: bool = False) -> None:
        """Say how far it is."""
        seconds = max(time.perf_counter() - self.started, 1e-6)
        left = (self.total - self.done) * seconds / self.rows if self.rows else 0.0
        place, _, of = self.number.strip().partition("/")
        event = {
            "title": " ".join(self.title.split()), "stage": int(place) if place else None, "of": int(of) if of else None,
            "done": self.done, "total": self.total, "rows_per_second": self.rows / seconds,
            "tokens_per_second": self.tokens / seconds, "note": self.remark, "left": self.telling.outlook.left(left),
            "ended": ended,
        }  # fmt: skip
        self.telling.tell(event, at_once=ended)


class TellingProgress:
    """A progress that hands on to another, and tells others what happens, each no more often than it likes."""

    def __init__(self, inner: Progress, others: Sequence[tuple[Told, float]]) -> None:
        self.inner, self.others = inner, others
        self.outlook = Outlook()
        self.last = [float("-inf") for _ in others]

    def expect(self, pieces: Sequence[Piece]) -> None:
        """See `Progress.expect`."""
        self.inner.expect(pieces)
        self.outlook.expect(pieces)

    def found(self, title: str) -> None:
        """See `Progress.found`."""
        self.inner.found(title)
        self.outlook.reach(title)

    @contextmanager
    def task(self, title: str, total: int) -> Iterator[Task]:
        """See `Progress.task`."""
        number = self.outlook.reach(title, total)
        with self.inner.task(title, total) as inner:
            task = ToldTask(inner, self, title, total, number)
            yield task
            self.outlook.learn(title, task.rows, time.perf_counter() - task.started)
            task.tell(ended=True)

    def tell(self, event: Event, at_once: bool = False) -> None:
        """Tell those who have heard nothing for a while; at the end of a task, all."""
        now = time.perf_counter()
        for place, (told, every) in enumerate(self.others):
            if at_once or now - self.last[place] >= every:
                self.last[place] = now
                told(event)


def into(folder: Path) -> Told:
    """What writes the latest event into a run's folder."""

    def write(event: Event) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        atomic_write(folder / LIVE, json.dumps({**event, "at": time.time()}).encode())

    return write


def numbers_of(event: Event) -> dict[str, float]:
    """The numbers of an event, for a tracker: how far it is, its rates, and the share of right answers so far."""
    stage = "_".join(event["title"].split())
    found = {
        "progress/stage": event["stage"],
        f"progress/{stage}/done": event["done"] / max(1, event["total"]),
        f"progress/{stage}/rows_per_second": event["rows_per_second"],
        f"progress/{stage}/tokens_per_second": event["tokens_per_second"] or None,
    }
    if right := RIGHT.search(event["note"]):
        found[f"progress/{stage}/right"] = int(right[1]) / 100
    return {name: float(value) for name, value in found.items() if value is not None}
