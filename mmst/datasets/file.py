"""Problems from one's own files, in the form that they have: `dataset=file dataset.path=PATH`."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from mmst.datasets.golds import every, refuse_unknown
from mmst.datasets.jsonl import OTHER_NAMES, of_one_kind, problem_of
from mmst.datasets.rows import Row, Rows, rows_of_file, rows_of_folder, said_of
from mmst.errors import DataError
from mmst.types import AnswerKind, Problem

HASH_BITS = 64


def read_problems(
    path: str,
    split: str,
    columns: Mapping[str, str | None],
    test_share: float | None = None,
    kind: str | None = None,
    tags: Sequence[str] = (),
) -> list[Problem]:
    """Read one split of a file or folder.

    Args:
        path: A file, a folder with files of the splits, or one that `save_to_disk` wrote.
        split: Its name.
        columns: mmst's key -> the column that holds it; None: the column of that name, where there is one.
        test_share: The share of problems that make the test split, where the data has but one; by a hash of each question.
        kind: What all answers are; None: read off each of them. Where it is given, there need be no column of answers.
        tags: Columns by which scores are broken down.

    Raises:
        DataError: nothing is there, a column is not, a row is no problem, two share an id, or the split is empty.
    """
    if test_share is not None and not 0 < test_share < 1:
        raise DataError(f"dataset.test_share={test_share} must lie between 0 and 1, or be null.")
    rows = _rows(Path(path).expanduser(), split, test_share)
    if not rows:
        raise DataError(f"dataset.path: the split '{split}' of {path} is empty.")
    names = _names(rows, columns, tags, unknown_answers=kind is not None)
    problems = _problems(rows, names, _kind(kind), tags)
    if kind is None:
        refuse_unknown(problems, [where for where, _ in rows])
        problems = of_one_kind(problems, path)
    chosen = problems if test_share is None else [p for p in problems if _is_test(p, test_share) == (split == "test")]
    if not chosen:
        raise DataError(
            f"dataset.test_share={test_share}: no problem of the {len(problems)} in {path} falls into the split '{split}'."
        )
    return chosen


def _rows(path: Path, split: str, test_share: float | None) -> Rows:
    if not path.exists():
        raise DataError(f"dataset.path: there is no file or folder {path}.")
    if test_share is not None:
        return _undivided(path)
    if path.is_file() and split == "test":
        return rows_of_file(path)
    found = None if path.is_file() else rows_of_folder(path, split)
    if found is None:
        said = "it is one file, all of it test. dataset.test_share=0.2 divides it" if path.is_file() else said_of(path)
        raise DataError(f"dataset.path: {path} has no split '{split}'; {said}.")
    return found


def _undivided(path: Path) -> Rows:
    """All rows of what has one split only."""
    if path.is_file():
        return rows_of_file(path)
    found = [rows for name in ("train", "test") if (rows := rows_of_folder(path, name)) is not None]
    if len(found) > 1:
        raise DataError(f"dataset.test_share: {path} has splits train and test of its own; leave dataset.test_share=null.")
    if not found:
        raise DataError(f"dataset.path: {path} has no split to divide; {said_of(path)}.")
    return found[0]


def _names(rows: Rows, columns: Mapping[str, str | None], tags: Sequence[str], unknown_answers: bool = False) -> dict[str, str]:
    """Key -> column, of the columns that are there. unknown_answers: whether that of the answers may be missing."""
    there = list(dict.fromkeys(name for _, row in rows for name in row))
    asked = [(key, column) for key, column in (*columns.items(), *(("tags", tag) for tag in tags)) if column is not None]
    missing = [(key, column) for key, column in asked if column not in there and not (key == "answer" and unknown_answers)]
    names = {key: column or key for key, column in columns.items() if (column or key) in there}
    for key in ("question", "answer"):
        needless = key == "answer" and ("tests" in names or unknown_answers)
        if key not in names and key not in dict(missing) and not needless:
            missing.append((key, key))
    if missing:
        raise _no_columns(missing, there)
    return names


def _no_columns(missing: Sequence[tuple[str, str]], there: list[str]) -> DataError:
    """missing: (key, the column that is not there), all of them at once."""
    keys = ", ".join(dict.fromkeys(f"dataset.{key}" for key, _ in missing))
    columns = ", ".join(f"'{column}'" for _, column in missing)
    near = [_override(key, found) for key, column in missing if (found := _nearest(key, column, there))]
    asked = f" Did you mean {' '.join(near)}?" if near else ""
    there_is = "there is no column" if len(missing) == 1 else "there are no columns"
    return DataError(f"{keys}: {there_is} {columns}; there are {', '.join(there) or 'none'}.{asked}")


def _nearest(key: str, column: str, there: list[str]) -> str | None:
    lowered = {name.lower(): name for name in there}
    known = (column.lower(), *OTHER_NAMES.get(key, ()))
    near = [*(name for name in known if name in lowered), *get_close_matches(column.lower(), list(lowered), n=1)]
    near += [name for name in lowered if column.lower() in name]
    return lowered[near[0]] if near else None


def _override(key: str, column: str) -> str:
    """How a column is named on the command line, where spaces, brackets and dots mean something to the shell or to Hydra."""
    plain = column.isidentifier() and column.isascii()
    quoted = column if plain else '"' + column.replace("\\", "\\\\").replace('"', '\\"') + '"'
    words = f"dataset.{key}={f'[{quoted}]' if key == 'tags' else quoted}"
    return words if plain else shlex.quote(words)


def _problems(rows: Rows, names: Mapping[str, str], kind: AnswerKind | None, tags: Sequence[str]) -> list[Problem]:
    seen: dict[str, str] = {}

    def made(numbered: tuple[int, tuple[str, Row]]) -> Problem:
        number, (where, row) = numbered
        own = {key: row[column] for key, column in names.items() if column in row}
        problem = problem_of(own, where, f"{Path(where.rpartition(', ')[0]).stem}-{number}", kind, _tags(row, tags))
        if problem.id in seen:
            raise DataError(f"{where}: the id '{problem.id}' stands already in {seen[problem.id]}.")
        seen[problem.id] = where
        return problem

    return every(enumerate(rows, 1), made)


def _tags(row: Row, tags: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"{column}:{_text(row[column])}" for column in tags if column in row)


def _text(value: Any) -> str:
    return " ".join(str(value).split())


def _kind(kind: str | None) -> AnswerKind | None:
    if kind is not None and kind not in list(AnswerKind):
        raise DataError(f"dataset.kind={kind} must be one of {', '.join(AnswerKind)}, or null.")
    return None if kind is None else AnswerKind(kind)


def _is_test(problem: Problem, share: float) -> bool:
    """Decided by the question alone: more rows, or another order, move no problem from one split to the other."""
    digest = hashlib.sha256(problem.question.encode()).digest()[: HASH_BITS // 8]
    return int.from_bytes(digest, "big") < int(share * 2**HASH_BITS)
