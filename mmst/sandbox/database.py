"""What happens in a child that is asked a query: the database is made in memory, closed to writing, and asked once.

Standard library only: this file is put before each query, and runs in the sandbox and nowhere else. SQLite's own means say what
a query may do (https://sqlite.org/c3ref/set_authorizer.html), and count its steps (https://sqlite.org/c3ref/progress_handler.html),
so that a verdict does not depend on how fast the machine is. What confines the process stands behind both.
"""

from __future__ import annotations

import base64
import json
import sqlite3
from typing import Any

FILE = "base64:"
"""What a database begins with that is the bytes of a file; any other is a script of SQL."""
MOST_STEPS = 10_000_000
"""Instructions of SQLite's machine that one query may take, about a second's."""
STEPS_AT_ONCE = 10_000
MOST_ROWS = 1_000
LONGEST_VALUE = 1_000_000
"""Bytes of one value."""
ALLOWED = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE}
WRITES = {sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE}
ATTACHES = {sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH}
FORBIDDEN_FUNCTIONS = {"load_extension", "random", "randomblob", "current_timestamp", "current_date", "current_time"}
FORBIDDEN_FUNCTIONS |= {"fts3_tokenizer"}
"""What leaves the database, or gives another value each time."""


class Closed:
    """SQLite's questions about what a query may do; it remembers the first thing that was forbidden."""

    def __init__(self) -> None:
        self.why = ""

    def allows(self, action: int, first: str | None, second: str | None, place: str | None, inner: str | None) -> int:
        """Whether one action may be taken: reading alone may."""
        if action in ALLOWED or (action == sqlite3.SQLITE_FUNCTION and str(second).lower() not in FORBIDDEN_FUNCTIONS):
            return sqlite3.SQLITE_OK
        self.why = self.why or self._reason(action, second)
        return sqlite3.SQLITE_DENY

    def _reason(self, action: int, second: str | None) -> str:
        if action in WRITES:
            return "it writes"
        if action in ATTACHES:
            return "it attaches a database"
        if action == sqlite3.SQLITE_FUNCTION:
            return f"it calls {str(second).lower()}"
        return "it asks for a pragma" if action == sqlite3.SQLITE_PRAGMA else "it is no query"


class Steps:
    """Counts the steps of a query, and ends it when they are too many."""

    def __init__(self) -> None:
        self.left = MOST_STEPS // STEPS_AT_ONCE

    def ended(self) -> bool:
        """Whether the query is to end here."""
        self.left -= 1
        return self.left < 0


def answered(query: str, database: str) -> str:
    """What a query gives, as JSON: {"columns": [...], "rows": [[...], ...]}.

    Where it gives nothing, why: {"query": ...}, or {"database": ...} where that is at fault.
    """
    try:
        connection = opened(database)
    except (sqlite3.Error, sqlite3.Warning, ValueError) as error:
        return json.dumps({"database": str(error)})
    closed, steps = Closed(), Steps()
    connection.execute("PRAGMA query_only = ON")
    connection.set_authorizer(closed.allows)
    connection.set_progress_handler(steps.ended, STEPS_AT_ONCE)
    try:
        cursor = connection.execute(query)
        rows = cursor.fetchmany(MOST_ROWS + 1)
    except (sqlite3.Error, sqlite3.Warning, ValueError, OverflowError) as error:
        if steps.left < 0:
            return json.dumps({"query": f"it takes more than {MOST_STEPS} steps"})
        return json.dumps({"query": closed.why or str(error)})
    if cursor.description is None:
        return json.dumps({"query": "it is no query"})
    if len(rows) > MOST_ROWS:
        return json.dumps({"query": f"it gives more than {MOST_ROWS} rows"})
    columns = [column[0] for column in cursor.description]
    return json.dumps({"columns": columns, "rows": [[plain(value) for value in row] for row in rows]})


def opened(database: str) -> sqlite3.Connection:
    """The database, in memory.

    Raises:
        sqlite3.Error, ValueError: it is none.
    """
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, max(LONGEST_VALUE, len(database)))
    connection.text_factory = readable
    if database.startswith(FILE):
        content = base64.b64decode(database[len(FILE) :])
        connection.deserialize(content[:18] + b"\1\1" + content[20:])  # no write-ahead log: a database in memory has none
    else:
        connection.executescript(database)
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST_VALUE)
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute("SELECT count(*) FROM sqlite_master").fetchall()  # where it is no database, this says so
    return connection


def readable(content: bytes) -> str:
    """A text of the database, whatever its bytes are."""
    return content.decode("utf-8", "replace")


def plain(value: Any) -> Any:
    """A value as JSON has it."""
    return value.hex() if isinstance(value, bytes) else value
