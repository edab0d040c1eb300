"""Token rows in an Arrow file that is mapped into memory: written while examples are tokenized, read a row at a time.

All processes of a training on one machine share the pages of one file, and hold none of its rows.

    rows.arrow   id, edge, problem, tokens (int32), prompt_length, weight, right, beside (a row of the same fields, or null)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import cache, lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

from mmst.errors import DataError
from mmst.ledger.files import atomic_path, told_of_space
from mmst.ledger.spooled import View
from mmst.training.batches import TokenRow

ROWS = "rows.arrow"
"""In the folder that a training works in."""
BATCH = 1_000
"""Rows that are written together, and found together."""
OPEN = 64
"""Batches whose places in the file are known without looking."""
FIELDS = ("id", "edge", "problem", "tokens", "prompt_length", "weight", "right")


@cache
def _schema() -> Any:
    """The types of a file's columns."""
    import pyarrow

    text, tokens, length, weight, right = (
        pyarrow.string(), pyarrow.list_(pyarrow.int32()), pyarrow.int32(), pyarrow.float64(), pyarrow.bool_(),
    )  # fmt: skip
    fields = list(zip(FIELDS, (text, text, text, tokens, length, weight, right), strict=True))
    return pyarrow.schema([*fields, ("beside", pyarrow.struct(fields))])


def write_rows(path: Path, rows: Iterable[TokenRow]) -> TokenTable:
    """Write rows to a file, which is there whole or not at all, and open it.

    Raises:
        UserError: no space is left for it.
    """
    import pyarrow

    left = iter(rows)
    with told_of_space(path), atomic_path(path) as work, pyarrow.ipc.new_file(str(work), _schema()) as file:
        while part := list(islice(left, BATCH)):
            file.write_batch(pyarrow.RecordBatch.from_pylist([_fields(row) for row in part], _schema()))
    return TokenTable(path)


def _fields(row: TokenRow) -> dict[str, Any]:
    """A row as it is written: what it shares with others is found anew in each training."""
    told = {name: getattr(row, name) for name in FIELDS}
    return {**told, "beside": None if row.beside is None else {name: getattr(row.beside, name) for name in FIELDS}}


class TokenTable(View[TokenRow]):
    """The rows of a file.

    Raises:
        DataError: it is no such file, or damaged.
    """

    def __init__(self, path: Path) -> None:
        import pyarrow

        self.path = path
        try:
            self._file = pyarrow.ipc.open_file(pyarrow.memory_map(str(path)))
            count = self._file.num_record_batches
            self._count = (count - 1) * BATCH + self._file.get_batch(count - 1).num_rows if count else 0
        except (OSError, pyarrow.ArrowInvalid) as error:
            raise DataError(f"train: {path} is damaged; run the command again, which writes it anew.") from error
        self._batch = lru_cache(OPEN)(self._columns)

    def __len__(self) -> int:
        return self._count

    def __reduce__(self) -> tuple[Any, ...]:
        return TokenTable, (self.path,)

    def some(self, start: int, stop: int) -> list[TokenRow]:
        """See `View.some`."""
        return [_row(self._batch(n // BATCH), n % BATCH) for n in range(start, stop)]

    def _columns(self, number: int) -> dict[str, Any]:
        batch = self._file.get_batch(number)
        found = dict(zip(batch.schema.names, batch.columns, strict=True))
        beside = found["beside"]
        parts = {f"beside.{name}": beside.field(place) for place, name in enumerate(FIELDS)}
        return {**found, **parts}


def _row(columns: dict[str, Any], place: int, before: str = "") -> TokenRow:
    told = {name: columns[f"{before}{name}"][place] for name in FIELDS}
    tokens = tuple(told.pop("tokens").values.to_numpy().tolist())
    beside = None
    if not before and columns["beside"][place].is_valid:
        beside = _row(columns, place, "beside.")
    return TokenRow(**{name: value.as_py() for name, value in told.items()}, tokens=tokens, beside=beside)


class ChosenRows(View[TokenRow]):
    """Some of the rows of a sequence, in order, with what was found of them.

    Args:
        rows: all of them.
        numbers: which.
        weighed: (an edge's name) -> what the weights of its rows are multiplied by; None: they stay.
        shared: of each of `rows`, how many first tokens it shares with others; None: as it is.
    """

    def __init__(
        self,
        rows: Sequence[TokenRow],
        numbers: Sequence[int],
        weighed: Callable[[str], float] | None = None,
        shared: Sequence[int] | None = None,
    ) -> None:
        self._rows, self._numbers, self._weighed, self._shared = rows, numbers, weighed, shared

    def __len__(self) -> int:
        return len(self._numbers)

    def some(self, start: int, stop: int) -> list[TokenRow]:
        """See `View.some`."""
        return [self._made(number) for number in self._numbers[start:stop]]

    def _made(self, number: int) -> TokenRow:
        row = self._rows[number]
        if self._weighed is not None:
            row = replace(row, weight=row.weight * self._weighed(row.edge))
        if self._shared is not None:
            row = row.sharing(self._shared[number])
        return row
