"""Every case of `tests/cases/answers.json`, read and judged as the pipeline does."""

import json

import pytest

from mmst.stages.grade_file import Row, graded
from mmst.types import AnswerKind
from tests.conftest import ROOT

CASES = json.loads((ROOT / "tests" / "cases" / "answers.json").read_text())


@pytest.fixture(scope="module")
def found():
    rows = [
        Row(case["completion"], case["gold"], AnswerKind(case["kind"]), case.get("choices", []), case["method"])
        for case in CASES
    ]
    return list(graded(rows))


def test_there_are_enough_of_them():
    assert len(CASES) >= 300
    assert {case["kind"] for case in CASES} == {"number", "choice", "yes_no", "text"}


@pytest.mark.parametrize("number", range(len(CASES)), ids=lambda n: f"{n}: {CASES[n]['why']}")
def test_a_case(found, number):
    case = CASES[number]
    assert (found[number]["answer"], found[number]["verdict"]) == (case["answer"], case["verdict"]), case["completion"]
