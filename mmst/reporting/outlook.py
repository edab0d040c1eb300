"""How far a run is, and how long the rest takes: from the pieces that are to come, and what the pieces so far took.

So too a sweep, from its jobs that have ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mmst.ledger.progress import Piece, PieceKind

FEWER = 0.5
"""Rows beside the most that there can be, before the first piece of a kind has shown its own share."""


class Outlook:
    """The pieces of a run, in order. Those that are found done are passed over; other titles are no pieces."""

    def __init__(self) -> None:
        self.pieces: list[Piece] = []
        self.place = 0
        """Pieces that were begun, or passed over."""
        self._shares: dict[PieceKind, float] = {}
        self._taken: dict[str, tuple[int, float]] = {}

    def expect(self, pieces: Sequence[Piece]) -> None:
        """What is to come."""
        self.pieces, self.place = list(pieces), 0

    def reach(self, title: str, rows: int | None = None) -> str:
        """A piece is begun, with so many rows, or found done (None); returns its number, such as `3/14 `, or nothing."""
        numbers = [n for n, piece in enumerate(self.pieces) if n >= self.place and piece.title == title]
        if not numbers:
            return ""
        piece = self.pieces[numbers[0]]
        self.place = numbers[0] + 1
        if piece.kind.fewer and rows and piece.rows:
            self._shares[piece.kind] = min(1.0, rows / piece.rows)
        return f"{self.place}/{len(self.pieces)} "

    def passes(self, number: str) -> bool:
        """Whether a piece without a number is a short one of a run whose pieces are known: its line is for while it lasts."""
        return bool(self.pieces) and not number

    def learn(self, title: str, rows: int, seconds: float) -> None:
        """What rows of a piece took."""
        kind = next((piece.kind for piece in self.pieces if piece.title == title), None)
        for name in () if kind is None else (title, kind.unit):
            before = self._taken.get(name, (0, 0.0))
            self._taken[name] = (before[0] + rows, before[1] + seconds)

    def left(self, seconds: float = 0.0, pace: float | None = None) -> str:
        """What is left of the run after the latest piece, of which `seconds` are left; nothing where that is not known yet.

        pace: seconds of a row of the latest piece, where it has shown one.
        """
        known = [(piece, self._each(piece, pace)) for piece in self.pieces[self.place :]]
        trainings = sum(each is None and piece.kind is PieceKind.STEPS for piece, each in known)
        if not known or any(each is None and piece.kind is PieceKind.SAMPLES for piece, each in known):
            return ""
        total = seconds + sum(self._rows(piece) * each for piece, each in known if each is not None)
        more = "" if not trainings else " and 1 training" if trainings == 1 else f" and {trainings} trainings"
        return f"run: about {duration(total)}{more} left"

    def _rows(self, piece: Piece) -> float:
        return piece.rows * (self._shares.get(piece.kind, FEWER) if piece.kind.fewer else 1.0)

    def _each(self, piece: Piece, pace: float | None) -> float | None:
        """Seconds of a row."""
        rows, seconds = self._taken.get(piece.title) or self._taken.get(piece.kind.unit) or (0, 0.0)
        latest = self.pieces[self.place - 1] if self.place else None
        return seconds / rows if rows else pace if latest is not None and latest.kind.unit == piece.kind.unit else None


@dataclass(frozen=True, slots=True)
class SweepOutlook:
    """The jobs of a sweep, one after another or side by side."""

    jobs: int | None
    """How many there are; None where a search chooses them."""
    begun: float
    """When the sweep began, as `time.time` counts."""

    def left(self, ended: Sequence[float], now: float) -> str:
        """How far it is, and how long the rest takes, at the pace so far. ended: when each job did that has.

        Jobs that found their stages done say little of those that do not: one that takes longer than they did sets the pace.
        """
        done = len(ended)
        if self.jobs is None or done >= self.jobs:
            return ""
        counted = f"sweep: {done} of {self.jobs} jobs done"
        if not done:
            return counted
        since = now - max(ended)
        pace = max((max(ended) - self.begun) / done, since)
        return f"{counted}, about {duration(max(0.0, pace * (self.jobs - done) - since))} left"


def duration(seconds: float) -> str:
    """Seconds as one reads them: `50 s`, `12 min`, `3.1 h`, `4.0 d`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 100 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 48 * 3600 else f"{seconds / 86400:,.1f} d"
