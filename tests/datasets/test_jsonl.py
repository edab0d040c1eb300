import json

import pytest

from mmst.answers.equality import NO_GOLD, gold_of, verdict_of
from mmst.datasets import file
from mmst.datasets.golds import answer_kind
from mmst.datasets.jsonl import read_problems
from mmst.errors import DataError
from mmst.types import AnswerKind, Verdict

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
        ([{"question": "?", "gold": "1"}], "line 1: the key 'answer' is missing; it has 'gold'"),
        ([{"question": "?", "answer": ""}], "'answer' must be a text"),
        ([{"question": "1"}, {"question": "2", "answer": "1"}, {"question": "3", "answer": "yes"}], "of several kinds"),
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


@pytest.mark.parametrize(
    ("row", "kind", "answer"),
    [
        ({"answer": "3 + 4 = 7 cats.\n#### 7"}, "number", "7"),
        ({"answer": "45%"}, "number", "45"),
        ({"answer": "7 cats"}, "number", "7"),
        ({"answer": "\\boxed{7}"}, "number", "7"),
        ({"answer": "\\frac{3}{4}"}, "number", "0.75"),
        ({"answer": "\u20137"}, "number", "-7"),
        ({"answer": 7}, "number", "7"),
        ({"answer": 10**70}, "number", str(10**70)),
        ({"answer": "5 kg"}, "number", "5 kg"),
        ({"answer": True}, "yes_no", "yes"),
        ({"answer": "False"}, "yes_no", "no"),
        ({"answer": "3 Doors Down"}, "text", "3 Doors Down"),
        ({"answer": "10:30 pm"}, "text", "10:30 pm"),
        ({"answer": "4\\sqrt{2}"}, "text", "4\\sqrt{2}"),
        ({"choices": [0.5, "2", 3], "answer": "b"}, "choice", "B"),
        ({"choices": [0.5, "2", 3], "answer": 3}, "choice", "C"),
        ({"choices": {"label": ["1", "2"], "text": ["x", "y"]}, "answer": "2"}, "choice", "B"),
        ({"choices": [{"label": "A", "text": "x"}, {"label": "B", "text": "y"}], "answer": "B"}, "choice", "B"),
        ({"choices": ["no", "yes", "unknown"], "answer": "no"}, "choice", "A"),
        ({"choices": ["a fish", "a bird"], "answer": "A bird"}, "choice", "B"),
    ],
)
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_answers_are_read_as_data_sets_spell_them(tmp_path, row, kind, answer, mark):
    (tmp_path / "x.jsonl").write_text(mark + json.dumps({"question": "?", **row}), encoding="utf-8")
    (problem,) = read_problems(str(tmp_path / "x.jsonl"), "test")
    assert (problem.kind, problem.answer) == (kind, answer)
    assert gold_of(problem) is not None


@pytest.mark.parametrize("unknown", [{}, {"answer": None}])
@pytest.mark.parametrize(
    ("others", "more", "kind"),
    [([], {}, "number"), (["yes"], {}, "yes_no"), (["red"], {}, "text"), (["yes"], {"choices": ["a", "b"]}, "choice")],
)
def test_an_answer_may_be_unknown(tmp_path, unknown, others, more, kind):
    rows = [{"question": "?", **unknown, **more}, *({"question": f"{n}?", "answer": x} for n, x in enumerate(others))]
    problem = read_problems(written(tmp_path / "x.jsonl", *rows), "test")[0]
    assert (problem.kind, problem.answer, problem.has_gold) == (kind, "", False)
    assert verdict_of("7", problem) == verdict_of(None, problem) == (Verdict.UNJUDGED, NO_GOLD)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"question": "?", "answer": NaN}', "'answer' is nan"),
        ('{"question": "?", "answer": 9e999}', "'answer' is inf"),
        ('{"question": "?", "answer": "9e999"}', "the answer '9e999' is a number that is too large or too small"),
        ('{"question": "?", "answer": "so\\n#### -1.5E+4000"}', "the answer '-1.5E[+]4000' is a number that is too large"),
        ('{"question": "?", "choices": [1, 9e999], "answer": 1}', "'choices' must be"),
        ('{"question": "?", "choices": ["x", "y"], "answer": 1}', "line 1: the answer '1' is none of the 2 choices"),
        ('{"question": "?", "choices": ["x", "y"], "answer": "Q"}', "line 1: the answer 'Q' is none"),
        ('{"question": "?", "choices": ["x", "y"], "answer": "A) y"}', "line 1: the answer 'A[)] y' is none"),
        ('{"question": "?", "choices": [["x"]], "answer": "A"}', "'choices' must be"),
        ('[{"question": "?", "answer": "1"}]', "JSON lines"),
        ('[\n {"question": "?", "answer": "1"}\n]', "JSON lines"),
        ('{"data": [{"question": "?", "answer": "1"}]}', "one problem a line"),
        ('{"problem": "?", "answer": "1"}', "'question' is missing; it has 'problem'"),
        ('{"question": "?", "answer": "steps ####"}', "'answer' holds no answer"),
    ],
)
def test_what_cannot_be_judged_against_is_refused_with_its_line(tmp_path, text, message):
    (tmp_path / "x.jsonl").write_text(text)
    with pytest.raises(DataError, match=message) as raised:
        read_problems(str(tmp_path / "x.jsonl"), "test")
    assert "line 1" in str(raised.value)


@pytest.mark.parametrize(
    ("row", "kind", "answer"),
    [
        ({"answer": "Half of 84 is 42.\nSo it is $\\boxed{42}$."}, "number", "42"),
        ({"answer": "The final answer is 1,042."}, "number", "1,042"),
        ({"answer": "9 KG"}, "number", "9 KG"),
        ({"answer": "Nope."}, "text", "Nope."),
        ({"answer": "No."}, "yes_no", "no"),
        ({"choices": {"A": "x", "B": "y"}, "answer": "B"}, "choice", "B"),
        ({"choices": {"1": "x", "2": "y"}, "answer": 2}, "choice", "B"),
        ({"choices": [False, True], "answer": True}, "choice", "B"),
        ({"choices": ["true", "false"], "answer": False}, "choice", "B"),
        ({"choices": ["rs . 240", "rs . 250"], "answer": "250"}, "choice", "B"),
        ({"choices": ["10 %", "15 %"], "answer": "15%"}, "choice", "B"),
        ({"choices": ["A)21", "B)21.5"], "answer": "B"}, "choice", "B"),
    ],
)
def test_rationales_labels_and_units_round_an_answer_are_read(tmp_path, row, kind, answer):
    (problem,) = read_problems(written(tmp_path / "x.jsonl", {"question": "?", **row}), "test")
    assert (problem.kind, problem.answer) == (kind, answer)
    assert gold_of(problem) is not None


def test_all_that_cannot_be_judged_against_is_counted(tmp_path):
    bad = {"question": "?", "choices": ["x", "y"], "answer": "Q"}
    path = written(tmp_path / "x.jsonl", {**GOOD}, bad, bad, {**GOOD, "id": "b"}, {"question": "?", "answer": [1]})
    with pytest.raises(DataError, match="line 2: the answer 'Q' is none of the 2 choices") as raised:
        read_problems(path, "test")
    assert str(raised.value).endswith("In all 3 of 5 rows are no problems that can be judged (line 3, line 5).")


def test_a_folder_without_the_split_says_what_it_holds(tmp_path):
    (tmp_path / "deep").mkdir()
    written(tmp_path / "deep" / "test.json", GOOD)
    with pytest.raises(DataError, match=r"it has deep/test\.json"):
        read_problems(str(tmp_path), "test")


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


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv"])
@pytest.mark.parametrize("unknown", ["NaN", "N/A", "unknown", "None", "?", "inf", "-inf"])
def test_what_stands_for_no_answer_among_numbers_is_refused_and_counted(tmp_path, name, unknown):
    answers = ["12", unknown, "7", unknown]
    lines = [json.dumps({"question": "?", "answer": answer}) for answer in answers]
    (tmp_path / name).write_text("\n".join(lines if name == "a.jsonl" else ["question,answer", *(f"?,{a}" for a in answers)]))
    line = 2 if name == "a.jsonl" else 3
    with pytest.raises(DataError, match=rf"line {line}: .*is none.*In all 2 of 4 rows .*\(line {line + 2}\)"):
        file.read_problems(str(tmp_path / name), "test", {"question": None, "answer": None})


def test_a_number_too_large_to_be_one_is_refused_in_a_table_unless_all_are_texts(tmp_path):
    path, columns = tmp_path / "a.csv", {"question": None, "answer": None}
    path.write_text("question,answer\n?,12\n?,9e999\n")
    with pytest.raises(DataError, match=r"a.csv, line 3: the answer '9e999' is a number that is too large"):
        file.read_problems(str(path), "test", columns)
    assert [p.answer for p in file.read_problems(str(path), "test", columns, kind="text")] == ["12", "9e999"]


def test_such_a_word_among_texts_is_a_text(tmp_path):
    (tmp_path / "a.jsonl").write_text(
        "".join(json.dumps({"question": "?", "answer": a}) + "\n" for a in ("12", "None", "Paris"))
    )
    assert [p.answer for p in read_problems(str(tmp_path / "a.jsonl"), "test")] == ["12", "None", "Paris"]
