"""Rows that a stage makes and a later one goes through: the last few in memory, the others in a file without a name.

What a round holds so grows with nothing but this file, which lies in the ledger's folder and is gone with its process.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Generic, TypeVar, overload

import msgspec

from mmst.ledger.files import told_of_space

Row = TypeVar("Row")
Other = TypeVar("Other")
BLOCK = 500
"""Rows that are written, and read, at once: some hundred kilobytes."""


class View(Sequence[Row]):
    """Rows that are made as they are asked for, some at a time. Equal to any sequence of equal rows."""

    def some(self, start: int, stop: int) -> list[Row]:
        """The rows from `start` to before `stop`, both within the length."""
        raise NotImplementedError

    def __iter__(self) -> Iterator[Row]:
        for start in range(0, len(self), BLOCK):
            yield from self.some(start, min(start + BLOCK, len(self)))

    @overload
    def __getitem__(self, place: int) -> Row: ...

    @overload
    def __getitem__(self, place: slice) -> list[Row]: ...

    def __getitem__(self, place: int | slice) -> Row | list[Row]:
        if isinstance(place, slice):
            start, stop, step = place.indices(len(self))
            return self.some(start, max(start, stop))[::step] if step > 0 else list(self)[place]
        at = range(len(self))[place]  # counted from the end where it is negative
        return self.some(at, at + 1)[0]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(own == its for own, its in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]  # as a list's

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} rows)"


class Mapped(View[Row], Generic[Other, Row]):
    """What a function makes of each row of a sequence, anew each time it is asked for."""

    def __init__(self, rows: Sequence[Other], make: Callable[[Other], Row]) -> None:
        self._rows, self._make = rows, make

    def __len__(self) -> int:
        return len(self._rows)

    def some(self, start: int, stop: int) -> list[Row]:
        """See `View.some`."""
        return [self._make(row) for row in self._rows[start:stop]]


class Spooled(View[Row]):
    """Rows of one type, which come one after the other.

    Args:
        row_type: of the rows, a dataclass that `msgspec` writes as JSON.
        folder: where the file lies; None: in the system's folder for temporary files.
        rows: the first ones.
    """

    def __init__(self, row_type: type[Row], folder: Path | None = None, rows: Iterable[Row] = ()) -> None:
        self.row_type, self._folder = row_type, folder
        self._decode: Callable[[bytes], Row] = msgspec.json.Decoder(row_type).decode
        self._last: list[Row] = []
        self._file: _Nameless | None = None
        self._ends = [0]
        """Where each block of the file ends, from the beginning on."""
        self.extend(rows)

    def append(self, row: Row) -> None:
        """One more row.

        Raises:
            UserError: no space is left for the file.
        """
        self._last.append(row)
        if len(self._last) == BLOCK:
            self._write(msgspec.json.Encoder().encode_lines(self._last))
            self._last = []

    def extend(self, rows: Iterable[Row]) -> None:
        """More rows."""
        for row in rows:
            self.append(row)

    def lines(self) -> View[msgspec.Raw]:
        """The rows as JSON, which encodes as itself: what is only hashed and kept is not read."""
        found = Spooled(msgspec.Raw)
        found._decode = msgspec.Raw
        found._file, found._ends = self._file, [*self._ends]
        found._last = [msgspec.Raw(msgspec.json.encode(row)) for row in self._last]
        return found

    def __len__(self) -> int:
        return (len(self._ends) - 1) * BLOCK + len(self._last)

    def some(self, start: int, stop: int) -> list[Row]:
        """See `View.some`."""
        found: list[Row] = []
        written = len(self._ends) - 1
        for block in range(start // BLOCK, min(written, -(-stop // BLOCK))):
            first = block * BLOCK
            found += map(self._decode, self._read(block)[max(0, start - first) : stop - first])
        first = written * BLOCK
        return found + self._last[max(0, start - first) : max(0, stop - first)]

    def _read(self, block: int) -> list[bytes]:
        begin, end = self._ends[block : block + 2]
        assert self._file is not None
        return self._file.read(begin, end).splitlines()

    def _write(self, content: bytes) -> None:
        folder = self._folder or Path(tempfile.gettempdir())
        with told_of_space(folder):
            if self._file is None:
                folder.mkdir(parents=True, exist_ok=True)
                self._file = _Nameless(folder)
            self._file.add(content)
        self._ends.append(self._ends[-1] + len(content))


class _Nameless:
    """A file that nobody else finds, closed with the last of those who read it."""

    def __init__(self, folder: Path) -> None:
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115

    def add(self, content: bytes) -> None:
        self._file.write(content)
        self._file.flush()

    def read(self, begin: int, end: int) -> bytes:
        found = os.pread(self._file.fileno(), end - begin, begin)
        return found if len(found) == end - begin else found + self.read(begin + len(found), end)

    def __del__(self) -> None:
        self._file.close()
