"""The host's side of queries: a query and its database as a program for the sandbox, and what came of it."""

from __future__ import annotations

import base64
import hashlib
import inspect
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from mmst.errors import DataError
from mmst.sandbox import database
from mmst.sandbox.pool import LARGEST_GIVEN
from mmst.sandbox.result import UNJUDGED, Program, Result, Status
from mmst.sandbox.tables import table_of

HEADER = b"SQLite format 3\0"
"""What each SQLite database begins with (https://sqlite.org/fileformat.html, section 1.3)."""
KEPT = 8
"""Databases of files that are kept in memory."""
FILE, MARK = "file:", "#"
"""Before a database that is a file, and between the file and the digest of what it held when it was first read."""
LARGEST_FILE = 3 * LARGEST_GIVEN // 4 - (1 << 10)
"""Bytes of a database, which is sent to the sandbox in base64."""
UNFINISHED = ("-wal", "-journal")
"""What a file beside a database ends in that holds what was not written into it yet."""
LONGEST_QUERY = 5_000
"""Characters of a query that is run."""
ORDERED = "ordered"
"""The tag of a problem whose rows have an order."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of one query: its rows, or why there are none. `judged` is False where the failure was not the query's."""

    rows: tuple[tuple[Any, ...], ...] | None
    why: str = ""
    judged: bool = True
    columns: tuple[str, ...] = ()
    whole: int = 0
    """How many rows there are in all, where only the first of a table were asked for."""
    constant: bool = False
    """Whether the query read none of the database's tables."""


def query_program(query: str, held: str) -> Program:
    """The program that asks a database a query; the query is data in it.

    Args:
        query: what a model wrote, or a data set's own.
        held: a script of SQL that makes the database, or a file as `reference` names it.
    """
    return _program(f"answered({query!r}, GIVEN)", held)


def tables_program(held: str) -> Program:
    """The program that asks a database for its tables' names: one a row."""
    return _program("tables(GIVEN)", held)


def first_rows_program(table: str, most: int, held: str) -> Program:
    """The program that asks a database for a table's first rows, and how many there are."""
    return _program(f"first_rows(GIVEN, {table!r}, {most})", held)


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
    return Answered(
        table_of(said["rows"]),
        columns=tuple(said.get("columns", ())),
        whole=said.get("whole", 0),
        constant=said.get("constant", False),
    )


def reference(path: Path) -> str:
    """A database's file, and a digest of what it holds, so that grades know it by its contents.

    Raises:
        DataError: it is missing, no SQLite database, too large, or not all that was written to it is in it yet.
    """
    try:
        size = path.stat().st_size
        content = path.read_bytes() if size <= LARGEST_FILE else b""
        besides = [path.with_name(path.name + end) for end in UNFINISHED]
        unfinished = next((file for file in besides if file.is_file() and file.stat().st_size), None)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise DataError(f"dataset: the database {path} cannot be read ({why}).") from error
    if size > LARGEST_FILE:
        raise DataError(
            f"dataset: the database {path} has {size:,} bytes; more than {LARGEST_FILE:,} are not sent to the sandbox."
        )
    if unfinished:
        raise DataError(
            f"dataset: {unfinished.name} beside the database {path} holds what is not in it yet; close what writes to it, and "
            "run `PRAGMA wal_checkpoint(TRUNCATE)` on it."
        )
    if not content.startswith(HEADER):
        raise DataError(f"dataset: {path} is no SQLite database: it does not begin with 'SQLite format 3'.")
    return f"{FILE}{path}{MARK}{hashlib.sha256(content).hexdigest()[:16]}"


def _program(asked: str, held: str) -> Program:
    code = f"{inspect.getsource(database)}\n\nGIVEN = globals().get('GIVEN', '')\ndef solution():\n    return {asked}\n"
    return Program("", code, given=_content(held) if held.startswith(FILE) else held)


def _content(held: str) -> str:
    path, _, digest = held.removeprefix(FILE).rpartition(MARK)
    return _of_file(path, digest)


@lru_cache(KEPT)
def _of_file(path: str, digest: str) -> str:
    if reference(Path(path)).rpartition(MARK)[2] != digest:
        raise DataError(f"dataset: the database {path} was changed while it was in use; start again.")
    return database.FILE + base64.b64encode(Path(path).read_bytes()).decode()
