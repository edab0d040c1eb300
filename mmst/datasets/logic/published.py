"""Published problems of logic: FOLIO (Han et al., arXiv 2209.00840) and ProofWriter (Tafjord et al., arXiv 2012.13048).

{"premises": ["All cats ...", ...], "conclusion": "Tom purrs.", "label": "Uncertain", "example_id": 3}           # FOLIO
{"id": "AttNeg-1", "theory": "The bear is red. ...", "questions": {"Q1": {"question": "...", "answer": "Unknown", "QDep": 2}}}
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from mmst.datasets.text_files import json_of, text_of
from mmst.errors import DataError
from mmst.types import AnswerKind, Problem

Row = Mapping[str, Any]
LABELS = {"true": "A", "false": "B", "unknown": "C", "uncertain": "C"}
"""What is written -> the letter of its choice."""


def read_form(form: str, file: Path, split: str) -> list[Problem]:
    """All problems of one file.

    Args:
        form: one of `FORMS`.
        file: JSON lines as they were published.
        split: a part of the problems' ids.

    Raises:
        DataError: the file is not there, or a line is of another form; names the line.
    """
    if not file.is_file():
        raise DataError(f"dataset: there is no file {file}.")
    problems: list[Problem] = []
    for number, line in enumerate(text_of(file).split("\n"), 1):
        if line.strip():
            where = f"{file}, line {number}"
            row = json_of(line, where, "; the file must be JSON lines: one object a line")
            if not isinstance(row, dict):
                raise DataError(f"{where}: not a JSON object.")
            problems += FORMS[form](row, f"{form}-{split}-{number}", where)
    if not problems:
        raise DataError(f"{file}: the file holds no problem.")
    return problems


def _folio(row: Row, id: str, where: str) -> Iterator[Problem]:
    """One conclusion; premises are a list, or one text with a premise on each line."""
    premises = _at(row, "premises", where)
    if isinstance(premises, list):
        premises = "\n".join(_text(premise, f"premise {n}", where) for n, premise in enumerate(premises, 1))
    told = _text(premises, "premises", where)
    yield _problem(id, told, _text_at(row, "conclusion", where), _at(row, "label", where), "Uncertain", where)


def _proofwriter(row: Row, id: str, where: str) -> Iterator[Problem]:
    """The questions of one theory: under their names, or a single one as copies of the data set have it."""
    theory, questions = _text_at(row, "theory", where), row.get("questions")
    if questions is None and "question" in row:
        questions = {"Q1": row}
    if not isinstance(questions, dict) or not questions:
        raise DataError(f"{where}: 'questions' must be an object with a question under each name, such as Q1.")
    for key, one in questions.items():
        if not isinstance(one, dict):
            raise DataError(f"{where}: '{key}' of 'questions' is not an object with a question and its answer.")
        depth = one.get("QDep")
        if depth is not None and (isinstance(depth, bool) or not isinstance(depth, int)):
            raise DataError(f"{where}: 'QDep' of the question {key} is '{str(depth)[:80]}'; it must be a whole number.")
        question, tags = _text_at(one, "question", where), () if depth is None else (f"depth:{depth}",)
        yield _problem(f"{id}-{key}", theory, question, _at(one, "answer", where), "Unknown", where, tags)


FORMS: Mapping[str, Callable[[Row, str, str], Iterator[Problem]]] = {"folio": _folio, "proofwriter": _proofwriter}
"""By the data sets' names."""


def _problem(id: str, told: str, statement: str, label: Any, open_word: str, where: str, tags: tuple[str, ...] = ()) -> Problem:
    """open_word: what the data set calls an answer that premises leave open."""
    letter = LABELS.get(str(label).strip().lower())
    if letter is None:
        raise DataError(f"{where}: the label '{str(label)[:80]}' must be True, False or {open_word}.")
    question = " ".join(f"{told} Statement: {statement}".split())
    choices = ("True", "False", open_word)
    return Problem(id, question, letter, AnswerKind.CHOICE, choices, tags=(*tags, f"answer:{choices[ord(letter) - 65]}"))


def _at(row: Row, key: str, where: str) -> Any:
    value = row.get(key)
    if value in (None, [], {}) or (isinstance(value, str) and not value.strip()):
        raise DataError(f"{where}: the key '{key}' is missing or empty.")
    return value


def _text_at(row: Row, key: str, where: str) -> str:
    return _text(_at(row, key, where), key, where)


def _text(value: Any, name: str, where: str) -> str:
    if not isinstance(value, str):
        raise DataError(f"{where}: '{name}' is {json.dumps(value)[:80]}, which is no text.")
    if not value.strip():
        raise DataError(f"{where}: '{name}' is empty.")
    return value
