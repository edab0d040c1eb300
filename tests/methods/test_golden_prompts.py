"""Prompts as models see them, one file each. To accept a change: delete the file, run twice, and read the difference."""

from itertools import permutations
from pathlib import Path

import pytest
from hydra.utils import instantiate

from mmst.methods.prompt import PromptWriter
from mmst.types import AnswerKind, Problem
from tests.composing import composed
from tests.conftest import ROOT

FOLDER = ROOT / "tests" / "cases" / "prompts"
TESTS = ("assert add(1, 2) == 3", "assert add(0, 0) == 0")
PROBLEMS = {
    "number": Problem("n", "A crate holds 9 melons. How many melons do 4 crates hold?", "36"),
    "choice": Problem("c", "Where do fish live?", "B", AnswerKind.CHOICE, ("on trees", "in water", "in drawers")),
    "yes_no": Problem("y", "Can a fish swim?", "yes", AnswerKind.YES_NO),
    "tests": Problem(
        "t", "Write a function to add two numbers.", "", AnswerKind.TESTS, tests=TESTS, entry_point="add", public_tests=1
    ),
}
NO_EQUATIONS = [("equation", "yes_no"), ("equation", "tests")]
SOLUTIONS = {"text": "It is 9 * 4 = 36. The answer is 36.", "code": "answer = 9 * 4", "equation": "answer = 9 * 4"}


@pytest.fixture(scope="module")
def formats():
    config = composed("train", "solvers=[text,code,equation,plan]", "model.shots=2")
    return {name: instantiate(config.solvers[name].format, _convert_="all") for name in config.solvers}


def check(name, text):
    path = FOLDER / f"{name}.txt"
    if not path.exists():
        path.write_text(text)
        pytest.fail(f"{path} was not there and has been written; read it, and run again")
    assert text == path.read_text()


SOLVED = [(m, kind) for m in ("text", "code", "plan", "equation") for kind in PROBLEMS]


@pytest.mark.parametrize(("method", "kind"), [pair for pair in SOLVED if pair not in NO_EQUATIONS])
def test_a_solution_prompt(formats, kind, method):
    check(f"solve-{kind}-{method}", PromptWriter().solve(PROBLEMS[kind], formats[method]))


@pytest.mark.parametrize(("source", "target"), permutations(SOLUTIONS, 2))
def test_a_translation_prompt(formats, source, target):
    text = PromptWriter().translate(PROBLEMS["number"], SOLUTIONS[source], formats[source], formats[target])
    check(f"translate-{source}-{target}", text)


def test_no_hidden_test_is_in_any_prompt():
    prompts = list(Path(FOLDER).glob("*-tests-*.txt"))
    assert prompts
    assert not any("add(0, 0)" in path.read_text() for path in prompts)
