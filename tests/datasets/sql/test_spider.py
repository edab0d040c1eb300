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


def test_what_orders_something_else_does_not_order_the_rows(folder, sandbox):
    inner = "SELECT name FROM boat WHERE port = (SELECT port FROM boat GROUP BY port ORDER BY count(*) DESC LIMIT 1)"
    quoted = "SELECT name, 'in order by length' FROM boat"
    rows = [{"db_id": "boats", "question": "Which?", "query": query} for query in (inner, quoted)]
    (folder / "dev.json").write_text(json.dumps(rows))
    problems = read_split("test", str(folder), SandboxPool(workers=1))
    said = [f"{problem.rationale.rstrip(';')} ORDER BY name DESC" for problem in problems]
    readings = bare_methods(["sql"])["sql"].read_all(said, problems, sandbox)
    assert [verdict_of(r.answer, p)[0] for r, p in zip(readings, problems, strict=True)] == [Verdict.RIGHT] * 2


def test_a_gold_answer_is_a_table_beside_its_text(folder, sandbox):
    golds = [
        "SELECT ''",
        "SELECT NULL",
        "SELECT 'no rows'",
        "SELECT name FROM boat WHERE 0",
        "SELECT 'Rome, Oslo'",
        "SELECT '.'",
    ]
    golds += ["SELECT 1e-300", "SELECT 9e999", "SELECT x'00'", "SELECT 2.0", "SELECT '2'"]
    rows = [{"db_id": "boats", "question": "What?", "query": query} for query in golds]
    (folder / "dev.json").write_text(json.dumps(rows))
    problems = read_split("test", str(folder), SandboxPool(workers=1))
    readings = bare_methods(["sql"])["sql"].read_all(golds * len(problems), [p for p in problems for _ in golds], sandbox)
    right = [verdict_of(r.answer, problems[n // len(golds)])[0] is Verdict.RIGHT for n, r in enumerate(readings)]
    assert [n for n, found in enumerate(right) if found] == [n * (len(golds) + 1) for n in range(len(golds))]


def test_tables_are_shown_without_what_a_search_keeps_for_itself_and_with_long_values_cut(folder):
    connection = sqlite3.connect(folder / "database" / "boats" / "boats.sqlite")
    connection.execute("CREATE VIRTUAL TABLE notes USING fts5(note)")
    connection.execute("INSERT INTO notes VALUES (?)", ("long " * 30_000,))
    connection.execute("CREATE TABLE sqlites (id INTEGER PRIMARY KEY AUTOINCREMENT, picture BLOB)")
    connection.execute("INSERT INTO sqlites VALUES (1, ?)", (b"\1" * 200_000,))
    connection.commit()
    connection.close()
    shown = read_split("test", str(folder), SandboxPool(workers=1))[0].question.split("\n")
    heads = [line.partition(":")[0] for line in shown if ": " in line]
    assert heads == ["boat", "notes", "sqlites"]
    assert max(map(len, shown)) < 1_100


def test_a_table_that_is_damaged_is_named(folder):
    path = folder / "database" / "boats" / "boats.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE crew (name TEXT)")
    connection.executemany("INSERT INTO crew VALUES (?)", [("x" * 100,)] * 200)
    connection.commit()
    (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'crew'").fetchone()
    (size,) = connection.execute("PRAGMA page_size").fetchone()
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.close()
    content = bytearray(path.read_bytes())
    content[(page - 1) * size : page * size] = b"\xff" * size
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"the table crew of the database boats cannot be read .*malformed"):
        read_split("test", str(folder), SandboxPool(workers=1))


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/boats", "a\0b", "boats/", "\ud800"])
def test_a_name_that_is_no_folders_is_refused_with_its_file_and_place(folder, name):
    (folder / "dev.json").write_text(json.dumps([*ROWS, {**ROWS[0], "db_id": name}]))
    with pytest.raises(DataError) as caught:
        read_split("test", str(folder), SandboxPool(workers=1))
    said = str(caught.value)
    assert said.startswith(f"dataset: question 5 of {folder / 'dev.json'} ")
    assert ascii(name) in said
    assert "\n" not in said


def test_a_database_that_is_a_link_out_of_the_folder_is_refused(folder, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    (other / "far.sqlite").write_bytes((folder / "database" / "boats" / "boats.sqlite").read_bytes())
    (folder / "database" / "far").symlink_to(other)
    (folder / "dev.json").write_text(json.dumps([{**ROWS[0], "db_id": "far"}]))
    with pytest.raises(DataError, match=rf"question 1 of .*dev\.json names the database 'far', .*link to {other}"):
        read_split("test", str(folder), SandboxPool(workers=1))


def test_files_and_the_whole_folder_may_be_links(folder, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    file = folder / "database" / "boats" / "boats.sqlite"
    file.rename(other / "blob")
    file.symlink_to(other / "blob")
    (other / "spider").symlink_to(folder)
    assert len(read_split("test", str(other / "spider"), SandboxPool(workers=1))) == len(ROWS)


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
        ("dev.json", b"[" * 100_000, "is no JSON"),
        ("dev.json", b'[{"db_id": "boats", "question": " ", "query": "SELECT 1"}]', "has no text under 'question'"),
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


def read(folder, questions, **options):
    (folder / "dev.json").write_text(json.dumps(questions), encoding="utf-8-sig")
    return read_split("test", str(folder), SandboxPool(workers=1), **options)


def test_questions_whose_gold_query_gives_nothing_are_left_out_with_one_warning(folder, caplog):
    many = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 2000) SELECT x FROM n"
    failing = [{**ROWS[0], "query": query} for query in (many, "SELECT nothing FROM boat")]
    kept = read(folder, [ROWS[0], *failing, ROWS[1]])
    assert [problem.id for problem in kept] == ["spider-test-0", "spider-test-3"], "the others keep their numbers"
    (record,) = [record for record in caplog.records if record.levelname == "WARNING"]
    assert "2 of 4 questions" in record.getMessage()
    assert "question 2 gives no answer over boats (it gives more than 1000 rows)" in record.getMessage()


def test_rows_that_are_not_in_the_database_yet_are_not_left_out_unsaid(folder):
    path = folder / "database" / "boats" / "boats.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("INSERT INTO boat VALUES ('Skua', 'Cork', 3)")
    connection.commit()
    with pytest.raises(DataError, match=r"boats\.sqlite-wal beside the database .* holds what is not in it yet"):
        read(folder, ROWS)
    connection.close()
    assert read(folder, ROWS)[0].answer == "4"


def test_a_database_that_is_too_large_is_said_with_its_size(folder, monkeypatch):
    monkeypatch.setattr("mmst.sandbox.queries.LARGEST_FILE", 4_000)
    with pytest.raises(DataError, match=r"has [\d,]+ bytes; more than 4,000 are not sent"):
        read(folder, ROWS)


@pytest.mark.parametrize("rows", [-1, 10**30])
def test_numbers_of_rows_that_no_question_can_show_are_refused(folder, rows):
    with pytest.raises(DataError, match=r"dataset\.rows=.* must be from 0 to 1000"):
        read(folder, ROWS, rows=rows)


def test_tables_without_rows_are_the_same_only_with_as_many_columns(folder, sandbox):
    (problem,) = read(folder, [{**ROWS[0], "query": "SELECT name FROM boat WHERE 0"}])
    method = bare_methods(("sql",))["sql"]
    queries = ["SELECT port FROM boat WHERE 0", "SELECT name, port FROM boat WHERE 0", "SELECT name FROM boat"]
    found = [verdict_of(reading.answer, problem)[0] for reading in method.read_all(queries, [problem] * 3, sandbox)]
    assert found == [Verdict.RIGHT, Verdict.WRONG, Verdict.WRONG]


@pytest.mark.parametrize(
    "query", ["SELECT count(*) FROM boat -- all", "SELECT count(*) FROM boat WHERE length <> 4 AND 1 < 2;"]
)
def test_a_gold_query_is_right_as_a_solution(folder, sandbox, query):
    (problem,) = read(folder, [{**ROWS[0], "query": query}])
    (reading,) = bare_methods(("sql",))["sql"].read_all([problem.rationale], [problem], sandbox)
    assert verdict_of(reading.answer, problem)[0] is Verdict.RIGHT


@pytest.mark.parametrize("text", ["a```b", "Question: why", "x" * 6_000])
def test_a_gold_query_that_would_be_read_otherwise_is_no_solution(folder, text):
    (problem,) = read(folder, [{**ROWS[0], "query": f"SELECT count(*) FROM boat WHERE name <>\n'\n{text}'"}])
    assert problem.rationale is None
