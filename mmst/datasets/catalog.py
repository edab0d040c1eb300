"""Data sets by name: from a local folder, or from the Hugging Face Hub, with the kind of answer that each has."""

from __future__ import annotations

import ast
import builtins
import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from mmst.datasets import hub, jsonl
from mmst.datasets.logic.published import read_form
from mmst.errors import DataError
from mmst.types import AnswerKind, Problem

LISTED = re.compile(r"(?:^|,)\s*[a-e]\s*\)\s*")
"""Between the choices of MathQA's one text: `a ) 38 , b ) 27.675`."""
LETTERED = re.compile(r"^\(?[A-E]\)\s*")
"""Before each of AQuA's choices: `A)21`."""


@cache
def catalog() -> Mapping[str, Mapping[str, Any]]:
    """What is known of each data set; see `catalog.yaml`."""
    text = (resources.files("mmst.datasets") / "catalog.yaml").read_text(encoding="utf-8")
    known: dict[str, Mapping[str, Any]] = yaml.safe_load(text)
    return known


def read_split(name: str, split: str, root: str | None = None, file: str | None = None, public_tests: int = 1) -> list[Problem]:
    """One split of a data set of the catalog.

    `root`: the folder that holds `NAME/FILE.jsonl`; None for the Hub. `file`: another file of that folder than the catalog
    names for the split. `public_tests`: how many tests of a programming problem a solver is told.

    Raises:
        DataError: the data set, its split or a file is not there.
    """
    about = catalog().get(name)
    if about is None:
        raise DataError(f"dataset: '{name}' is not in the catalog; `python -m mmst.datasets` lists it.")
    kind = AnswerKind(about["kind"])
    if root is not None:
        problems = _from_folder(Path(root).expanduser(), name, about, split, file)
    else:
        problems = _from_hub(name, about, split)
    shown = public_tests if kind is AnswerKind.TESTS else 0
    return [replace(_of_kind(problem, kind), public_tests=shown) for problem in problems]


def _of_kind(problem: Problem, kind: AnswerKind) -> Problem:
    """A problem of the catalog's kind: where it is yes or no, the answer is the word, though the file lists both as choices."""
    if kind is AnswerKind.YES_NO and problem.kind is AnswerKind.CHOICE and problem.answer:
        return replace(problem, kind=kind, answer=problem.choices[ord(problem.answer) - ord("A")])
    return replace(problem, kind=kind)


def _from_folder(root: Path, name: str, about: Mapping[str, Any], split: str, file: str | None) -> list[Problem]:
    if not root.is_dir():
        raise DataError(f"dataset.root: there is no folder {root}; leave it null to read from the Hugging Face Hub.")
    chosen = file or about["files"].get(split)
    if chosen is None:
        raise DataError(f"dataset: {name} has no split '{split}'; it has {', '.join(about['files'])}.")
    path = root / about.get("folder", name) / f"{chosen}.jsonl"
    if "form" in about:
        return read_form(about["form"], path, split)
    place = about.get("hub")
    if place is not None and (rows := _rows_of_hub(path, place)):
        return [problem_of(place, row, f"{name}-{split}-{number}") for number, row in enumerate(rows)]
    return jsonl.read_file(path)


def _rows_of_hub(path: Path, place: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows of a file in the Hub's own columns, as one that was saved from there; none where it is in ours."""
    if "tests" not in place or not path.is_file():
        return []
    try:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        return rows if all(place["tests"] in row and "question" not in row for row in rows) else []
    except (ValueError, TypeError):
        return []


def _from_hub(name: str, about: Mapping[str, Any], split: str) -> list[Problem]:
    place = about.get("hub")
    if place is None or split not in place["splits"]:
        have = ", ".join(place["splits"]) if place else "none"
        raise DataError(f"dataset: {name} has no split '{split}' on the Hub (there: {have}); give dataset.root=FOLDER.")
    try:
        rows = hub.load_rows(place["id"], place.get("config"), place["splits"][split])
    except DataError as error:
        raise DataError(
            f"{str(error).rstrip('.')}; without the Hub, give dataset.root=FOLDER with {about.get('folder', name)}/ in it."
        ) from error
    try:
        return [problem_of(place, row, f"{name}-{split}-{number}") for number, row in enumerate(rows)]
    except KeyError as error:
        raise DataError(f"dataset: {place['id']} has no column {error}; it is not as it was when mmst was written.") from error


def problem_of(place: Mapping[str, Any], row: Mapping[str, Any], id: str) -> Problem:
    """A row of the Hub as a problem, by what the catalog says of its columns."""
    question = " ".join(_filled(place["question"], row).split(" ")).strip()
    if "tests" in place:
        tests = _tests(row[place["tests"]])
        setup = "\n".join(filter(None, (_lines(row.get(column)) for column in place.get("setup", ()))))
        named = str(row.get(place.get("entry_point", ""), "") or "")
        return Problem(
            id,
            question,
            "",
            AnswerKind.TESTS,
            tests=tests,
            setup=setup,
            entry_point=named or function_under_test((setup, *tests)) or function_under_test(tests),
            rationale=_reference(place, row),
        )
    choices = _choices(place, row)
    answer = _answer(place, row[place["answer"]])
    return Problem(id, question, answer.upper() if choices else answer, choices=choices)


def _filled(templates: str | Sequence[str], row: Mapping[str, Any]) -> str:
    """The first of some texts whose columns are there: MBPP's question is `text`, and `prompt` where it was sanitized."""
    *others, last = [templates] if isinstance(templates, str) else templates
    for template in others:
        try:
            return template.format(**row)
        except KeyError:
            continue
    return last.format(**row)


def _tests(given: str | Sequence[str]) -> tuple[str, ...]:
    """Tests as a list, as the text of one (what tables make of it), or as one text."""
    if isinstance(given, str) and given.lstrip().startswith("["):
        with suppress(SyntaxError, ValueError):
            given = ast.literal_eval(given.strip())
    return (given,) if isinstance(given, str) else tuple(map(str, given))


def _lines(given: Any) -> str:
    return "\n".join(map(str, given)) if isinstance(given, list) else str(given or "")


def _reference(place: Mapping[str, Any], row: Mapping[str, Any]) -> str | None:
    try:
        return str(place["rationale"]).format(**row)
    except KeyError:
        return None


def function_under_test(tests: str | Sequence[str]) -> str:
    """The function that tests call and do not define; empty where that is not one."""
    try:
        tree = ast.parse(tests if isinstance(tests, str) else "\n".join(tests))
    except (SyntaxError, ValueError):
        return ""
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    defined = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    imported = {
        alias.asname or alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    asked = called - defined - imported
    free = asked - set(dir(builtins)) or asked
    return free.pop() if len(free) == 1 else ""


def _choices(place: Mapping[str, Any], row: Mapping[str, Any]) -> tuple[str, ...]:
    if "listed" in place:
        return tuple(part.strip() for part in LISTED.split(str(row[place["listed"]])) if part.strip())
    if "choices" not in place:
        return ()
    value: Any = row
    for key in place["choices"].split("."):
        value = value[key]
    return tuple(LETTERED.sub("", str(choice)).strip() for choice in value)


def _answer(place: Mapping[str, Any], value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = str(value)
    if "after" in place:
        text = text.rpartition(place["after"])[2]
    if "before" in place:
        text = text.partition(place["before"])[0]
    return text.strip()
