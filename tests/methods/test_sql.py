from itertools import permutations
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmst.answers.equality import verdict_of
from mmst.answers.reading import stated_answer
from mmst.judges.kinds import Rows
from mmst.methods.prompt import exemplar_rows
from mmst.methods.sql import SqlMethod
from mmst.nano.__main__ import bare_methods
from mmst.sandbox.queries import answered, query_program
from mmst.sandbox.result import Result, Status
from mmst.sandbox.tables import cell_text, exact_text, table_text, written
from mmst.stages.grade import verdicts
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
        ("```sql\nSELECT 2; -- that is\n/* all */ ;\n```", "2"),
        ("SELECT COUNT(*) FROM staff WHERE city <> 'Question: which?'", "3"),
        ("SELECT age AS [a;b] FROM staff WHERE name = 'Ana'; It is the age.", "9"),
        ("SELECT age AS `a;b` FROM staff WHERE name = 'Ana'", "9"),
        ("VALUES (4)", "4"),
        ("-- a remark\nWITH s AS (SELECT 5 AS n) SELECT n FROM s", "5"),
        ("SELECT SUM(value) FROM json_each('[1, 2, 4]')", "7"),
        ("SELECT COUNT(*) FROM json_tree('{\"a\": [1, 2]}')", "4"),
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
        ("PRAGMA data_version", "it asks for a pragma"),
        ("SELECT * FROM pragma_table_info('staff')", "it reads a table of SQLite's own"),
        ("SELECT COUNT(*) FROM pragma_data_version", "it reads a table of SQLite's own"),
        ("UPDATE sqlite_master SET sql = ''", "table sqlite_master may not be modified"),
        ("BEGIN", "it is no query"),
        ("SAVEPOINT s", "it is no query"),
        ("EXPLAIN SELECT age FROM staff", "it is no query"),
        ("/* how? */ explain query plan SELECT age FROM staff", "it is no query"),
        ("SELECT 4; DROP TABLE staff", "several statements"),
        ("SELECT 4; VALUES (5)", "several statements"),
        ("SELECT 4; /*x*/ DROP TABLE staff", "several statements"),
        ("SELECT 4; -- x\n; EXPLAIN SELECT 5", "several statements"),
        ("```sql\nSELECT 4;\nSELEC 5;\n```", "several statements"),
        ("```sql\nSELECT 4; SELECT 5;\n```\nBoth.", "several statements"),
        (f"SELECT COUNT(*) FROM staff WHERE age IN ({'1, ' * 2_000}1)", "too long"),
        (f"SELECT COUNT(*) FROM staff{' ' * 5_000}WHERE age > 99", "too long"),
        (ENDLESS, "it takes more than 10000000 steps"),
        (ENDLESS.replace("COUNT(*)", "x"), "it gives more than 1000 rows"),
        ("SELECT zeroblob(1000000000)", "string or blob too big"),
        ("SELECT instr(hex(zeroblob(400000)), 'x')", "string or blob too big"),
        (f"SELECT 'a' LIKE '{'%' * 1_001}'", "LIKE or GLOB pattern too complex"),
        ("SELECT hex(zeroblob(40000))", "it gives too much"),
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


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO staff VALUES ('Eve', 'Bonn', 1, 1) RETURNING age",
        "WITH n AS (SELECT 1) INSERT INTO staff SELECT * FROM staff",
        "REPLACE INTO staff VALUES ('Eve', 'Bonn', 1, 1)",
        "CREATE TABLE more (a)",
        "CREATE TEMP TABLE more (a)",
        "CREATE TABLE more AS SELECT 1",
        "CREATE VIEW more AS SELECT 1",
        "CREATE TEMP VIEW more AS SELECT 1",
        "CREATE INDEX more ON staff (age)",
        "CREATE TRIGGER more AFTER INSERT ON staff BEGIN SELECT 1; END",
        "CREATE TEMP TRIGGER more AFTER INSERT ON staff BEGIN SELECT 1; END",
        "CREATE VIRTUAL TABLE more USING rtree(a, b, c)",
        "DROP VIEW old",
        "DROP INDEX by_age",
        "DROP TRIGGER told",
        "ALTER TABLE staff RENAME TO crew",
        "ALTER TABLE staff ADD COLUMN more",
        "REINDEX",
        "ANALYZE",
        "VACUUM",
    ],
)
def test_all_that_writes_is_said_to_write(sandbox, statement):
    made = (
        "CREATE VIEW old AS SELECT 1; CREATE INDEX by_age ON staff (age);"
        "CREATE TRIGGER told AFTER INSERT ON staff BEGIN SELECT 1; END;"
    )
    problem = Problem("n", "How many?", "2", setup=STAFF + made)
    assert read(sandbox, f"```sql\n{statement}\n```", problem).reason in ("it writes", "several statements")
    (result,) = sandbox.execute([query_program(statement, problem.setup)])
    assert answered(result).why == "it writes"


SEARCHED = (
    "CREATE VIRTUAL TABLE notes USING fts5(text); INSERT INTO notes VALUES ('a red boat'), ('a blue boat'), ('a car');"
    "CREATE VIRTUAL TABLE places USING rtree(id, low, high); INSERT INTO places VALUES (1, 0.0, 2.0), (2, 5.0, 6.0);"
)


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        ("SELECT COUNT(*) FROM notes WHERE notes MATCH 'boat'", "2"),
        ("SELECT COUNT(*) FROM notes", "3"),
        ("SELECT id FROM places WHERE low > 1", "2"),
    ],
)
def test_virtual_tables_can_be_read(sandbox, query, answer):
    assert read(sandbox, query, Problem("v", "?", "1", setup=SEARCHED)).answer == answer


@pytest.mark.parametrize("statement", ["INSERT INTO notes VALUES ('x')", "INSERT INTO notes(notes) VALUES ('optimize')"])
def test_virtual_tables_cannot_be_written(sandbox, statement):
    assert read(sandbox, statement, Problem("v", "?", "1", setup=SEARCHED)).reason == "it writes"


class Here:
    """Runs queries in this process."""

    settings: ClassVar[dict[str, str]] = {}

    def execute(self, programs):
        results = []
        for program in programs:
            space = {"GIVEN": program.given}
            exec(program.code, space)
            results.append(Result(program.name, Status.OK, "str", space["solution"]()))
        return results

    def close(self):
        pass


def literal(value):
    if value is None:
        return "NULL"
    if isinstance(value, bytes):
        return f"x'{value.hex()}'"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return repr(value).replace("inf", "9e999")


def query_of(rows):
    if not rows:
        return "SELECT 1 WHERE 0"
    return "VALUES " + ", ".join("(" + ", ".join(map(literal, row)) + ")" for row in rows)


def same_value(one, other):
    if one == other:
        return True
    numbers = all(isinstance(x, int | float) and abs(x) < float("inf") for x in (one, other))
    if not numbers or all(isinstance(x, int) or (x == int(x) and abs(x) < 2**53) for x in (one, other)):
        return False
    return abs(one - other) <= 1e-12 * max(abs(one), abs(other))


def same_table(one, other, ordered):
    return len(one) == len(other) and any(
        all(len(a) == len(b) and all(map(same_value, a, b)) for a, b in zip(one, order, strict=True))
        for order in ([other] if ordered else permutations(other))
    )


NUMBERS = st.sampled_from([0, 1, 1.0, -0.0, 2, 0.3, 0.1 + 0.2, 1 / 3, 0.333333, 1e-300, 4e-7, 5551234.0, 5551235.0, 2**53 + 1])
WORDS = st.sampled_from(
    [
        "",
        " ",
        "null",
        "no rows",
        "1",
        "0.3",
        "1/2",
        "0.5",
        "Rome",
        "rome",
        "rome.",
        "Rome, Italy",
        "Italy",
        "5 | rome",
        "a\nb",
        "a b",
    ]
)
ODD = st.sampled_from([None, b"", b"\0", "00", "x'00'", "'a'", '"a"', "...", "empty text", "[[1]]"])
ANY = (
    st.integers(-(2**63) + 1, 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text("ab,|;'\"\n. é", max_size=4)
    | st.binary(max_size=2)
)
VALUES = NUMBERS | WORDS | ODD | ANY


def alike(value):
    """Values that read as this one does, or are near it."""
    if isinstance(value, int | float):
        return [float(value), value * (1 + 1e-13), value * (1 + 1e-7), value + 1e-7, str(value), cell_text(value)]
    return [cell_text(value), cell_text(value).upper(), f" {cell_text(value)}.", f"'{cell_text(value)}'"]


def joined(rows):
    """Fewer rows and cells that read as these do."""
    by_comma = [(", ".join(map(cell_text, row)),) for row in rows]
    by_bar = [(" | ".join(map(cell_text, row)),) for row in rows]
    return [by_comma, by_bar, [(table_text(rows, ordered=True),)]]


@st.composite
def two_tables(draw):
    """Two tables, of which the second is mostly the first in another order, or reads as it does, or differs in one value."""
    width = draw(st.integers(1, 2))
    row = st.tuples(*[VALUES] * width)
    one = draw(st.lists(row, max_size=4))
    other = list(draw(st.permutations(one)))
    how = draw(st.sampled_from(["as it is", "alike", "joined", "one row", "another"]))
    if how == "another":
        return one, draw(st.lists(row, max_size=4))
    if how == "joined":
        return one, draw(st.sampled_from(joined(other)))
    if other and how != "as it is":
        place, column = draw(st.integers(0, len(other) - 1)), draw(st.integers(0, width - 1))
        new = list(other[place])
        new[column] = draw(st.sampled_from(alike(new[column]))) if how == "alike" else draw(VALUES)
        other[place] = tuple(new)
    return draw(st.permutations([one, other]))


@given(two_tables(), st.booleans())
def test_a_query_is_right_just_where_its_table_is_the_gold_one(tables, ordered):
    given, gold = tables
    kind = AnswerKind.TEXT if exact_text(gold) is None else AnswerKind.NUMBER
    tags = ("ordered",) if ordered else ()
    problem = Problem("p", "?", table_text(gold, ordered), kind, tests=(written(gold),), tags=tags)
    readings = SQL.read_all([query_of(given)], [problem], Here())
    ((verdict, _),) = verdicts(readings, [problem], Here())
    assert (verdict is Verdict.RIGHT) is same_table(given, gold, ordered)
    assert verdict is not Verdict.UNJUDGED
    assert (Rows()(problem, readings[0]).verdict is Verdict.RIGHT) is (verdict is Verdict.RIGHT)


def test_a_wrong_table_that_reads_as_the_gold_one_is_not_taken_for_it(sandbox):
    gold = (("Rome",), ("Oslo",))
    problem = Problem("p", "?", table_text(gold, ordered=False), AnswerKind.TEXT, setup=STAFF, tests=(written(gold),))
    queries = [
        "SELECT DISTINCT city FROM staff",
        "SELECT DISTINCT lower(city) FROM staff",
        "SELECT 'Oslo, Rome'",
        "SELECT 'Oslo'",
    ]
    readings = SQL.read_all(queries, [problem] * 4, sandbox)
    assert [r.answer for r in readings][::3] == ["oslo, rome", "oslo"]
    assert len({r.answer for r in readings}) == 4
    assert [verdict_of(r.answer, problem)[0] for r in readings] == [Verdict.RIGHT, *[Verdict.WRONG] * 3]
    assert readings[1].output == "oslo, rome"


def test_a_number_that_is_near_the_gold_one_is_wrong(sandbox):
    problem = Problem("p", "?", "6", setup=STAFF, tests=(written([(6,)]),))
    for query, answer in {"SELECT 6.00001": "6.00001", "SELECT 6.0000001": "6 [exactly 6.0000001]"}.items():
        reading = read(sandbox, query, problem)
        assert (reading.answer, verdict_of(reading.answer, problem)[0]) == (answer, Verdict.WRONG)


def test_tests_of_another_kind_are_no_table(sandbox):
    problem = Problem("p", "?", "", AnswerKind.TESTS, tests=("assert f(1) == 2",), setup="import re")
    assert not read(sandbox, "SELECT 1", problem).judged


def test_a_query_that_runs_out_of_time_is_judged_as_a_program_is():
    class Slow(Here):
        def execute(self, programs):
            return [Result(program.name, Status.TIMEOUT) for program in programs]

    reading = read(Slow(), "SELECT 1")
    assert (reading.answer, reading.reason, reading.judged) == (None, "timeout", True)


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
        ("VALUES (2)", True),
        ("SELECT iif(1, 2, 3)", True),
        ("SELECT 2 UNION SELECT 2", True),
        ("SELECT 'from' -- from", True),
    ],
)
def test_a_constant_is_a_leak(query, leak):
    assert SQL.leaks(COUNTED, query, "2") is leak


@given(st.text(alphabet="ab;'\"-/*`[] \n", max_size=60))
def test_no_end_of_a_query_is_judged_without_its_beginning(text):
    cleaned = SQL.clean(text)
    assert cleaned in text


def test_steps_are_alike_whatever_the_layout_and_differ_by_what_is_quoted():
    same = SQL.steps("SELECT  age\nFROM staff WHERE name = 'Ana'")
    assert same == SQL.steps("select age from staff where name = 'Ana'")
    assert same == SQL.steps("select age -- of Ana\nfrom staff where name='Ana'")
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


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("SELECT 2", "constant"),
        ("SELECT 1 + 1", "constant"),
        ("VALUES ('Bob')", "constant"),
        ("SELECT 'Bob' UNION SELECT 'Ana'", "constant"),
        ("WITH a(n) AS (VALUES (2)) SELECT n FROM a", "constant"),
        ("SELECT SUM(value) FROM json_each('[1, 1]')", "constant"),
        ("SELECT COUNT(*) FROM staff", "value"),
        ("SELECT name FROM staff", "rows"),
        ("SELECT 1 WHERE EXISTS (SELECT 1 FROM staff)", "value"),
    ],
)
def test_a_query_that_reads_no_table_is_a_constant(sandbox, query, reason):
    assert read(sandbox, query, NAMED).reason == reason


def test_without_tables_there_is_nothing_to_read(sandbox):
    assert read(sandbox, "SELECT 1 + 1", Problem("p", "?", "2")).reason == "value"
