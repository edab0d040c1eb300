import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmst.methods.queries_in import query_in

Q = "SELECT COUNT(*) FROM boat WHERE port = 'Cork'"
OTHER = "SELECT name FROM boat"


@pytest.mark.parametrize(
    "completion",
    [
        f"<think>\n\n</think>\n\n{Q}",
        f"<think>\nPerhaps\n```sql\n{OTHER}\n```\nNo, only Cork.\n</think>\n```sql\n{Q}\n```",
        f"{Q}\n<think>Is it? {OTHER}",
        f"[THINK]{OTHER}[/THINK]{Q};",
    ],
)
def test_what_is_thought_is_no_query(completion):
    assert query_in(completion).asked == Q


def test_thinking_that_never_ends_has_no_query():
    assert query_in(f"<think>\n```sql\n{Q}\n```").asked == ""


@pytest.mark.parametrize(
    "completion",
    [
        f"```{Q}```",
        f"```sql {Q}; ```",
        f"The query is ```{Q}``` here.",
        f"Here: ```sql\n{Q}\n```",
        f"```sql\r\n{Q};\r\n```",
        f"~~~sql\n{Q}\n~~~",
        f"````sql\n{Q}\n````",
        f"  ```sql\n  {Q}\n  ```",
        f"```sql\n{Q}",
        f"```sql\n{Q}```",
        f"<sql>{Q}</sql>",
        f"{Q}</sql>\nIt counts.",
        f"{Q}\n```",
        f"{Q};\n```\nThis counts; select nothing more.",
        f"Query: {Q}\n```\nDone.",
        f"First the schema:\n```\nboat(name, port)\n```\nThen:\n```sql\n{Q}\n```",
        f"```sql\nCREATE TABLE boat (name, port);\n```\nSo:\n```sql\n{Q}\n```",
        f"```sql\n{Q}\n```\nfor\n```sql\nCREATE TABLE boat (name, port);\n```",
        f"```text\nplan\n```\n```sql\n{Q}\n```\n```\n2\n```",
        f"```\n\n```\n```sql\n{Q}\n```",
        f"```sql\n```\n{Q}\n```",
        f"SELECT\n```sql\n{Q}\n```",
        f"1. Find them:\n```sql\n{OTHER}\n```\n2. Count:\n```sql\n{Q}\n```",
        f"```sql\n{OTHER}\n```sql\n{Q}\n```",
        f"{Q}\n```\nwhich gives\n```\n2\n```",
        f"{Q};\n\n```\n2\n```",
        f"```\nQuery: {Q}\n```",
        f"```sql\n-- all; of them\n;;{Q};\n-- done\n```".replace(";;", ""),
    ],
)
def test_the_last_block_that_begins_a_statement_is_read_and_others_are_not(completion):
    assert query_in(completion).asked.removeprefix("-- all; of them\n") == Q


@pytest.mark.parametrize(
    "completion",
    [
        f"`{Q}`",
        f"Use `SELECT` as in `{Q}`.",
        f"Here is the query:\n{Q}",
        f"Here is the SQL query: {Q}",
        f"Query: {Q}",
        f"**Answer:** {Q}",
        f"## SQL:\n\n{Q};",
        f"**{Q};**",
        f"**{Q}**",
        f"The query is\n\n    {Q};",
        f"sqlite> {Q};",
        f"> {Q}",
        f"; {Q}",
        f"{Q}\uff1b",
        f"{Q}\n\nThis counts the boats in Cork.",
        f"{Q}\n\n\nAnswer: 2",
        f"{Q}\n\n**Explanation** SELECT 1",
        f"{Q}<|im_end|>",
        f"{Q}; <|endoftext|>{OTHER}",
        f"Question: Which boats?\n{Q}",
        f"Question: Which boats?\nName | port\nQuery: {Q}\nQuestion: And Brest?\nQuery: SELECT 1",
        f"{Q}\nQuestion: And Brest?\nQuery: SELECT 1",
        f"{Q};\n\nUpdate: this is right.",
        f"{Q};\nExplain: it counts.",
        f"{Q};\nReplace Cork by another port.",
        f"{Q};\nValues are 2.",
        f"{Q}; With this query, all is read.",
        f"{Q};\nSelect is used as it reads.",
        f"With this query all is read:\n{Q}",
    ],
)
def test_without_a_block_it_is_the_line_that_begins_a_statement(completion):
    assert query_in(completion).asked == query_in(completion).kept == Q


@pytest.mark.parametrize(
    "query",
    [
        "SELECT name\nFROM boat\n\nWHERE port = 'Cork'\n\n-- by length\nORDER BY length",
        "SELECT name FROM boat WHERE port IN (\n\n'Cork'\n\n)",
        "SELECT 'a\n\nThis is it' AS text",
        "WITH s AS (\n  SELECT 1 AS n\n)\n\nSELECT n FROM s",
    ],
)
def test_an_empty_line_within_a_query_does_not_end_it(query):
    assert query_in(query).asked == query
    assert query_in(f"{query}\n\nThis is it.").asked == query


@pytest.mark.parametrize(
    "completion",
    [
        f"{Q}; DROP TABLE boat",
        f"{Q}; (SELECT 5)",
        f"{Q}; UNION ALL SELECT 5",
        f"{Q};\nThat is wrong.\n{OTHER};",
        f"{Q};\nThat is wrong.\nQuery: {OTHER}",
        f"{Q}\n\nNo:\n{OTHER}",
        f"```sql\n{Q};\nSELEC 5;\n```",
        f"{Q};\n```\n2\n```\n{OTHER}",
        f"CREATE TABLE boat (name);\n{Q}",
    ],
)
def test_a_second_statement_is_never_dropped_unseen(completion):
    asked = query_in(completion).asked
    assert "SELECT COUNT" in asked
    assert len(asked) > len(Q) + 8


def test_the_last_block_is_asked_though_it_is_no_query():
    assert query_in(f"```sql\n{Q}\n```\n```sql\nDROP TABLE boat\n```").asked == "DROP TABLE boat"
    assert query_in("```sql\nCREATE TABLE boat (name);\n```").asked == "CREATE TABLE boat (name)"


@pytest.mark.parametrize("text", ["The answer is 2.", "", "```python\nimport sqlite3\n```", "SELEC 1"])
def test_without_a_query_all_of_it_is_asked(text):
    assert query_in(text).asked == text


def test_spaces_that_sqlite_does_not_know_are_plain_outside_of_quotes():
    found = query_in("\ufeffSELECT\u00a0name FROM boat WHERE port = 'a\u00a0b'")
    assert found.asked == "SELECT name FROM boat WHERE port = 'a\u00a0b'"
    assert query_in("```\n\u00a0SELECT\u00a01\n```").asked == "SELECT 1"


@pytest.mark.parametrize("text", ["\n", "``` ", "```\n", "`", "/*", "> ", "Question:\n"])
def test_a_long_text_is_read_at_once(text):
    assert query_in(f"{Q};\n" + text * 200_000 + "x").asked.startswith("SELECT")


PARTS = [
    "```",
    "```sql",
    "~~~",
    "<sql>",
    "</sql>",
    "\n",
    "\n\n",
    " ",
    ";",
    "'",
    '"',
    "`",
    "(",
    "--",
    "/*",
    "*/",
    "**",
    "Query:",
]
PARTS += [
    "SELECT 1",
    "DROP TABLE t",
    "CREATE TABLE t",
    "FROM t",
    "Words",
    "With this",
    "Question:",
    "<think>",
    "</think>",
    "a\u00a0b",
]


@given(st.lists(st.sampled_from(PARTS), max_size=14).map("".join))
def test_what_is_kept_is_a_part_that_is_read_as_itself(text):
    found = query_in(text)
    assert found.kept in text
    assert query_in(found.kept) == found


def test_lines_may_end_as_those_of_windows():
    text = "```sql\nSELECT 1\n```\nNo:\n```sql\nSELECT name\nFROM boat\n```\nSelect the rows, then count."
    assert query_in(text.replace("\n", "\r\n")).asked == query_in(text).asked == "SELECT name\nFROM boat"
