"""Problems from JSON lines, such as

{"id": "gsm8k-train-0", "question": "Natalia sold clips to 48 of ...", "answer": "72", "choices": null, "rationale": "..."}
{"id": "mbpp-11", "question": "Write a python function to ...", "tests": ["assert f(1) == 2"], "entry_point": "f", "setup": ""}

An answer is read as data sets spell it (`60%`, `12 apples`, `#### 72` after its rationale, true, a choice's letter or text);
one that cannot be read is refused here, with its line: no sample could be judged against it. Null, or no such key, says that
none is known.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from mmst.answers.choices import canonical_choice
from mmst.answers.equality import canonical_answer, is_number
from mmst.answers.numbers import canonical_number
from mmst.answers.reading import unit_of
from mmst.errors import DataError
from mmst.types import AnswerKind, Problem

YES_NO = ("yes", "no", "true", "false")
FINAL_MARK = "####"
"""GSM8K's mark between rationale and answer."""
MOST_NAMED = 5
"""Files of a folder that an error names."""
UNITS = re.compile(r"[^A-Z:]*")
"""What follows a number that is an answer, and not the name of something: `12 apples`, not `3 Doors Down` or `10:30`."""
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
    problems: list[Problem] = []
    seen: dict[str, int] = {}
    with file.open(encoding="utf-8-sig") as lines:
        try:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    where = f"{file}, line {number}"
                    problem = problem_of(_row(line, where), where, f"{file.stem}-{number}")
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
    question = _text_at(row, "question", where)
    choices, labels = _choices(row.get("choices"), where)
    unknown = _has_no_answer(row)
    written, rationale = ("", None) if unknown else gold_and_rationale(_text_at(row, "answer", where))
    if not unknown or tests or kind is AnswerKind.TESTS:
        kind = _kind(kind, AnswerKind.TESTS if tests else answer_kind(written, choices), written, where)
    kind = kind or (AnswerKind.CHOICE if choices else AnswerKind.NUMBER)
    if kind is AnswerKind.CHOICE and not choices:
        raise DataError(f"{where}: a choice is asked for (dataset.kind), and there are no 'choices'.")
    return Problem(
        id=str(default_id if row.get("id") in (None, "") else row["id"]),
        question=question,
        answer="" if unknown else _gold(written, kind, choices, labels, where),
        kind=kind,
        choices=choices,
        tests=tuple(tests),
        setup=str(row.get("setup") or ""),
        entry_point=str(row.get("entry_point") or ""),
        public_tests=int(bool(tests)),
        rationale=row["rationale"] if isinstance(row.get("rationale"), str) else rationale,
        tags=tags,
    )


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


def answer_kind(answer: str, choices: tuple[str, ...]) -> AnswerKind:
    """What kind of answer a gold answer is, by how it looks."""
    if choices:
        return AnswerKind.CHOICE
    if canonical_number(answer) is not None or (is_number(answer) and UNITS.fullmatch(answer)):
        return AnswerKind.NUMBER
    return AnswerKind.YES_NO if answer.strip().lower() in YES_NO else AnswerKind.TEXT


def gold_and_rationale(answer: str) -> tuple[str, str | None]:
    """The gold answer and the rationale before it, where GSM8K's mark stands between them."""
    rationale, mark, final = answer.rpartition(FINAL_MARK)
    return (final if mark else answer).strip(), rationale.strip() or None


def in_one_spelling(answer: str, kind: AnswerKind) -> str:
    """A gold answer as `Problem.answer` holds it: what is no plain numeral, yes or no is written as one."""
    if kind is AnswerKind.YES_NO or (kind is AnswerKind.NUMBER and canonical_number(answer) is None):
        unit = unit_of(answer) if kind is AnswerKind.NUMBER else ""
        return answer if unit else canonical_answer(answer, kind) or answer
    return answer


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
    try:
        row: Any = json.loads(line)
    except json.JSONDecodeError as error:
        raise DataError(f"{where}: not JSON ({error.msg}); the file must be JSON lines: one object a line.") from error
    if not isinstance(row, dict):
        raise DataError(
            f"{where}: not a JSON object; the file must be JSON lines: one object a line, and no array around them."
        )
    return row


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
    if isinstance(value, bool) or not isinstance(value, str | int | float) or str(value).strip() == "":
        raise DataError(f"{where}: '{key}' must be a text that is not empty.")
    if isinstance(value, float) and not math.isfinite(value):
        raise DataError(f"{where}: '{key}' is {value}, which is no number.")
    if any("\ud800" <= character <= "\udfff" for character in str(value)):
        raise DataError(f"{where}: '{key}' holds half of a surrogate pair, which is no character.")
    return str(value)


def _choices(given: Any, where: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The choices' texts, and their labels where the data set gives some, as ARC and CommonsenseQA do."""
    labels: Any = []
    if isinstance(given, dict):
        given, labels = given.get("text"), given.get("label") or []
    elif isinstance(given, list) and given and all(isinstance(choice, dict) for choice in given):
        given, labels = [choice.get("text") for choice in given], [choice.get("label") for choice in given]
    texts = given or []
    plain = isinstance(texts, list) and all(
        isinstance(text, str | int | float) and not isinstance(text, bool) for text in texts
    )
    if not plain or not isinstance(labels, list) or (any(labels) and len(labels) != len(texts)):
        raise DataError(
            f"{where}: 'choices' must be a list of texts or numbers, or their labels and texts: {{label: [...], text: [...]}}."
        )
    return tuple(map(str, texts)), tuple(map(str, labels)) if any(labels) else ()


def _gold(written: str, kind: AnswerKind, choices: tuple[str, ...], labels: tuple[str, ...], where: str) -> str:
    """A gold answer that samples can be judged against.

    Raises:
        DataError: it cannot be read; names the line.
    """
    if kind is AnswerKind.TESTS:
        return written
    if kind is not AnswerKind.CHOICE:
        if not written:
            raise DataError(f"{where}: 'answer' holds no answer.")
        return in_one_spelling(written, kind)
    if written in labels:
        return chr(65 + labels.index(written))
    by_text = [n for n, choice in enumerate(choices) if choice.strip().lower() == written.strip().lower()]
    letter = chr(65 + by_text[0]) if len(by_text) == 1 else _named(written, choices)
    if letter is None:
        last = chr(64 + len(choices))
        raise DataError(
            f"{where}: the answer '{written[:80]}' is none of the {len(choices)} choices; "
            f"give the letter (A to {last}) or the text of one."
        )
    return letter


def _named(written: str, choices: tuple[str, ...]) -> str | None:
    """The choice that is meant by a letter alone, or by its text in another spelling; an index could be meant two ways."""
    if written.strip(" ().").isalpha() or canonical_number(written) is None:
        with_letter = re.match(r"\s*\(?[A-Za-z][).:]\s*\S", written)
        return None if with_letter else canonical_choice(written, choices)
    return canonical_choice(written, choices) if any(canonical_number(choice) is not None for choice in choices) else None
