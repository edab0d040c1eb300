"""Problems from JSON lines, such as

{"id": "gsm8k-train-0", "question": "Natalia sold clips to 48 of ...", "answer": "72", "choices": null, "rationale": "..."}
{"id": "mbpp-11", "question": "Write a python function to ...", "tests": ["assert f(1) == 2"], "entry_point": "f", "setup": ""}
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mmst.answers.numbers import canonical_number
from mmst.errors import DataError
from mmst.types import AnswerKind, Problem

YES_NO = ("yes", "no")


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
    problems: list[Problem] = []
    seen: dict[str, int] = {}
    with file.open(encoding="utf-8") as lines:
        try:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    problem = _problem(line, f"{file}, line {number}", f"{file.stem}-{number}")
                    if problem.id in seen:
                        raise DataError(
                            f"{file}, line {number}: the id '{problem.id}' stands already in line {seen[problem.id]}."
                        )
                    seen[problem.id] = number
                    problems.append(problem)
        except UnicodeDecodeError as error:
            raise DataError(f"{file}: not a UTF-8 text file ({error.reason}).") from error
    if not problems:
        raise DataError(f"{file}: the file holds no problem.")
    return problems


def answer_kind(answer: str, choices: tuple[str, ...]) -> AnswerKind:
    """What kind of answer a gold answer is, by how it looks."""
    if choices and answer.strip().lower() not in YES_NO:
        return AnswerKind.CHOICE
    if canonical_number(answer) is not None:
        return AnswerKind.NUMBER
    return AnswerKind.YES_NO if answer.strip().lower() in YES_NO else AnswerKind.TEXT


def _file(path: Path, split: str) -> Path:
    if path.is_dir():
        path = path / f"{split}.jsonl"
    elif path.is_file() and split != "test":
        raise DataError(
            f"dataset.path: {path} is one file, so there is no split '{split}'; give a folder with train.jsonl and test.jsonl."
        )
    if not path.is_file():
        raise DataError(f"dataset.path: there is no file {path}.")
    return path


def _problem(line: str, where: str, default_id: str) -> Problem:
    try:
        row: Any = json.loads(line)
    except json.JSONDecodeError as error:
        raise DataError(f"{where}: not JSON ({error.msg}).") from error
    if not isinstance(row, dict):
        raise DataError(f"{where}: not a JSON object.")
    tests = row.get("tests") or []
    if not isinstance(tests, list) or not all(isinstance(test, str) for test in tests):
        raise DataError(f"{where}: 'tests' must be a list of texts.")
    for key in ("question",) if tests else ("question", "answer"):
        if key not in row:
            raise DataError(f"{where}: the key '{key}' is missing.")
        if isinstance(row[key], bool) or not isinstance(row[key], str | int | float) or str(row[key]).strip() == "":
            raise DataError(f"{where}: '{key}' must be a text that is not empty.")
        if any("\ud800" <= character <= "\udfff" for character in str(row[key])):
            raise DataError(f"{where}: '{key}' holds half of a surrogate pair, which is no character.")
    choices = row.get("choices") or []
    if not isinstance(choices, list) or not all(isinstance(choice, str) for choice in choices):
        raise DataError(f"{where}: 'choices' must be a list of texts.")
    answer = str(row.get("answer", ""))
    return Problem(
        id=str(default_id if row.get("id") in (None, "") else row["id"]),
        question=str(row["question"]),
        answer=answer,
        kind=AnswerKind.TESTS if tests else answer_kind(answer, tuple(choices)),
        choices=tuple(choices),
        tests=tuple(tests),
        setup=str(row.get("setup") or ""),
        entry_point=str(row.get("entry_point") or ""),
        public_tests=int(bool(tests)),
        rationale=row["rationale"] if isinstance(row.get("rationale"), str) else None,
    )
