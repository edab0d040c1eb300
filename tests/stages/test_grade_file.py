import json
import subprocess
import sys

import pytest

from mmst.errors import DataError
from mmst.stages.grade_file import graded, read_rows


def run(tmp_path, text):
    (tmp_path / "in.jsonl").write_text(text)
    return subprocess.run(
        [sys.executable, "-m", "mmst.answers", str(tmp_path / "in.jsonl"), str(tmp_path / "out.jsonl")],
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_file_is_graded_line_by_line(tmp_path):
    rows = [
        {"completion": "The answer is 12.", "gold": "12", "kind": "number"},
        {"completion": "answer = 3 * 4", "gold": "13", "kind": "number", "method": "code"},
        {"completion": "x + 3 = 15\nanswer = x", "gold": "12", "kind": "number", "method": "equation"},
        {"completion": "It is (C).", "gold": "C", "kind": "choice", "choices": ["a", "b", "c"], "method": "text"},
    ]
    finished = run(tmp_path, "".join(json.dumps(row) + "\n" for row in rows))
    assert finished.returncode == 0, finished.stderr
    found = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [(row["answer"], row["verdict"]) for row in found] == [
        ("12", "right"),
        ("12", "wrong"),
        ("12", "right"),
        ("C", "right"),
    ]
    assert {type(row["checker"]) for row in found} == {int}


GOLDS = [
    ("She has 70+2=<<70+2=72>>72.\n#### 72", "number", "The answer is 72."),
    ("The total is 70 + 2. $\\boxed{72}$", "number", "The answer is 72."),
    ("The answer is 72.", "number", "So it is \\boxed{72}."),
    ("Answer: 72", "number", "The answer is 72."),
    ("\u224872", "number", "The answer is 72."),
    ("\\approx 72", "number", "The answer is 72."),
    ("2^{10}", "number", "The answer is 1024."),
    ("The capital is \\boxed{\\text{Paris}}.", "text", "The answer is Paris."),
    ("false", "yes_no", "The answer is no."),
]


@pytest.mark.parametrize(("gold", "kind", "completion"), GOLDS)
def test_gold_answers_are_read_as_those_of_data_sets(tmp_path, gold, kind, completion):
    (tmp_path / "in.jsonl").write_text(json.dumps({"completion": completion, "gold": gold, "kind": kind}))
    (row,) = graded(read_rows(tmp_path / "in.jsonl"))
    assert row["verdict"] == "right"


@pytest.mark.parametrize("gold", ["B", "b", "(B)", "Option B", "\\text{B}", "$\\boxed{B}$", "London"])
def test_a_gold_choice_is_read_in_its_usual_spellings(tmp_path, gold):
    line = {"completion": "The answer is B.", "gold": gold, "kind": "choice", "choices": ["Paris", "London"]}
    (tmp_path / "in.jsonl").write_text(json.dumps(line))
    assert [row["verdict"] for row in graded(read_rows(tmp_path / "in.jsonl"))] == ["right"]


@pytest.mark.parametrize(
    ("gold", "kind", "choices"),
    [
        *((gold, "number", []) for gold in ("3 or 4", "3, 4", "NaN", "N/A", "unknown", "None", " ", "Paris")),
        *((gold, "choice", ["Paris", "London"]) for gold in ("A) London", "B) London", "C", "Option C", "Rome")),
        ("perhaps", "yes_no", []),
    ],
)
def test_gold_answers_that_cannot_be_read_are_refused_with_their_lines(tmp_path, gold, kind, choices):
    right = {"completion": "1", "gold": "1", "kind": "number"}
    wrong = {"completion": "The answer is 3.", "gold": gold, "kind": kind, "choices": choices}
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in (right, wrong, wrong)))
    with pytest.raises(DataError, match=r"line 2: .*In all 2 of 3 rows .*\(line 3\)"):
        read_rows(tmp_path / "in.jsonl")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"completion": "x"}', "line 1: object missing required field `gold`"),
        ('{"completion": "x", "gold": "1", "kind": "nothing"}', "invalid enum value"),
        ('{"completion": "x", "gold": "1", "kind": "number", "method": "magic"}', "method must be one of text, code, equation"),
        ("no json", "line 1"),
    ],
)
def test_a_bad_line_is_named(tmp_path, line, message):
    finished = run(tmp_path, line + "\n")
    assert finished.returncode == 2
    assert message in finished.stderr
    assert "Traceback" not in finished.stderr
