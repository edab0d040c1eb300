import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmst.sandbox.statements import begins_statement, first_statement, in_one_layout, is_ordered, pieces


@pytest.mark.parametrize(
    ("query", "ordered"),
    [
        ("SELECT a FROM t ORDER BY b", True),
        ("select a from t order\n  by b limit 3;", True),
        ("SELECT a FROM t ORDER /* by what? */ BY b", True),
        ("SELECT a FROM t UNION SELECT a FROM u ORDER BY a", True),
        ("SELECT a FROM t WHERE b IN (SELECT b FROM u) ORDER BY count(*)", True),
        ("WITH c AS (SELECT 1) SELECT * FROM c ORDER BY 1", True),
        ("SELECT a FROM t WHERE b = ')' ORDER BY a", True),
        ("SELECT a FROM t", False),
        ("SELECT a FROM t WHERE b = (SELECT b FROM u GROUP BY b ORDER BY count(*) DESC LIMIT 1)", False),
        ("SELECT * FROM (SELECT a FROM t ORDER BY max(b))", False),
        ("WITH c AS (SELECT a FROM t ORDER BY count(*)) SELECT * FROM c", False),
        ("SELECT row_number() OVER (PARTITION BY a ORDER BY lower(b)) FROM t", False),
        ("SELECT a FROM t WHERE b = 'it''s in order by now'", False),
        ('SELECT a AS "order by" FROM t', False),
        ("SELECT a AS `order by` FROM t", False),
        ("SELECT [order by] FROM t", False),
        ("SELECT a FROM t -- order by a", False),
        ("SELECT a /* order by a */ FROM t", False),
        ('SELECT a "order", by FROM t', False),
        ("SELECT border, by_name FROM t", False),
        ("SELECT a FROM t; SELECT a FROM t ORDER BY a", False),
    ],
)
def test_a_query_is_ordered_by_its_own_clause_alone(query, ordered):
    assert is_ordered(query) is ordered


@pytest.mark.parametrize(
    ("text", "statement", "rest"),
    [
        ("SELECT 1", "SELECT 1", ""),
        (" SELECT 1 ; that is it", "SELECT 1", " that is it"),
        ("SELECT ';' ; x", "SELECT ';'", " x"),
        ("SELECT 'it''s; so';x", "SELECT 'it''s; so'", "x"),
        ('SELECT "a;b";x', 'SELECT "a;b"', "x"),
        ("SELECT `a;b`;x", "SELECT `a;b`", "x"),
        ("SELECT [a;b];x", "SELECT [a;b]", "x"),
        ("SELECT 1 -- one; two\n;x", "SELECT 1 -- one; two", "x"),
        ("SELECT 1 /* one; two */;x", "SELECT 1 /* one; two */", "x"),
        ("SELECT 1 /* one; two", "SELECT 1 /* one; two", ""),
        ("SELECT 'one; two", "SELECT 'one; two", ""),
        ("SELECT a[1;x", "SELECT a[1;x", ""),
    ],
)
def test_a_statement_ends_at_a_semicolon_outside_of_quotes_and_remarks(text, statement, rest):
    assert first_statement(text) == (statement, rest)


@given(
    st.lists(st.sampled_from(["'", '"', "`", "[", "]", "--", "/*", "*/", "\n", ";", "a", " ", "(", "-", "/", "*"]), max_size=20)
)
def test_sqlite_itself_finds_a_statement_complete_at_the_same_place(parts):
    text = "".join(parts)
    end = next((n for n in range(len(text)) if text[n] == ";" and sqlite3.complete_statement(text[: n + 1])), None)
    expected = (text.strip(), "") if end is None else (text[:end].strip(), text[end + 1 :])
    assert first_statement(text) == expected


@pytest.mark.parametrize(
    ("text", "begins"),
    [
        (" VALUES (2)", True),
        ("/*x*/ DROP TABLE t", True),
        ("-- and\n;; insert into t", True),
        ("Reindex", True),
        ("This counts the rows; select nothing more.", False),
        ("Selected are all rows.", False),
        ("Select is used to read.", False),
        ("SELECT counts the rows", False),
        ("Select all rows", True),
        ("(SELECT 5)", True),
        ("SELECT 'it is'", True),
        ("SELECT a b FROM t", True),
        ("\ufeffSELECT 5", True),
        ("With this query, all is read.", False),
        ("With care (it is old)", True),
        ('WITH "a b" AS (SELECT 1) SELECT * FROM "a b"', True),
        ("with recursive c(x) as (select 1) select x from c", True),
        ("Values are 2.", False),
        ("Update: this is right.", False),
        ("UPDATE t SET a = 1", True),
        ("update main.t as u set a = 1", True),
        ("Explain: it counts.", False),
        ("EXPLAIN QUERY PLAN SELECT 1", True),
        ("Replace Cork by another port.", False),
        ("REPLACE INTO t VALUES (1)", True),
        ("Insert a row.", False),
        ("Delete nothing.", False),
        ("Drop me a line.", False),
        ("Create your own.", False),
        ("End", True),
        ("End of the query.", False),
        ("Release notes are below.", False),
        ("PRAGMA main.user_version", True),
        ("Attach it.", False),
        ("attach 'a b' as c", True),
        ("UNION ALL SELECT 5", True),
        ("-- SELECT 1", False),
        ("", False),
    ],
)
def test_what_begins_a_statement_is_seen_behind_remarks(text, begins):
    assert begins_statement(text) is begins


def test_layout_and_remarks_make_no_difference_and_what_is_quoted_does():
    assert pieces("SELECT a , 'B b' -- c") == ["SELECT", "a", ",", "'B b'"]
    assert (
        in_one_layout("SELECT  A,'B b'\nFROM t/* u */") == in_one_layout("select a, 'B b' from t") != "select a , 'b b' from t"
    )


def test_a_long_text_is_read_at_once():
    assert len(pieces("'" * 100_001)) == 1
    assert is_ordered("(" * 100_000) is False
