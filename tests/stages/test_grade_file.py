import json
import subprocess
import sys

import pytest


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
    assert finished.returncode == 1
    assert message in finished.stderr
    assert "Traceback" not in finished.stderr
