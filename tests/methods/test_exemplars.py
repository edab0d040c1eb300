"""Every exemplar is right, by every method, in every variant."""

from pathlib import Path

import pytest
import yaml

from mmst.answers.equality import gold_of
from mmst.answers.reading import stated_answer
from mmst.methods import prompt
from mmst.methods.prompt import KINDS_WITH_EXEMPLARS, exemplar_rows
from mmst.nano.__main__ import bare_methods
from mmst.types import AnswerKind, Problem

FOLDER = Path(prompt.__file__).parent / "prompts"
ELSEWHERE = ("select", "sql")
"""Folders that are tested with the policy, and with the method, that they are for."""
FILES = sorted(path for path in FOLDER.glob("*/*.yaml") if path.parent.name not in ELSEWHERE)
VARIANTS = [path.parent.name for path in FILES if path.name == "number.yaml"]
METHODS = bare_methods(("text", "code", "equation", "truth_table"))
OPTIONAL = {"equation", "truth_table"}
"""Methods that have no solution of some kinds of answers, or by default none."""


def problem_of(row, kind):
    """The exemplar as a problem, its gold answer being what its text states."""
    choices = tuple(row.get("choices") or ())
    answer = "" if kind is AnswerKind.TESTS else stated_answer(row["text"], kind, choices)[0]
    test = (row["test"],) if kind is AnswerKind.TESTS else ()
    return Problem("e", row["question"], answer, kind, choices, tests=test, entry_point=row.get("entry_point", ""))


@pytest.mark.parametrize("kind", KINDS_WITH_EXEMPLARS)
def test_there_are_eight_of_each_kind_and_all_differ(kind):
    rows = exemplar_rows("default", kind)
    assert len(rows) == 8
    assert len({row["question"] for row in rows}) == 8
    assert all(row["text"] and row["code"] for row in rows)


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_solution_is_right(path, sandbox):
    kind = AnswerKind(path.stem)
    rows = yaml.safe_load(path.read_text())
    for name, method in METHODS.items():
        solved = [row for row in rows if row.get(name)]
        assert len(solved) >= (0 if name in OPTIONAL else 8)
        problems = [problem_of(row, kind) for row in solved]
        readings = method.read_all([row[name] for row in solved], problems, sandbox)
        assert [reading.answer for reading in readings] == [gold_of(p) for p in problems]
        assert not any(
            method.leaks(p, row[name], reading.answer) for p, row, reading in zip(problems, solved, readings, strict=True)
        )
        assert not any(method.wrong_steps(row[name]) for row in solved)


@pytest.mark.parametrize("variant", VARIANTS)
def test_variants_ask_the_same_questions_with_the_same_answers(variant):
    rows, default = (exemplar_rows(name, AnswerKind.NUMBER) for name in (variant, "default"))
    assert [row["question"] for row in rows] == [row["question"] for row in default]
    assert [stated_answer(row["text"])[0] for row in rows] == [stated_answer(row["text"])[0] for row in default]
    assert variant == "default" or [row["text"] for row in rows] != [row["text"] for row in default]


def test_letters_and_verdicts_are_spread():
    letters = [
        stated_answer(row["text"], AnswerKind.CHOICE, row["choices"])[0] for row in exemplar_rows("default", AnswerKind.CHOICE)
    ]
    assert set(letters) == set("ABCDE")
    said = [stated_answer(row["text"], AnswerKind.YES_NO)[0] for row in exemplar_rows("default", AnswerKind.YES_NO)]
    assert said.count("yes") == said.count("no") == 4


def test_methods_that_not_every_kind_has_are_shown_where_they_belong():
    for name, folder, kind in (("equation", "default", AnswerKind.NUMBER), ("truth_table", "logic", AnswerKind.CHOICE)):
        assert len([row for row in exemplar_rows(folder, kind) if row.get(name)]) == 8
