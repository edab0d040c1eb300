"""Rows as Parquet, a group of them in memory at a time; the columns are the fields of the rows' dataclass."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import is_dataclass
from itertools import islice
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from mmst.ledger.files import atomic_path, told_of_space

GROUP = 20_000
"""Rows in memory at a time."""


def write_parquet(path: Path, rows: Iterable[Mapping[str, Any]], kind: type, **more: str) -> None:
    """Write rows as a Parquet file, a group at a time; columns are the fields of `kind`, and text columns named by `more`."""
    import pyarrow
    import pyarrow.parquet

    schema = pyarrow.schema([*_fields(kind), *((name, pyarrow.string()) for name in more)])
    with told_of_space(path), atomic_path(path) as work, pyarrow.parquet.ParquetWriter(work, schema) as writer:
        for group in _groups(rows):
            writer.write_table(pyarrow.Table.from_pylist(group, schema))


def _groups(rows: Iterable[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    left = iter(rows)
    while group := list(islice(left, GROUP)):
        yield group


def _fields(kind: type) -> list[tuple[str, Any]]:
    return [(name, _arrow(hint)) for name, hint in get_type_hints(kind).items()]


def _arrow(hint: Any) -> Any:
    """Arrow's type of a field's type: texts and their enumerations, numbers, tuples of one type, and other dataclasses."""
    import pyarrow

    if get_origin(hint) is UnionType:
        (hint,) = (one for one in get_args(hint) if one is not type(None))
    if get_origin(hint) is tuple:
        return pyarrow.list_(_arrow(get_args(hint)[0]))
    if isinstance(hint, type) and is_dataclass(hint):
        return pyarrow.struct(_fields(hint))
    plain = {bool: pyarrow.bool_(), int: pyarrow.int64(), float: pyarrow.float64(), bytes: pyarrow.binary()}
    return plain.get(hint, pyarrow.string())
