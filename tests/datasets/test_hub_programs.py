"""MBPP and HumanEval in the Hub's own columns: every reference program passes its tests, and a wrong one does not."""

import json
from dataclasses import replace

import pytest

from mmst.datasets.catalog import read_split
from mmst.methods.prompt import PromptWriter
from mmst.nano.__main__ import bare_methods
from mmst.samplers.draw import Draw
from mmst.samplers.references import References
from mmst.samplers.sampler import SamplingParams
from mmst.stages.grade import grade
from mmst.stages.sample import sample

MBPP = [
    {
        "text": "Write a function to add two numbers.",
        "code": "def add(a, b):\r\n    return a + b",
        "test_list": ["assert add(1, 2) == 3", "assert add(-1, 1) == 0"],
        "test_setup_code": "",
    },
    {
        "text": "Write a function to count letters.",
        "code": "from collections import Counter\ndef letters(text):\n    return Counter(text)",
        "test_list": "['assert letters(\"aab\") == Counter(a=2, b=1)']",
        "test_setup_code": "from collections import Counter",
    },
    {
        "prompt": "Write a function to halve a number exactly.",
        "code": "from fractions import Fraction\ndef half(n):\n    return Fraction(n, 2)",
        "test_list": ["assert half(Fraction(1, 2)) == Fraction(1, 4)", "assert half(3) == 1.5"],
        "test_imports": ["from fractions import Fraction"],
    },
    {
        "prompt": "Write a function called check that tells even numbers.",
        "code": "def check(n):\n    return n % 2 == 0",
        "test_list": ["assert check(2) == True", "assert check(3) == False"],
        "test_imports": [],
    },
    {
        "text": "Write a function to sort pairs, each an object of a class Pair.",
        "code": "class Pair(object):\n    def __init__(self, a, b):\n        self.a = a\n        self.b = b\n"
        "def widest(pairs):\n    return max(p.b - p.a for p in pairs)",
        "test_list": ["assert widest([Pair(5, 24), Pair(15, 25)]) == 19"],
        "test_setup_code": "",
    },
    {
        "text": "Write a function to sort a list in place and to give what is no number.",
        "code": "def tidy(values):\n    values.sort()\n    return float('nan')",
        "test_list": "import math\nvalues = [2, 1]\nassert math.isnan(tidy(values))\nassert values == [1, 2]",
        "test_setup_code": "",
    },
]
HUMANEVAL = [
    {
        "task_id": "HumanEval/0",
        "prompt": 'from typing import List\n\n\ndef total(xs: List[int]) -> int:\n    """Add them."""\n',
        "canonical_solution": "    return sum(xs)\n",
        "test": "METADATA = {}\n\n\ndef check(candidate):\n    assert candidate([1, 2]) == 3\n    assert candidate([]) == 0\n",
        "entry_point": "total",
    }
]
WRONG = {
    "mbpp": [
        "def add(a, b):\n    return 3",
        "letters = dict",
        "def half(n): raise StopIteration",
        "check = bool",
        "widest = len",
        "tidy = sorted",
    ],
    "humaneval": ["    return 3"],
}


@pytest.fixture
def folder(tmp_path):
    for name, rows in (("mbpp", MBPP), ("humaneval", HUMANEVAL)):
        (tmp_path / name).mkdir()
        lines = [json.dumps({"task_id": n, "challenge_test_list": [], **row}) for n, row in enumerate(rows)]
        (tmp_path / name / "test.jsonl").write_text("\n".join(lines))
    return str(tmp_path)


def verdicts(problems, engine, sandbox):
    method = bare_methods(["code"])["code"]
    samples = sample(problems, method, PromptWriter(), engine, SamplingParams(0.0), Draw(0, 0, "test/code", 1))
    return [(row.verdict.value, row.reason) for row in grade(samples, {p.id: p for p in problems}, method, sandbox)]


@pytest.mark.parametrize(("name", "rows"), [("mbpp", MBPP), ("humaneval", HUMANEVAL)])
def test_reference_programs_pass_and_wrong_ones_do_not(name, rows, folder, sandbox):
    problems = read_split(name, "test", folder)
    assert [p.question for p in problems] == [(row.get("text") or row["prompt"]).strip() for row in rows]
    found = verdicts(problems, References(problems), sandbox)
    assert [verdict for verdict, _ in found] == ["right"] * len(rows), found
    engine = References(problems)
    engine.solutions = {problem.id: code for problem, code in zip(problems, WRONG[name], strict=True)}
    found = verdicts(problems, engine, sandbox)
    assert not {"right", "unjudged"} & {verdict for verdict, _ in found}, found


def test_the_function_is_found_in_the_tests(folder):
    found = [problem.entry_point for problem in read_split("mbpp", "test", folder)]
    assert found == ["add", "letters", "half", "check", "", "tidy"]


def test_a_body_completes_its_prompt(folder, sandbox):
    problems = read_split("humaneval", "test", folder)
    engine = References(problems)
    engine.solutions = {problem.id: row["canonical_solution"] for problem, row in zip(problems, HUMANEVAL, strict=True)}
    assert verdicts(problems, engine, sandbox) == [("right", "tests")]


def test_tests_that_would_take_anything_pass_no_program_that_raises(folder, sandbox):
    (problem,) = read_split("mbpp", "test", folder)[:1]
    tests = ("assert all(map(lambda case: add(*case[0]) == case[1], [((1, 2), 3)]))",)
    engine = References([replace(problem, rationale="def add(a, b):\n    raise StopIteration")])
    assert verdicts([replace(problem, tests=tests)], engine, sandbox)[0][0] in ("wrong", "no_answer")
