import subprocess
import sys

import msgspec
import pytest

from mmst.stages import compare_file
from mmst.stages.compare_file import main, report
from mmst.stages.grade_file import Row
from mmst.types import AnswerKind

ROWS = [
    Row("3 + 4 = 7\n#### 7", "7", AnswerKind.NUMBER),
    Row("The answer is 12 or 13.", "12", AnswerKind.NUMBER),
    Row("The answer is 5.", "4", AnswerKind.NUMBER),
]


def test_every_row_on_which_judges_differ_is_listed(monkeypatch):
    monkeypatch.setattr(compare_file, "find_spec", lambda name: None)
    lines = report(ROWS).splitlines()
    assert lines[0] == "mmst: 1 of 3 right, 0 unjudged, 0 otherwise than mmst"
    assert lines[1] == "math-verify: 2 of 3 right, 0 unjudged, 1 otherwise than mmst"
    assert lines[2].startswith("row 2: mmst wrong, math-verify right; gold '12', read '12 or 13'")
    assert lines[3:] == ["lm-evaluation-harness is not installed: its filters are left out."]


def test_a_row_that_mmst_leaves_unjudged_differs_from_nothing(monkeypatch):
    monkeypatch.setattr(compare_file, "find_spec", lambda name: None)
    lines = report([*ROWS, Row("Yes.", "?", AnswerKind.YES_NO)])
    assert lines.splitlines()[0].endswith("1 unjudged, 0 otherwise than mmst")
    assert lines.splitlines()[1].endswith("1 otherwise than mmst")


def test_the_harness_judges_by_its_own_task_where_it_is_there():
    pytest.importorskip("lm_eval", reason="lm-evaluation-harness is not installed")
    lines = report(ROWS).splitlines()
    assert lines[2] == "strict-match: 1 of 3 right, 0 unjudged, 0 otherwise than mmst"
    assert lines[3].startswith("flexible-extract: 1 of 3 right")


def test_a_file_that_is_not_there_is_one_sentence(tmp_path, capsys):
    with pytest.raises(SystemExit, match=r"^2$"):
        main([str(tmp_path / "nothing.jsonl")])
    said = capsys.readouterr().err
    assert said == f"mmst: {tmp_path}/nothing.jsonl cannot be read (no such file or directory); give a file of JSON lines.\n"


def test_the_command_compares(tmp_path):
    path = tmp_path / "in.jsonl"
    path.write_bytes(b"\n".join(msgspec.json.encode(row) for row in ROWS[:1]))
    command = [sys.executable, "-m", "mmst.answers", "compare", str(path)]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    assert finished.stdout.startswith("mmst: 1 of 1 right"), finished.stderr
