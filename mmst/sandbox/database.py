"""What happens in a child that is asked a query: the database is made in memory, closed to writing, and asked once.

Standard library only: this file is put before each query, and runs in the sandbox and nowhere else. SQLite's own means say what
a query may do (https://sqlite.org/c3ref/set_authorizer.html), and count its steps (https://sqlite.org/c3ref/progress_handler.html),
so that a verdict does not depend on how fast the machine is. What confines the process stands behind both.
"""

from __future__ import annotations

import base64
import contextlib
import json
import re
import sqlite3
from typing import Any

FILE = "base64:"
"""What a database begins with that is the bytes of a file; any other is a script of SQL."""
MOST_STEPS = 10_000_000
"""Instructions of SQLite's machine that one query may take, about a second's."""
STEPS_AT_ONCE = 10_000
MOST_ROWS = 1_000
LONGEST_VALUE = 100_000
"""Bytes of one value that a query makes or reads."""
LARGEST = 1_000_000
"""Bytes of a database of a script, at the least."""
LIMITS = {sqlite3.SQLITE_LIMIT_LENGTH: LONGEST_VALUE, sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 1_000}
"""Of a query, beside its steps: one instruction takes as long as what it works on is (`instr`: the product of both lengths)."""
LONGEST_CELL = 500
"""Characters of a value that is shown with its table."""
ALLOWED = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE}
CHANGES = {value for name, value in vars(sqlite3).items() if name.startswith(("SQLITE_CREATE_", "SQLITE_DROP_"))}
CHANGES |= {sqlite3.SQLITE_ALTER_TABLE, sqlite3.SQLITE_REINDEX, sqlite3.SQLITE_ANALYZE}
CHANGES |= {sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE}
ATTACHES = {sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH}
FORBIDDEN_FUNCTIONS = {"load_extension", "random", "randomblob", "current_timestamp", "current_date", "current_time"}
FORBIDDEN_FUNCTIONS |= {"fts3_tokenizer"}
"""What leaves the database, or gives another value each time."""
SCHEMAS = ("sqlite_master", "sqlite_temp_master")
OF_FTS5 = "data_version"
"""The pragma that SQLite's full-text tables ask before they are read."""
TABLES = """
SELECT made.name FROM sqlite_master AS made JOIN pragma_table_list AS listed USING (name)
WHERE made.type = 'table' AND made.name NOT GLOB 'sqlite_*' AND listed.schema = 'main' AND listed.type IN ('table', 'virtual')
ORDER BY made.rowid
"""
TABLES_OF_FUNCTIONS = ("json_each('[]')", "json_tree('[]')")
"""What reads one value as a table. Such tables, and virtual ones, are made at their first use, which looks like writing: so
each is used once before."""
FIRST_WORD = re.compile(r"(?:\s|--[^\n]*|/\*.*?(?:\*/|$))*+(\w*)", re.DOTALL)
QUERIES = ("select", "with", "values")


class Closed:
    """SQLite's questions about what a query may do; it remembers the first that was forbidden, and whether a table was read."""

    def __init__(self, tables: set[str]) -> None:
        self.why = ""
        self.tables = tables
        self.reads = False

    def allows(self, action: int, first: str | None, second: str | None, place: str | None, inner: str | None) -> int:
        """Whether one action may be taken: reading alone may. A table of which no column is read has an empty one."""
        self.reads = self.reads or (action == sqlite3.SQLITE_READ and first in self.tables)
        if action in ALLOWED or (action == sqlite3.SQLITE_FUNCTION and str(second).lower() not in FORBIDDEN_FUNCTIONS):
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_PRAGMA and first == OF_FTS5 and second is None:
            return sqlite3.SQLITE_OK
        self.why = self.why or self._reason(action, first, second)
        return sqlite3.SQLITE_DENY

    def _reason(self, action: int, first: str | None, second: str | None) -> str:
        if action == sqlite3.SQLITE_UPDATE and first in SCHEMAS:  # the first of a query's actions where it makes such a table
            return "it reads a table of SQLite's own"
        if action in CHANGES or (action == sqlite3.SQLITE_ATTACH and not first):  # which VACUUM does
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
    """What a query gives, as JSON: {"columns": [...], "rows": [[...], ...], "constant": whether it read none of the tables}.

    Where it gives nothing, why: {"query": ...}, or {"database": ...} where that is at fault.
    """
    try:
        connection = opened(database)
    except (sqlite3.Error, sqlite3.Warning, ValueError) as error:
        return json.dumps({"database": str(error)})
    closed, steps = Closed({name for (name,) in connection.execute(TABLES)}), Steps()
    connection.execute("PRAGMA query_only = ON")
    for limit, most in LIMITS.items():
        connection.setlimit(limit, most)
    connection.set_authorizer(closed.allows)
    connection.set_progress_handler(steps.ended, STEPS_AT_ONCE)
    try:
        cursor = connection.execute(query)
        rows = cursor.fetchmany(MOST_ROWS + 1)
    except (sqlite3.Error, sqlite3.Warning, ValueError, OverflowError) as error:
        if steps.left < 0:
            return json.dumps({"query": f"it takes more than {MOST_STEPS} steps"})
        return json.dumps({"query": closed.why or str(error)})
    if why := unlike_a_query(query, cursor):
        return json.dumps({"query": why})
    if len(rows) > MOST_ROWS:
        return json.dumps({"query": f"it gives more than {MOST_ROWS} rows"})
    columns = [column[0] for column in cursor.description]
    constant = bool(closed.tables) and not closed.reads
    return json.dumps({"columns": columns, "rows": [[plain(value) for value in row] for row in rows], "constant": constant})


def unlike_a_query(query: str, cursor: sqlite3.Cursor) -> str:
    """Why a statement that was run is none whose rows are the database's; empty where it is one."""
    found = FIRST_WORD.match(query)
    word = found[1].lower() if found else ""
    if word == "pragma":
        return "it asks for a pragma"
    return "it is no query" if cursor.description is None or word not in QUERIES else ""


def tables(database: str) -> str:
    """The names of a database's tables as `answered` gives rows, without those that SQLite keeps for itself or for a search."""
    try:
        return json.dumps({"rows": opened(database).execute(TABLES).fetchall()})
    except (sqlite3.Error, sqlite3.Warning, ValueError) as error:
        return json.dumps({"database": str(error)})


def first_rows(database: str, table: str, most: int) -> str:
    """A table's first rows as `answered` gives rows, long values cut, and how many there are in all."""
    name = '"' + table.replace('"', '""') + '"'
    try:
        connection = opened(database)
        (whole,) = connection.execute(f"SELECT count(*) FROM {name}").fetchone()
        cursor = connection.execute(f"SELECT * FROM {name} LIMIT {most}")
        rows = [[plain(cut(value)) for value in row] for row in cursor]
    except (sqlite3.Error, sqlite3.Warning, ValueError, OverflowError) as error:
        return json.dumps({"database": str(error)})
    return json.dumps({"columns": [column[0] for column in cursor.description], "rows": rows, "whole": whole})


def opened(database: str) -> sqlite3.Connection:
    """The database, in memory.

    Raises:
        sqlite3.Error, ValueError: it is none.
    """
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, max(LARGEST, len(database)))
    connection.text_factory = readable
    if database.startswith(FILE):
        content = base64.b64decode(database[len(FILE) :])
        connection.deserialize(content[:18] + b"\1\1" + content[20:])  # no write-ahead log: a database in memory has none
    else:
        connection.executescript(database)
    connection.execute("PRAGMA temp_store = MEMORY")
    names = connection.execute("SELECT name FROM sqlite_master WHERE sql LIKE 'create virtual table%'").fetchall()
    made = ['"' + name.replace('"', '""') + '"' for (name,) in names]
    for table in (*made, *TABLES_OF_FUNCTIONS):
        with contextlib.suppress(sqlite3.Error):
            connection.execute(f"SELECT 1 FROM {table} LIMIT 0")
    return connection


def readable(content: bytes) -> str:
    """A text of the database; bytes that are no UTF-8 keep apart as what Python has for them."""
    return content.decode("utf-8", "surrogateescape")


def cut(value: Any) -> Any:
    """A value, or the beginning of a long one."""
    if not isinstance(value, str | bytes) or len(value) <= LONGEST_CELL:
        return value
    return f"{value[:LONGEST_CELL]}..." if isinstance(value, str) else value[:LONGEST_CELL]


def plain(value: Any) -> Any:
    """A value as JSON has it; bytes in an object, as no text is one."""
    return {"blob": value.hex()} if isinstance(value, bytes) else value
