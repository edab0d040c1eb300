"""How far a run is, and how long the rest takes: from the pieces that are to come, and what the pieces so far took."""

from __future__ import annotations

from collections.abc import Sequence

from mmst.ledger.progress import Piece, PieceKind

FEWER = 0.5
"""Rows of a translation beside the most that there can be, before the first one has shown its own share."""


class Outlook:
    """The pieces of a run, in order. Those that are found done are passed over; other titles are no pieces."""

    def __init__(self) -> None:
        self.pieces: list[Piece] = []
        self.place = 0
        """Pieces that were begun, or passed over."""
        self._share = FEWER
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
        if piece.kind is PieceKind.TRANSLATIONS and rows and piece.rows:
            self._share = min(1.0, rows / piece.rows)
        return f"{self.place}/{len(self.pieces)} "

    def learn(self, title: str, rows: int, seconds: float) -> None:
        """What rows of a piece took."""
        kind = next((piece.kind for piece in self.pieces if piece.title == title), None)
        for name in () if kind is None else (title, kind.unit):
            before = self._taken.get(name, (0, 0.0))
            self._taken[name] = (before[0] + rows, before[1] + seconds)

    def left(self, seconds: float = 0.0) -> str:
        """What is left of the run after the latest piece, of which `seconds` are left; nothing where nothing is."""
        coming = self.pieces[self.place :]
        if not coming:
            return ""
        known = [(piece, self._each(piece)) for piece in coming]
        total = seconds + sum(self._rows(piece) * each for piece, each in known if each is not None)
        trainings = sum(each is None for _, each in known)
        more = "" if not trainings else " and 1 training" if trainings == 1 else f" and {trainings} trainings"
        return f"run: about {duration(total)}{more} left"

    def _rows(self, piece: Piece) -> float:
        return piece.rows * (self._share if piece.kind is PieceKind.TRANSLATIONS else 1.0)

    def _each(self, piece: Piece) -> float | None:
        """Seconds of a row."""
        rows, seconds = self._taken.get(piece.title) or self._taken.get(piece.kind.unit) or (0, 0.0)
        if piece.kind is not PieceKind.STEPS and not rows:
            return 0.0
        return seconds / rows if rows else None


def duration(seconds: float) -> str:
    """Seconds as one reads them: `50 s`, `12 min`, `3.1 h`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 100 * 60 else f"{seconds / 3600:.1f} h"
