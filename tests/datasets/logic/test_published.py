"""Rows of our own making, in the forms in which the data sets were published."""

import json

import pytest

from mmst.datasets.catalog import read_split
from mmst.errors import DataError
from mmst.types import AnswerKind

FOLIO = [
    {"premises": ["All jars break.", "This is a jar."], "conclusion": "This breaks.", "label": "True", "example_id": 1},
    {"premises": "All jars break.\nNo cup is a jar.", "conclusion": "Cups break.", "label": "Uncertain", "story_id": 2},
    {"premises": ["No jar floats."], "conclusion": "Some jar floats.", "label": "False"},
]
PROOFWRITER = {
    "id": "Made-OWA-D1-1",
    "maxD": 1,
    "theory": "The jar is big. If something is big then it is heavy.",
    "questions": {
        "Q1": {"question": "The jar is heavy.", "answer": True, "QDep": 1},
        "Q2": {"question": "The jar is not big.", "answer": False, "QDep": 0},
        "Q3": {"question": "The jar is red.", "answer": "Unknown", "QDep": 0},
    },
}


def written(folder, name, file, rows):
    (folder / name).mkdir()
    (folder / name / f"{file}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(folder)


def test_folio_is_read_with_premises_as_a_list_or_as_lines(tmp_path):
    problems = read_split("folio", "test", written(tmp_path, "folio", "folio_v2_validation", FOLIO))
    assert [problem.answer for problem in problems] == ["A", "C", "B"]
    assert {(problem.kind, problem.choices) for problem in problems} == {(AnswerKind.CHOICE, ("True", "False", "Uncertain"))}
    assert problems[1].question == "All jars break. No cup is a jar. Statement: Cups break."


def test_each_question_of_a_theory_is_a_problem(tmp_path):
    problems = read_split("proofwriter", "test", written(tmp_path, "proofwriter", "meta-test", [PROOFWRITER]))
    assert [problem.answer for problem in problems] == ["A", "B", "C"]
    assert len({problem.id for problem in problems}) == 3
    assert problems[0].question == f"{PROOFWRITER['theory']} Statement: The jar is heavy."
    assert problems[0].tags == ("depth:1", "answer:True")


def test_a_copy_with_one_question_a_row_is_read_too(tmp_path):
    row = {"theory": "The jar is big.", "question": "The jar is big.", "answer": "True", "QDep": 0}
    (problem,) = read_split("proofwriter", "train", written(tmp_path, "proofwriter", "meta-train", [row]))
    assert (problem.answer, problem.tags) == ("A", ("depth:0", "answer:True"))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"premises": ["a"], "conclusion": "b"}, "line 1: the key 'label' is missing"),
        ({"premises": [], "conclusion": "b", "label": "True"}, "line 1: the key 'premises' is missing or empty"),
        ({"premises": ["a"], "conclusion": "b", "label": "maybe"}, "'maybe' must be True, False or Uncertain"),
        (["a"], "line 1: not a JSON object"),
        *(
            ({"premises": premises, "conclusion": "b", "label": "True"}, f"line 1: {said}")
            for premises, said in [
                ([None, 1], "'premise 1' is null, which is no text"),
                (["a", 1], "'premise 2' is 1, which is no text"),
                (["a", " "], "'premise 2' is empty"),
                ([[]], r"'premise 1' is \[\], which is no text"),
                ({"a": 1}, "'premises' is {\"a\": 1}, which is no text"),
                (True, "'premises' is true, which is no text"),
                ("  ", "the key 'premises' is missing or empty"),
            ]
        ),
        *(
            ({"premises": ["a"], "conclusion": conclusion, "label": "True"}, f"line 1: {said}")
            for conclusion, said in [
                ("   ", "the key 'conclusion' is missing or empty"),
                (["x"], r"'conclusion' is \[\"x\"\], which is no text"),
                (False, "'conclusion' is false, which is no text"),
            ]
        ),
    ],
)
def test_a_row_of_another_form_is_refused_with_its_line(row, message, tmp_path):
    with pytest.raises(DataError, match=message):
        read_split("folio", "test", written(tmp_path, "folio", "folio_v2_validation", [row]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"theory": ["The jar is big."]}, "line 2: 'theory' is .*, which is no text"),
        (
            {"questions": [PROOFWRITER["questions"]["Q1"]]},
            "line 2: 'questions' must be an object with a question under each name",
        ),
        ({"questions": None}, "line 2: 'questions' must be an object"),
        ({"questions": {}}, "line 2: 'questions' must be an object"),
        ({"questions": {"Q1": {"question": 3, "answer": True}}}, "line 2: 'question' is 3, which is no text"),
        ({"questions": {"Q1": {"question": "It is.", "answer": True, "QDep": True}}}, "'QDep' of the question Q1 is 'True'"),
        ({"questions": {"Q1": {"question": "It is.", "answer": True, "QDep": "2"}}}, "it must be a whole number"),
    ],
)
def test_a_theory_of_another_form_is_refused_with_its_line(change, message, tmp_path):
    rows = [PROOFWRITER, PROOFWRITER | change]
    with pytest.raises(DataError, match=message):
        read_split("proofwriter", "test", written(tmp_path, "proofwriter", "meta-test", rows))


@pytest.mark.parametrize("rows", [[], None])
def test_a_file_without_problems_is_refused(rows, tmp_path):
    root = written(tmp_path, "folio", "folio_v2_validation" if rows is not None else "other", rows or [])
    with pytest.raises(DataError, match="holds no problem" if rows is not None else "there is no file"):
        read_split("folio", "test", root)
