import json

import pytest

from mmst.datasets.jsonl import answer_kind, read_problems
from mmst.errors import DataError
from mmst.types import AnswerKind

GOOD = {"id": "a", "question": "1 + 1?", "answer": "2", "choices": None, "rationale": "1+1=2"}


def written(path, *lines):
    path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines))
    return str(path)


def test_a_file_is_its_own_test_split(tmp_path):
    path = written(tmp_path / "x.jsonl", GOOD, "", {**GOOD, "id": "b", "answer": 3})
    problems = read_problems(path, "test")
    assert [(p.id, p.answer, p.kind) for p in problems] == [("a", "2", AnswerKind.NUMBER), ("b", "3", AnswerKind.NUMBER)]


def test_a_folder_holds_one_file_a_split(tmp_path):
    written(tmp_path / "train.jsonl", GOOD)
    assert read_problems(str(tmp_path), "train")[0].id == "a"


def test_a_missing_id_is_made_from_the_line(tmp_path):
    path = written(tmp_path / "x.jsonl", {"question": "?", "answer": "1"})
    assert read_problems(path, "test")[0].id == "x-1"


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["{"], "line 1: not JSON"),
        ([GOOD, "[1]"], "line 2: not a JSON object"),
        ([{"question": "?"}], "line 1: the key 'answer' is missing"),
        ([{"question": "", "answer": "1"}], "'question' must be"),
        ([{"question": "?", "answer": ["1"]}], "'answer' is a list"),
        ([{**GOOD, "choices": "ab"}], "'choices' must be"),
        ([GOOD, GOOD], "line 2: the id 'a' stands already in line 1"),
        ([""], "holds no problem"),
    ],
)
def test_a_bad_file_is_named_with_its_line(tmp_path, lines, message):
    path = written(tmp_path / "x.jsonl", *lines)
    with pytest.raises(DataError, match=message) as raised:
        read_problems(path, "test")
    assert "x.jsonl" in str(raised.value)


def test_no_file_and_no_such_split_are_named(tmp_path):
    with pytest.raises(DataError, match="there is no file"):
        read_problems(str(tmp_path / "nothing.jsonl"), "test")
    with pytest.raises(DataError, match="no split 'train'"):
        read_problems(written(tmp_path / "x.jsonl", GOOD), "train")
    (tmp_path / "binary.jsonl").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="UTF-8"):
        read_problems(str(tmp_path / "binary.jsonl"), "test")


@pytest.mark.parametrize(
    ("answer", "choices", "kind"),
    [("72", (), "number"), ("B", ("x", "y"), "choice"), ("Yes", (), "yes_no"), ("blue", (), "text"), ("1,000", (), "number")],
)
def test_the_kind_is_read_off_the_answer(answer, choices, kind):
    assert answer_kind(answer, choices) == kind


@pytest.mark.parametrize("name", ["gsm8k", "svamp", "mawps"])
def test_real_sets_are_read_whole(real_data, name):
    problems = read_problems(str(real_data / name), "test")
    assert len(problems) >= 199
    assert all(p.kind is AnswerKind.NUMBER for p in problems)
