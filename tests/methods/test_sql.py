from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmst.answers.equality import verdict_of
from mmst.answers.reading import stated_answer
from mmst.methods.prompt import exemplar_rows
from mmst.methods.sql import SqlMethod
from mmst.nano.__main__ import bare_methods
from mmst.sandbox.result import Result, Status
from mmst.types import AnswerKind, Problem, Step, Verdict

SQL = bare_methods(["sql"])["sql"]
STAFF = (
    "CREATE TABLE staff (name TEXT, city TEXT, age INTEGER, share REAL);"
    "INSERT INTO staff VALUES ('Ana', 'Rome', 9, 0.5), ('Bob', 'Oslo', 12, 2.0), ('Cem', 'Rome', 3, NULL);"
)
COUNTED = Problem("n", "How many?", "2", setup=STAFF)
NAMED = Problem("t", "Who?", "Bob", AnswerKind.TEXT, setup=STAFF)
ENDLESS = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT COUNT(*) FROM c"


def read(sandbox, query, problem=COUNTED):
    return SQL.read_all([query], [problem], sandbox)[0]


@pytest.mark.parametrize(
    ("completion", "answer"),
    [
        ("SELECT COUNT(*) FROM staff WHERE city = 'Rome'", "2"),
        ("```sql\nSELECT SUM(age) FROM staff;\n```\nIt adds all ages.", "24"),
        ("SELECT AVG(age) FROM staff; This takes the mean.", "8"),
        ("SELECT age FROM staff WHERE name = 'Cem'\n\nQuestion: more?\nQuery: SELECT 1", "3"),
        ("select share from staff where name = 'Ana' -- a remark; with a mark", "0.5"),
        ("SELECT 1.0 / 3", "0.333333"),
    ],
)
def test_a_single_value_is_the_answer(sandbox, completion, answer):
    assert read(sandbox, completion).answer == answer


def test_rows_are_one_text_in_any_order_unless_the_problem_orders_them(sandbox):
    two = "SELECT name, share FROM staff WHERE age > 3 ORDER BY age DESC"
    assert read(sandbox, two, NAMED).answer == "ana | 0.5, bob | 2"
    assert read(sandbox, two, Problem("o", "Who?", "x", AnswerKind.TEXT, setup=STAFF, tags=("ordered",))).answer == (
        "bob | 2, ana | 0.5"
    )
    assert read(sandbox, "SELECT name FROM staff WHERE age > 99", NAMED).answer == "no rows"
    assert read(sandbox, "SELECT share FROM staff WHERE name = 'Cem'", NAMED).answer == "null"


def test_several_values_are_no_answer_where_one_is_asked_for(sandbox):
    assert read(sandbox, "SELECT age FROM staff").reason == "3 rows"
    assert read(sandbox, "SELECT age, name FROM staff LIMIT 1").reason == "several columns"


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("DELETE FROM staff", "it writes"),
        ("UPDATE staff SET age = 1", "it writes"),
        ("DROP TABLE staff", "it writes"),
        ("ATTACH 'stolen.db' AS other", "it attaches a database"),
        ("VACUUM INTO 'stolen.db'", "it attaches a database"),
        ("SELECT load_extension('evil.so')", "it calls load_extension"),
        ("SELECT random()", "it calls random"),
        ("PRAGMA query_only = OFF", "it asks for a pragma"),
        ("BEGIN", "it is no query"),
        ("SELECT 4; DROP TABLE staff", "several statements"),
        (ENDLESS, "it takes more than 10000000 steps"),
        (ENDLESS.replace("COUNT(*)", "x"), "it gives more than 1000 rows"),
        ("SELECT zeroblob(1000000000)", "string or blob too big"),
        ("SELECT hex(zeroblob(400000))", "it gives too much"),
        ("SELECT wage FROM staff", "no such column"),
        ("SELEC age FROM staff", "syntax error"),
        ("SELECT 'staff", "syntax error"),
        ("", "it is no query"),
        ("SELECT 1\0", "the query contains a null character"),
    ],
)
def test_what_is_no_reading_query_gives_no_answer_and_says_why(sandbox, query, reason, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    reading = read(sandbox, query)
    assert (reading.answer, reading.reason, reading.judged) == (None, reason, True)
    assert verdict_of(reading.answer, COUNTED)[0] is Verdict.NO_ANSWER
    assert not list(tmp_path.iterdir())


def test_a_query_never_changes_what_another_sees(sandbox):
    queries = ["DELETE FROM staff", "SELECT COUNT(*) FROM staff", "DROP TABLE staff", "SELECT COUNT(*) FROM staff"]
    assert [r.answer for r in SQL.read_all(queries, [COUNTED] * 4, sandbox)] == [None, "3", None, "3"]


def test_a_database_that_is_none_and_a_lost_sandbox_leave_a_sample_unjudged(sandbox):
    reading = read(sandbox, "SELECT 1", Problem("p", "?", "1", setup="CREATE TABEL x"))
    assert not reading.judged
    assert reading.reason == "no database"

    class Lost:
        settings: ClassVar[dict[str, str]] = {}

        def execute(self, programs):
            return [Result(program.name, Status.LOST) for program in programs]

        def close(self):
            pass

    assert not SQL.read_all(["SELECT 1"], [COUNTED], Lost())[0].judged


def test_equal_queries_are_run_once():
    class Counting:
        settings: ClassVar[dict[str, str]] = {}
        ran = 0

        def execute(self, programs):
            self.ran += len(programs)
            return [Result(program.name, Status.OK, "str", '{"rows": [[2]]}') for program in programs]

        def close(self):
            pass

    counting = Counting()
    assert [r.answer for r in SQL.read_all(["SELECT 1 + 1"] * 5, [COUNTED] * 5, counting)] == ["2"] * 5
    assert counting.ran == 1


def test_every_exemplar_is_right_by_both_methods_and_derives_its_answer(sandbox):
    rows = exemplar_rows("sql", AnswerKind.NUMBER)
    assert len(rows) == 8
    for row in rows:
        number = stated_answer(row["text"])[0] if row["text"].rstrip(".")[-1].isdigit() else None
        kind = AnswerKind.NUMBER if number else AnswerKind.TEXT
        gold = stated_answer(row["text"], kind)[0]
        problem = Problem("e", row["question"], gold, kind, setup=row["setup"])
        for name, method in bare_methods(("text", "sql")).items():
            (reading,) = method.read_all([row[name]], [problem], sandbox)
            assert verdict_of(reading.answer, problem)[0] is Verdict.RIGHT, row[name]
            assert not method.leaks(problem, row[name], reading.answer)


@pytest.mark.parametrize(
    ("query", "leak"),
    [
        ("SELECT 2", True),
        ("select 'Bob' FROM staff LIMIT 1;", True),
        ("SELECT COUNT(*) FROM staff", False),
        ("SELECT 1 + 1", False),
    ],
)
def test_a_constant_is_a_leak(query, leak):
    assert SQL.leaks(COUNTED, query, "2") is leak


def test_steps_are_alike_whatever_the_layout_and_differ_by_what_is_quoted():
    same = SQL.steps("SELECT  age\nFROM staff WHERE name = 'Ana'")
    assert same == SQL.steps("select age from staff where name = 'Ana'")
    assert same != SQL.steps("select age from staff where name = 'ana'")


def test_a_derivation_is_one_expression(sandbox):
    steps = (Step("total", "3", "*", "4", "12"), Step("left", "total", "-", "5", "7"))
    assert SQL.render(steps) == "SELECT (3 * 4) - 5"
    assert read(sandbox, SQL.render(steps), Problem("p", "?", "7")).answer == "7"


def test_it_is_a_method_of_its_format():
    assert isinstance(SQL, SqlMethod)
    assert (SQL.name, SQL.format.cue) == ("sql", "Query:")


@given(st.text(alphabet="ab;'\"-/*` \n", max_size=60) | st.text(max_size=80))
def test_cleaning_is_idempotent(text):
    assert SQL.clean(SQL.clean(text)) == SQL.clean(text)
