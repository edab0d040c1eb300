"""Spider's files (Yu et al., arXiv 1809.08887): questions over SQLite databases, each with the query that answers it.

    FOLDER/train_spider.json, FOLDER/dev.json     [{"db_id": "pets_1", "question": "...", "query": "SELECT ..."}, ...]
    FOLDER/database/pets_1/pets_1.sqlite

The gold answer is what the query gives, asked of the database in the sandbox; rows are compared in any order unless
the query itself orders them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mmst.errors import DataError
from mmst.sandbox.queries import ORDERED, Answered, answered, cell_text, query_program, reference, table_text
from mmst.sandbox.result import Executor
from mmst.types import AnswerKind, Problem

FILES = {"train": "train_spider", "test": "dev"}
FIELDS = ("db_id", "question", "query")
TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY rowid"
ORDER_BY = re.compile(r"\border\s+by\b(?![^()]*\))", re.IGNORECASE)
"""Of the query itself, and not of one in parentheses."""


def read_split(split: str, root: str | None, executor: Executor, rows: int = 5, file: str | None = None) -> list[Problem]:
    """One split of a folder in Spider's form.

    Args:
        split: `train` or `test`.
        root: the folder.
        executor: the sandbox that queries are asked in; it is closed at the end.
        rows: how many rows of a table a question shows, the first ones.
        file: another file of the folder than Spider's, without `.json`.

    Raises:
        DataError: a file or a database is missing or not of its form, or a gold query fails.
    """
    if root is None:
        raise DataError(
            "dataset.root: Spider is read from a folder of yours with dev.json and database/ in it; give dataset.root."
        )
    folder = Path(root).expanduser()
    path = folder / f"{file or FILES[split]}.json"
    given = _rows(path)
    held = {name: reference(folder / "database" / name / f"{name}.sqlite") for name in sorted({row["db_id"] for row in given})}
    try:
        shown = {name: _shown(name, at, executor, rows) for name, at in held.items()}
        golds = _asked([(row["query"], held[row["db_id"]]) for row in given], executor)
    finally:
        executor.close()
    made = []
    for number, (row, gold) in enumerate(zip(given, golds, strict=True)):
        if gold.rows is None:
            raise DataError(
                f"dataset: the gold query of question {number + 1} of {path} gives no answer over {row['db_id']} ({gold.why}); "
                "mend it, or leave the question out."
            )
        made.append(_problem(f"spider-{split}-{number}", row, gold, held[row["db_id"]], shown[row["db_id"]]))
    return made


def _rows(path: Path) -> list[Mapping[str, str]]:
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"dataset: {path} cannot be read ({error.strerror}).") from error
    except ValueError as error:
        raise DataError(f"dataset: {path} is no JSON in UTF-8 ({error}).") from error
    if not isinstance(rows, list) or not rows:
        raise DataError(f"dataset: {path} must hold a list of questions.")
    for number, row in enumerate(rows, 1):
        lacking = [name for name in FIELDS if not isinstance(row, dict) or not isinstance(row.get(name), str)]
        if lacking:
            raise DataError(f"dataset: question {number} of {path} has no text under '{lacking[0]}'.")
        if Path(row["db_id"]).name != row["db_id"]:
            raise DataError(
                f"dataset: question {number} of {path} names the database '{row['db_id']}', which is no folder's name."
            )
    return rows


def _asked(queries: Sequence[tuple[str, str]], executor: Executor) -> list[Answered]:
    """What (query, database) pairs give, each asked once."""
    distinct = list(dict.fromkeys(queries))
    programs = [replace(query_program(query, held), name=str(n)) for n, (query, held) in enumerate(distinct)]
    found = dict(zip(distinct, map(answered, executor.execute(programs)), strict=True))
    return [found[query] for query in queries]


def _shown(name: str, held: str, executor: Executor, rows: int) -> str:
    """A database as a solver is told of it: each table's columns and first rows.

    Raises:
        DataError: it is no database.
    """
    (tables,) = _asked([(TABLES, held)], executor)
    if tables.rows is None:
        raise DataError(f"dataset: the database {name} cannot be read ({tables.why}).")
    names = [str(row[0]) for row in tables.rows]
    quoted = ['"' + table.replace('"', '""') + '"' for table in names]
    heads = _asked([(f"SELECT * FROM {table} LIMIT {rows}", held) for table in quoted], executor)
    counts = _asked([(f"SELECT COUNT(*) FROM {table}", held) for table in quoted], executor)
    return "\n".join(_table(*one, rows) for one in zip(names, heads, counts, strict=True))


def _table(name: str, head: Answered, count: Answered, most: int) -> str:
    whole = count.rows[0][0] if count.rows else 0
    more = f" ({whole} rows, {most} shown)" if whole > most else ""
    lines = [" | ".join(map(cell_text, row)) for row in head.rows or ()]
    return "\n".join([f"{name}{more}: {' | '.join(head.columns)}", *lines])


def _problem(id: str, row: Mapping[str, str], gold: Answered, held: str, shown: str) -> Problem:
    cells: Sequence[Sequence[Any]] = gold.rows or ()
    ordered = ORDER_BY.search(row["query"]) is not None
    single = len(cells) == 1 and len(cells[0]) == 1
    number = single and isinstance(cells[0][0], int | float)
    return Problem(
        id=id,
        question=f"{shown}\n{row['question'].strip()}",
        answer=table_text(cells, ordered),
        kind=AnswerKind.NUMBER if number else AnswerKind.TEXT,
        setup=held,
        rationale=row["query"].strip().rstrip(";") + ";",
        tags=(f"database:{row['db_id']}", *([ORDERED] if ordered else [])),
    )
