"""The host's side of queries: a query and its database as a program for the sandbox, and what came of it."""

from __future__ import annotations

import base64
import hashlib
import inspect
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from mmst.errors import DataError
from mmst.sandbox import database
from mmst.sandbox.result import UNJUDGED, Program, Result, Status

HEADER = b"SQLite format 3\0"
"""What each SQLite database begins with (https://sqlite.org/fileformat.html, section 1.3)."""
KEPT = 8
"""Databases of files that are kept in memory."""
FILE, MARK = "file:", "#"
"""Before a database that is a file, and between the file and the digest of what it held when it was first read."""
NO_ROWS = "no rows"
ROWS_JOINED_BY = ", "
LONGEST_TEXT = 2_000
"""Characters of rows that are written out."""
ORDERED = "ordered"
"""The tag of a problem whose rows have an order."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of one query: its rows, or why there are none. `judged` is False where the failure was not the query's."""

    rows: tuple[tuple[Any, ...], ...] | None
    why: str = ""
    judged: bool = True
    columns: tuple[str, ...] = ()


def query_program(query: str, held: str) -> Program:
    """The program that asks a database a query; the query is data in it.

    Args:
        query: what a model wrote, or a data set's own.
        held: a script of SQL that makes the database, or a file as `reference` names it.
    """
    code = f"{inspect.getsource(database)}\n\ndef solution():\n    return answered({query!r}, globals().get('GIVEN', ''))\n"
    return Program("", code, given=_content(held) if held.startswith(FILE) else held)


def answered(result: Result) -> Answered:
    """What became of a query's program."""
    if result.status in UNJUDGED:
        return Answered(None, result.type or result.status.value, judged=False)
    if result.type.startswith("ModuleNotFoundError"):
        return Answered(None, f"{result.type}: Python was built without SQLite", judged=False)
    if result.status is not Status.OK:
        return Answered(None, "it gives too much" if result.type == "ResultTooLarge" else result.type or result.status.value)
    said = json.loads(result.value)
    if "database" in said:
        return Answered(None, f"no database: {said['database']}", judged=False)
    if "query" in said:
        return Answered(None, said["query"])
    return Answered(tuple(map(tuple, said["rows"])), columns=tuple(said.get("columns", ())))


def table_text(rows: Sequence[Sequence[Any]], ordered: bool) -> str:
    """Rows as one text, cells joined by ` | ` and rows by commas: equal for equal results, in any order unless `ordered`.

    A long one ends in a digest of the rest.
    """
    lines = [" | ".join(map(cell_text, row)) for row in rows]
    text = ROWS_JOINED_BY.join(lines if ordered else sorted(lines)) or NO_ROWS
    if len(text) <= LONGEST_TEXT:
        return text
    return f"{text[:LONGEST_TEXT]}... {hashlib.sha256(text.encode()).hexdigest()[:16]}"


def cell_text(value: Any) -> str:
    """One value as text: whole numbers without a point, others with six places at most."""
    if value is None:
        return "null"
    if isinstance(value, float) and math.isfinite(value):
        return f"{value:.6f}".rstrip("0").rstrip(".")
    return str(value)


def reference(path: Path) -> str:
    """A database's file, and a digest of what it holds, so that grades know it by its contents.

    Raises:
        DataError: it is missing, or no SQLite database.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"dataset: the database {path} cannot be read ({error.strerror}).") from error
    if not content.startswith(HEADER):
        raise DataError(f"dataset: {path} is no SQLite database: it does not begin with 'SQLite format 3'.")
    return f"{FILE}{path}{MARK}{hashlib.sha256(content).hexdigest()[:16]}"


def _content(held: str) -> str:
    path, _, digest = held.removeprefix(FILE).rpartition(MARK)
    return _of_file(path, digest)


@lru_cache(KEPT)
def _of_file(path: str, digest: str) -> str:
    if reference(Path(path)).rpartition(MARK)[2] != digest:
        raise DataError(f"dataset: the database {path} was changed while it was in use; start again.")
    return database.FILE + base64.b64encode(Path(path).read_bytes()).decode()
