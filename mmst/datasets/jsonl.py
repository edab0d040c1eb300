"""Problems from JSON lines, such as

{"id": "gsm8k-train-0", "question": "Natalia sold clips to 48 of ...", "answer": "72", "choices": null, "rationale": "..."}
{"id": "mbpp-11", "question": "Write a python function to ...", "tests": ["assert f(1) == 2"], "entry_point": "f", "setup": ""}

An answer is read as data sets spell it (`60%`, `12 apples`, `#### 72` after its rationale, true, a choice's letter or text);
one that cannot be read is refused here, with its line: no sample could be judged against it. Null, or no such key, says that
none is known.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mmst.datasets.golds import answer_kind, choices_and_labels, every, gold_and_rationale, is_finite, readable, refuse_unknown
from mmst.datasets.text_files import is_whole, json_of, text_of
from mmst.errors import DataError, first_line
from mmst.types import AnswerKind, Problem

MOST_NAMED = 5
"""Files of a folder that an error names."""
OTHER_NAMES = {
    "question": ("problem", "prompt", "input", "query", "instruction"),
    "answer": ("solution", "target", "output", "label", "gold"),
}


def read_problems(path: str, split: str) -> list[Problem]:
    """Read a file, or `SPLIT.jsonl` of a folder. A file is its own `test` split and has no other.

    Raises:
        DataError: nothing is there, it is empty, or a line is not a problem; names the file and the line.
    """
    return read_file(_file(Path(path).expanduser(), split))


def read_file(file: Path) -> list[Problem]:
    """Read one file.

    Raises:
        DataError: as `read_problems`.
    """
    if not file.is_file():
        raise DataError(f"dataset: there is no file {file}.")
    lines = text_of(file).split("\n")
    rows = [(number, _row(line, f"{file}, line {number}")) for number, line in enumerate(lines, 1) if line.strip()]
    seen: dict[str, int] = {}

    def made(numbered: tuple[int, dict[str, Any]]) -> Problem:
        number, row = numbered
        problem = problem_of(row, f"{file}, line {number}", f"{file.stem}-{number}")
        if problem.id in seen:
            raise DataError(f"{file}, line {number}: the id '{problem.id}' stands already in line {seen[problem.id]}.")
        seen[problem.id] = number
        return problem

    problems: list[Problem] = every(rows, made)
    if not problems:
        raise DataError(f"{file}: the file holds no problem.")
    refuse_unknown(problems, [f"{file}, line {number}" for number, _ in rows])
    return of_one_kind(problems, str(file))


def problem_of(
    row: dict[str, Any], where: str, default_id: str, kind: AnswerKind | None = None, tags: tuple[str, ...] = ()
) -> Problem:
    """The problem of one row under mmst's own keys; its kind, where none is given, is read off the answer.

    A row without an answer is of the kind that is given; without one, a choice where it has choices, else a number.

    Raises:
        DataError: the row is not a problem, or not one of the kind; begins with `where`.
    """
    tests = row.get("tests") or []
    if not isinstance(tests, list) or not all(isinstance(test, str) for test in tests):
        raise DataError(f"{where}: 'tests' must be a list of texts.")
    _check_python(row, tests, where)
    question = _text_at(row, "question", where)
    choices, labels = choices_and_labels(row.get("choices"), where)
    unknown = _has_no_answer(row)
    written, rationale = ("", None) if unknown else gold_and_rationale(_answer_at(row, choices, where))
    if not unknown or tests or kind is AnswerKind.TESTS:
        kind = _kind(kind, AnswerKind.TESTS if tests else answer_kind(written, choices), written, where)
    kind = kind or (AnswerKind.CHOICE if choices else AnswerKind.NUMBER)
    if kind is AnswerKind.CHOICE and not choices:
        raise DataError(f"{where}: a choice is asked for (dataset.kind), and there are no 'choices'.")
    return Problem(
        id=str(default_id if row.get("id") in (None, "") else row["id"]),
        question=question,
        answer="" if unknown else readable(written, kind, choices, labels, where),
        kind=kind,
        choices=choices,
        tests=tuple(tests),
        setup=str(row.get("setup") or ""),
        entry_point=str(row.get("entry_point") or ""),
        public_tests=int(bool(tests)),
        rationale=row["rationale"] if isinstance(row.get("rationale"), str) else rationale,
        tags=tags,
    )


def _check_python(row: dict[str, Any], tests: Sequence[str], where: str) -> None:
    """Refuse tests that no program could pass, since they are not Python."""
    for key, code in (("setup", str(row.get("setup") or "")), *(("tests", test) for test in tests)):
        try:
            ast.parse(code)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise DataError(f"{where}: '{key}' is not Python ({first_line(error)}): {' '.join(code.split())[:80]}") from error


def of_one_kind(problems: list[Problem], where: str) -> list[Problem]:
    """The problems, those without an answer of the kind that the others' answers have; numbers where none has one.

    Raises:
        DataError: the others are of several kinds.
    """
    unknown = [problem for problem in problems if not problem.has_gold and not problem.choices]
    kinds = sorted({problem.kind for problem in problems if problem.has_gold and not problem.choices})
    if not unknown or not kinds:
        return problems
    if len(kinds) > 1:
        raise DataError(
            f"{where}: the problem '{unknown[0].id}' has no answer, and the answers of others are of several kinds "
            f"({', '.join(kinds)}); say which it is (dataset=file dataset.kind=text), or leave it out."
        )
    return [replace(p, kind=kinds[0]) if not p.has_gold and not p.choices else p for p in problems]


def _file(path: Path, split: str) -> Path:
    if path.is_dir():
        path = _of_folder(path, split)
    elif path.is_file() and split != "test":
        raise DataError(
            f"dataset.path: {path} is one file, so there is no split '{split}'; give a folder with train.jsonl and test.jsonl."
        )
    if not path.is_file():
        raise DataError(f"dataset.path: there is no file {path}.")
    return path


def _of_folder(folder: Path, split: str) -> Path:
    path = folder / f"{split}.jsonl"
    if not path.is_file():
        there = sorted(found.relative_to(folder).as_posix() for found in folder.glob("**/*.json*"))[:MOST_NAMED]
        said = f"it has {', '.join(there)}" if there else "it holds no such file at all"
        raise DataError(
            f"dataset.path: there is no file {path}; {said}. A folder must hold {split}.jsonl itself, in JSON lines."
        )
    return path


def _has_no_answer(row: dict[str, Any]) -> bool:
    """Whether a row says that nothing is known: by null, or by no key that could hold an answer."""
    if "answer" in row:
        return row["answer"] is None
    return bool(row.get("tests")) or not any(name in row for name in OTHER_NAMES["answer"])


def _kind(asked: AnswerKind | None, seen: AnswerKind, written: str, where: str) -> AnswerKind:
    """The kind that is asked for, where the row can be one of it; free text can be anything that has no choices or tests."""
    if asked is None or asked is seen or (asked is AnswerKind.TEXT and seen in (AnswerKind.NUMBER, AnswerKind.YES_NO)):
        return asked or seen
    raise DataError(f"{where}: the answer '{written[:80]}' is of the kind {seen}, but {asked} is asked for (dataset.kind).")


def _row(line: str, where: str) -> dict[str, Any]:
    row: Any = json_of(line, where, "; the file must be JSON lines: one object a line")
    if not isinstance(row, dict):
        raise DataError(
            f"{where}: not a JSON object; the file must be JSON lines: one object a line, and no array around them."
        )
    return row


def _answer_at(row: dict[str, Any], choices: tuple[str, ...], where: str) -> str:
    """An answer as text; true and false are choices where those are called so."""
    value = row.get("answer")
    if isinstance(value, bool) and str(value).lower() in {choice.lower() for choice in choices}:
        return str(value)
    return _text_at(row, "answer", where)


def _text_at(row: dict[str, Any], key: str, where: str) -> str:
    """A question or an answer, as text."""
    if key not in row:
        there = [name for name in OTHER_NAMES[key] if name in row]
        wrapped = [name for name, value in row.items() if isinstance(value, list) and value and isinstance(value[0], dict)]
        said = f"; it has '{there[0]}', which must be called '{key}'" if there else ""
        said = (
            f"; '{wrapped[0]}' holds a list: the file must be JSON lines, one problem a line" if wrapped and not there else said
        )
        raise DataError(f"{where}: the key '{key}' is missing{said}.")
    value = row[key]
    if isinstance(value, bool) and key == "answer":
        return "yes" if value else "no"
    if isinstance(value, list | dict):
        raise DataError(
            f"{where}: '{key}' is a {'list' if isinstance(value, list) else 'group of keys'}; it must be a text or a number."
        )
    if isinstance(value, bool) or value is None or str(value).strip() == "":
        raise DataError(f"{where}: '{key}' must be a text that is not empty.")
    if not isinstance(value, str | int | float):
        raise DataError(f"{where}: '{key}' is of the type {type(value).__name__}; it must be a text or a number.")
    if not is_finite(value):
        raise DataError(f"{where}: '{key}' is {value}, which is no number.")
    if not is_whole(value):
        raise DataError(f"{where}: '{key}' holds half of a surrogate pair, which is no character.")
    return str(value)
