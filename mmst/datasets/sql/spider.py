"""Spider's files (Yu et al., arXiv 1809.08887): questions over SQLite databases, each with the query that answers it.

    FOLDER/train_spider.json, FOLDER/dev.json     [{"db_id": "pets_1", "question": "...", "query": "SELECT ..."}, ...]
    FOLDER/database/pets_1/pets_1.sqlite

The gold answer is what the query gives, asked of the database in the sandbox. Another query is right if it gives the same
table; rows are compared in any order unless the query itself orders them.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from os.path import realpath
from pathlib import Path

from mmst.datasets.text_files import is_whole
from mmst.errors import DataError
from mmst.sandbox.queries import (
    LONGEST_QUERY,
    ORDERED,
    Answered,
    answered,
    first_rows_program,
    query_program,
    reference,
    tables_program,
)
from mmst.sandbox.result import Executor, Program
from mmst.sandbox.statements import is_ordered
from mmst.sandbox.tables import cell_text, exact_text, table_text, written
from mmst.types import AnswerKind, Problem

log = logging.getLogger(__name__)

FILES = {"train": "train_spider", "test": "dev"}
FIELDS = ("db_id", "question", "query")
NO_NAMES = ("", ".", "..")
"""Of a folder's child."""
MOST_SHOWN, NAMED = 1_000, 3
"""Rows of a table that a question may show, and questions that are named where some are left out."""
UNREADABLE = re.compile(r"```|~~~|^\s*Question:|<", re.MULTILINE)
"""What a completion may not hold within its query without being read otherwise."""


def read_split(split: str, root: str | None, executor: Executor, rows: int = 5, file: str | None = None) -> list[Problem]:
    """One split of a folder in Spider's form.

    Args:
        split: `train` or `test`.
        root: the folder.
        executor: the sandbox that queries are asked in; it is closed at the end.
        rows: how many rows of a table a question shows, the first ones.
        file: another file of the folder than Spider's, without `.json`.

    Raises:
        DataError: a file or a database is missing or not of its form, or no gold query gives an answer.
    """
    if root is None:
        raise DataError(
            "dataset.root: Spider is read from a folder of yours with dev.json and database/ in it; give dataset.root."
        )
    if not 0 <= rows <= MOST_SHOWN:
        raise DataError(f"dataset.rows={rows} must be from 0 to {MOST_SHOWN}.")
    folder = Path(root).expanduser()
    path = folder / f"{file or FILES[split]}.json"
    given = _rows(path)
    first = {row["db_id"]: number for number, row in reversed(list(enumerate(given, 1)))}
    held = {name: _reference(folder / "database", name, f"question {first[name]} of {path}") for name in sorted(first)}
    try:
        shown = {name: _shown(name, at, executor, rows) for name, at in held.items()}
        golds = _asked([query_program(row["query"], held[row["db_id"]]) for row in given], executor)
    finally:
        executor.close()
    _tell_of_failures(path, given, golds)
    return [
        _problem(f"spider-{split}-{number}", row, gold, held[row["db_id"]], shown[row["db_id"]])
        for number, (row, gold) in enumerate(zip(given, golds, strict=True))
        if gold.rows is not None
    ]


def _tell_of_failures(path: Path, given: Sequence[Mapping[str, str]], golds: Sequence[Answered]) -> None:
    """Say which questions are left out, since their gold queries give no answer: some of Spider's own do not.

    Raises:
        DataError: none is left, or it was not the query that failed.
    """
    failed = [(number, row, gold) for number, (row, gold) in enumerate(zip(given, golds, strict=True), 1) if gold.rows is None]
    said = [f"question {number} gives no answer over {row['db_id']} ({gold.why})" for number, row, gold in failed]
    lost = next((text for text, (_, _, gold) in zip(said, failed, strict=True) if not gold.judged), None)
    if lost or len(failed) == len(given):
        raise DataError(f"dataset: the gold query of {lost or said[0]}, in {path}; mend it, or leave the question out.")
    if said:
        more = f", and {len(said) - NAMED} more" if len(said) > NAMED else ""
        log.warning(
            "dataset: %d of %d questions of %s are left out: %s%s", len(said), len(given), path, "; ".join(said[:NAMED]), more
        )


def _rows(path: Path) -> list[Mapping[str, str]]:
    try:
        rows = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise DataError(f"dataset: {path} cannot be read ({error.strerror}).") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"dataset: {path} is no JSON in UTF-8 ({error}).") from error
    if not isinstance(rows, list) or not rows:
        raise DataError(f"dataset: {path} must hold a list of questions.")
    for number, row in enumerate(rows, 1):
        lacking = [name for name in FIELDS if not isinstance(row, dict) or not isinstance(row.get(name), str)]
        lacking = lacking or [name for name in FIELDS[1:] if not row[name].strip()]
        if lacking:
            raise DataError(f"dataset: question {number} of {path} has no text under '{lacking[0]}'.")
        broken = next((name for name in FIELDS if not is_whole(row[name])), None)
        if broken:
            raise DataError(
                f"dataset: question {number} of {path} holds half of a surrogate pair under '{broken}', which is no character: "
                f"{row[broken][:80]!a}."
            )
    return rows


def _reference(databases: Path, name: str, where: str) -> str:
    """A database that a question names, which must lie in a folder of that name.

    Raises:
        DataError: it does not, or is none.
    """
    if name in NO_NAMES or "/" in name or "\0" in name:
        raise DataError(f"dataset: {where} names the database {name!a}, which is no folder's name.")
    folder, there = databases / name, Path(realpath(databases / name))
    if there.parent != Path(realpath(databases)):
        raise DataError(
            f"dataset: {where} names the database {name!a}, whose folder is a link to {there}, outside of {databases}; "
            "put the folder itself there."
        )
    return reference(folder / f"{name}.sqlite")


def _asked(programs: Sequence[Program], executor: Executor) -> list[Answered]:
    """What databases give, each asked once."""
    distinct = list(dict.fromkeys(programs))
    results = executor.execute([replace(program, name=str(n)) for n, program in enumerate(distinct)])
    found = dict(zip(distinct, map(answered, results), strict=True))
    return [found[program] for program in programs]


def _shown(name: str, held: str, executor: Executor, rows: int) -> str:
    """A database as a solver is told of it: each table's columns and first rows.

    Raises:
        DataError: it is no database, or one of its tables cannot be read.
    """
    (tables,) = _asked([tables_program(held)], executor)
    if tables.rows is None:
        raise DataError(f"dataset: the database {name} cannot be read ({tables.why}).")
    names = [str(row[0]) for row in tables.rows]
    heads = _asked([first_rows_program(table, rows, held) for table in names], executor)
    return "\n".join(_table(name, *one, rows) for one in zip(names, heads, strict=True))


def _table(database: str, name: str, head: Answered, most: int) -> str:
    if head.rows is None:
        raise DataError(f"dataset: the table {name} of the database {database} cannot be read ({head.why}).")
    more = f" ({head.whole} rows, {most} shown)" if head.whole > most else ""
    lines = [" | ".join(map(cell_text, row)) for row in head.rows]
    return "\n".join([f"{name}{more}: {' | '.join(head.columns)}", *lines])


def _problem(id: str, row: Mapping[str, str], gold: Answered, held: str, shown: str) -> Problem:
    cells = gold.rows or ()
    ordered = is_ordered(row["query"])
    return Problem(
        id=id,
        question=f"{shown}\n{row['question'].strip()}",
        answer=table_text(cells, ordered),
        kind=AnswerKind.TEXT if exact_text(cells) is None else AnswerKind.NUMBER,
        tests=(written(cells), str(len(gold.columns))),
        setup=held,
        rationale=_solution(row["query"]),
        tags=(f"database:{row['db_id']}", *([ORDERED] if ordered else [])),
    )


def _solution(query: str) -> str | None:
    """The gold query as a solver may write it; None where a reader of completions would find another query in it."""
    text = query.strip().rstrip(";").rstrip()
    if len(text) > LONGEST_QUERY or UNREADABLE.search(text.replace("<>", "").replace("<=", "").replace("< ", "")):
        return None
    return f"{text}\n;" if "--" in text.splitlines()[-1] else f"{text};"
