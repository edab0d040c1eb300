"""How long work says how far it is. The terminal's implementation is in `mmst.reporting.progress`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from typing import Protocol


class PieceKind(Enum):
    """What a piece's rows are."""

    SAMPLES = "samples"
    TRANSLATIONS = "translations"
    PICKS = "picks"
    HIDDEN_STATES = "hidden states"
    SOLUTIONS = "solutions"
    """Read by the model."""
    REASONS = "reasons"
    STEPS = "steps"

    @property
    def unit(self) -> str:
        """What takes about as long, row by row: a translation is a completion as a sample is."""
        return "completions" if self in (PieceKind.SAMPLES, PieceKind.TRANSLATIONS, PieceKind.PICKS) else self.value

    @property
    def fewer(self) -> bool:
        """Whether earlier results decide how many rows there are."""
        return self in (PieceKind.TRANSLATIONS, PieceKind.PICKS, PieceKind.REASONS, PieceKind.SOLUTIONS)


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of long work that is to come."""

    title: str
    rows: int
    """At most."""
    kind: PieceKind


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

    def expect(self, pieces: Sequence[Piece]) -> None:
        """What is to come, in order, so that each piece can say how far the whole is."""

    def found(self, title: str) -> None:
        """A piece was done before, whole."""


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

    def expect(self, pieces: Sequence[Piece]) -> None:
        """See `Progress.expect`."""

    def found(self, title: str) -> None:
        """See `Progress.found`."""
