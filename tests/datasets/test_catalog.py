import json
import subprocess
import sys

import pytest

from mmst.answers.equality import gold_of
from mmst.datasets import catalog as module
from mmst.datasets.catalog import catalog, function_under_test, problem_of, read_split
from mmst.errors import DataError
from mmst.types import AnswerKind

HUB_ROWS = {
    "gsm8k": ({"question": "Eggs?", "answer": "6 * 2 = <<6*2=12>>12\n#### 1,200"}, "1200"),
    "svamp": ({"Body": "There are 3 jars.", "Question": "How many?", "Answer": 3.0}, "3"),
    "mawps": ({"question": "How many?", "result": "0.5"}, "0.5"),
    "mathqa": ({"Problem": "rate ?", "options": "a ) 38 , b ) 1,200 , c ) none of these", "correct": "b"}, "B"),
    "strategyqa": ({"question": "Could it?", "answer": True}, "yes"),
    "commonsenseqa": (
        {"question": "Where?", "choices": {"label": ["A", "B"], "text": ["bank", "river"]}, "answerKey": "B"},
        "B",
    ),
    "mbpp": ({"text": "Write add.", "test_list": ["assert add(1) == 1"], "test_setup_code": "import math"}, "passed"),
    "humaneval": ({"prompt": "def add(a):", "test": "def check(f): pass", "entry_point": "add"}, "passed"),
    "aqua": ({"question": "How far?", "options": ["A)21", "B)(22)"], "correct": "A"}, "A"),
    "asdiv": ({"body": "Seven apples.", "question": "How many?", "answer": "7 (apples)"}, "7"),
    "multiarith": ({"question": "How many?", "final_ans": "9"}, "9"),
}


def test_every_hub_data_set_has_a_row_here():
    assert set(HUB_ROWS) == {name for name, about in catalog().items() if "hub" in about}


@pytest.mark.parametrize("name", HUB_ROWS)
def test_rows_of_the_hub_become_problems(name, monkeypatch):
    row, gold = HUB_ROWS[name]
    monkeypatch.setattr(module.hub, "load_rows", lambda id, config, split: [row])
    problem = read_split(name, "test")[0]
    assert problem.kind == catalog()[name]["kind"]
    assert gold_of(problem) == gold
    assert problem.question.strip()


def test_choices_lose_their_letters():
    place = catalog()["mathqa"]["hub"]
    assert problem_of(place, HUB_ROWS["mathqa"][0], "x").choices == ("38", "1,200", "none of these")
    assert problem_of(catalog()["aqua"]["hub"], HUB_ROWS["aqua"][0], "x").choices == ("21", "(22)")


def test_a_column_that_is_gone_is_named(monkeypatch):
    monkeypatch.setattr(module.hub, "load_rows", lambda id, config, split: [{"q": "?"}])
    with pytest.raises(DataError, match="no column 'question'"):
        read_split("gsm8k", "test")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nothing", "test"), "not in the catalog"),
        (("gsm8k", "test", "/no/such/folder"), "there is no folder"),
        (("gsm8k", "validation", "."), "no split 'validation'; it has train, test"),
        (("mathqa_numeric", "test"), "give dataset.root"),
        (("gsm8k", "test", "."), "there is no file gsm8k/test.jsonl"),
    ],
)
def test_what_is_not_there_is_named(arguments, message):
    with pytest.raises(DataError, match=message):
        read_split(*arguments)


NOT_HERE = ("humaneval", "aqua", "asdiv", "multiarith", "folio", "proofwriter")
"""Data sets of which no files are kept for tests."""


@pytest.mark.parametrize("name", [name for name in catalog() if name not in NOT_HERE])
def test_every_gold_answer_of_the_real_files_is_readable(name, real_data):
    for split, file in catalog()[name]["files"].items():
        problems = read_split(name, split, str(real_data))
        assert problems, file
        assert {problem.kind for problem in problems} == {AnswerKind(catalog()[name]["kind"])}
        assert all(gold_of(problem) is not None for problem in problems)


def test_hidden_tests_are_never_shown(real_data):
    for problem in read_split("mbpp", "test", str(real_data), public_tests=1):
        assert problem.tests[0] in problem.statement
        assert not any(test in problem.statement for test in problem.tests[1:] if test != problem.tests[0])
    assert read_split("mbpp", "test", str(real_data), public_tests=0)[0].tests[0] not in problem.statement


def test_the_listing_counts_what_is_in_a_folder(tmp_path):
    (tmp_path / "svamp").mkdir()
    row = {"id": "a", "question": "3 jars?", "answer": "3"}
    (tmp_path / "svamp" / "test.jsonl").write_text(json.dumps(row) + "\n")
    listed = subprocess.run(
        [sys.executable, "-m", "mmst.datasets", "--root", str(tmp_path)], capture_output=True, text=True, check=True
    ).stdout
    line = next(line for line in listed.splitlines() if "svamp" in line)
    assert "train -, test 1" in line
    assert "MIT" in line


@pytest.mark.parametrize(
    ("tests", "name"),
    [
        (["assert add(1, 2) == 3"], "add"),
        (["assert set(similar((1, 2))) == {1}"], "similar"),
        (["import math\nassert math.isclose(area(1), 3)"], "area"),
        (["from math import isclose\nassert isclose(area(1), 3)"], "area"),
        (["assert sum(1, 2) == 3"], "sum"),
        (["assert f(1) == g(1)"], ""),
        (["assert f("], ""),
    ],
)
def test_the_function_under_test_is_found_in_its_tests(tests, name):
    assert function_under_test(tests) == name


def test_a_file_in_the_hubs_own_columns_is_read_as_from_there(tmp_path):
    row = {
        "task_id": 11,
        "text": "Write add.",
        "code": "def add(a, b):\n    return a + b",
        "test_list": ["assert add(1, 2) == 3"],
        "test_setup_code": "import math",
        "challenge_test_list": [],
    }
    (tmp_path / "mbpp").mkdir()
    (tmp_path / "mbpp" / "test.jsonl").write_text(json.dumps(row) + "\n")
    (problem,) = read_split("mbpp", "test", str(tmp_path))
    assert (problem.question, problem.entry_point, problem.setup) == ("Write add.", "add", "import math")
    assert problem.tests == ("assert add(1, 2) == 3",)
