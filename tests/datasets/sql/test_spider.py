import json
import sqlite3

import pytest

from mmst.answers.equality import verdict_of
from mmst.datasets.sql.spider import read_split
from mmst.errors import DataError
from mmst.judges.kinds import Rows
from mmst.methods.method import Reading
from mmst.nano.__main__ import bare_methods
from mmst.sandbox.pool import SandboxPool
from mmst.types import AnswerKind, Verdict

ROWS = [
    {"db_id": "boats", "question": "How many boats are there?", "query": "SELECT count(*) FROM boat"},
    {"db_id": "boats", "question": "Which boats lie in Cork?", "query": 'SELECT name FROM boat WHERE port = "Cork"'},
    {"db_id": "boats", "question": "Names by length?", "query": "SELECT name FROM boat ORDER BY length DESC"},
    {"db_id": "boats", "question": "Which lie in Rome?", "query": "SELECT name FROM boat WHERE port = 'Rome'"},
]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "database" / "boats").mkdir(parents=True)
    connection = sqlite3.connect(tmp_path / "database" / "boats" / "boats.sqlite")
    connection.execute("PRAGMA journal_mode = WAL")  # what some of Spider's databases are in
    connection.execute("CREATE TABLE boat (name TEXT, port TEXT, length REAL)")
    connection.executemany(
        "INSERT INTO boat VALUES (?, ?, ?)", [("Swan", "Cork", 9.5), ("Gull", "Cork", 4), ("Tern", "Brest", 7)]
    )
    connection.commit()
    connection.close()
    (tmp_path / "dev.json").write_text(json.dumps(ROWS))
    return tmp_path


@pytest.fixture
def problems(folder):
    return read_split("test", str(folder), SandboxPool(workers=1), rows=2)


def test_a_question_stands_under_its_tables_and_its_answer_is_what_its_query_gives(problems):
    assert [(p.answer, p.kind) for p in problems] == [
        ("3", AnswerKind.NUMBER),
        ("Gull, Swan", AnswerKind.TEXT),
        ("Swan, Tern, Gull", AnswerKind.TEXT),
        ("no rows", AnswerKind.TEXT),
    ]
    assert problems[0].question == (
        "boat (3 rows, 2 shown): name | port | length\nSwan | Cork | 9.5\nGull | Cork | 4\nHow many boats are there?"
    )
    assert ["ordered" in p.tags for p in problems] == [False, False, True, False]


def test_queries_are_compared_as_multisets_and_in_order_where_the_gold_one_orders(problems, sandbox):
    said = [
        "SELECT 3",
        "SELECT name FROM boat WHERE port = 'Cork' ORDER BY length",
        "SELECT name FROM boat ORDER BY length",
        "SELECT 1",
    ]
    readings = bare_methods(["sql"])["sql"].read_all(said, problems, sandbox)
    verdicts = [verdict_of(r.answer, p)[0] for r, p in zip(readings, problems, strict=True)]
    assert verdicts == [Verdict.RIGHT, Verdict.RIGHT, Verdict.WRONG, Verdict.WRONG]


def test_written_queries_are_right_by_both_methods(problems, sandbox):
    for method in bare_methods(("text", "sql")).values():
        written = [f"{p.rationale}\nThe answer is {p.answer}." for p in problems]
        readings = method.read_all(written, problems, sandbox)
        assert all(verdict_of(r.answer, p)[0] is Verdict.RIGHT for r, p in zip(readings, problems, strict=True))


def test_the_judge_of_rows_takes_a_list_in_any_order_unless_it_is_ordered(problems):
    _, two, ordered, _ = problems
    assert Rows()(two, Reading("swan, gull", "marked")).verdict is Verdict.RIGHT
    assert Rows()(two, Reading("swan, swan", "marked")).verdict is Verdict.WRONG
    assert Rows()(ordered, Reading("gull, tern, swan", "marked")).verdict is Verdict.WRONG
    assert Rows()(two, Reading(None, "none")).verdict is Verdict.NO_ANSWER


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("database/boats/boats.sqlite", b"name,port\nSwan,Cork\n", "is no SQLite database: it does not begin with"),
        ("database/boats/boats.sqlite", b"SQLite format 3\0" + b"\7" * 200, "the database boats cannot be read"),
        ("database/boats/boats.sqlite", None, "boats.sqlite cannot be read"),
        ("dev.json", b"{", "is no JSON"),
        ("dev.json", b"[]", "must hold a list of questions"),
        ("dev.json", b'[{"db_id": "boats", "question": "Q?"}]', "question 1 of .* has no text under 'query'"),
        ("dev.json", b'[{"db_id": "../boats", "question": "Q?", "query": "SELECT 1"}]', "which is no folder's name"),
        (
            "dev.json",
            b'[{"db_id": "boats", "question": "Q?", "query": "DELETE FROM boat"}]',
            "gives no answer over boats .it writes",
        ),
        ("dev.json", None, "dev.json cannot be read"),
    ],
)
def test_what_is_not_of_the_form_is_refused_in_one_sentence(folder, name, content, sentence):
    path = folder / name
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=sentence):
        read_split("test", str(folder), SandboxPool(workers=1))


def test_a_folder_has_to_be_given():
    with pytest.raises(DataError, match=r"give dataset\.root"):
        read_split("test", None, SandboxPool(workers=1))
