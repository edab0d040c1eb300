"""What a text of SQL is made of, as SQLite reads it: quoted texts and names, remarks, words, signs (https://sqlite.org/lang.html).

Nothing here knows whether it is a query; that is asked of SQLite.
"""

from __future__ import annotations

import re
from itertools import islice, pairwise

PIECE = re.compile(
    r"""'(?:[^']|'')*+'?|"(?:[^"]|"")*+"?|`(?:[^`]|``)*+`?|\[[^\]]*\]?|--[^\n]*|/\*(?:.*?\*/|.*)|\w+|\s+|.""", re.DOTALL
)
REMARKS = ("--", "/*")
QUOTES = ("'", '"', "`", "[")
NAME = re.compile(r"[^\W\d]\w*")
KEYWORD = re.compile(
    r"all|and|as|between|by|case|cast|collate|cross|distinct|else|end|escape|except|exists|from|full|glob|group"
    r"|having|in|inner|intersect|into|is|isnull|join|left|like|limit|match|natural|not|notnull|null|on|or|order"
    r"|outer|over|regexp|right|select|set|table|then|to|union|using|values|when|where|with"
)
"""Words of SQL's that are no names."""
STATEMENT = re.compile(
    r"""(?:explain\ (?:query\ plan\ )?)?(?:
      select\b(?!\ (?:and|as|between|by|from|group|having|in|into|is|join|like|on|or|order|then|to|union|using|where|with)\b)
            (?!\ name\ name\ name)
    | with\ (?:recursive\ )?\S+\ (?:\(|as\ (?:not\ )?(?:materialized\ )?\()
    | (?:union|except|intersect)\ (?:all\ )?(?:select|values)\b
    | values\ \(
    | (?:insert\ (?:into|or)|replace\ into|delete\ from)\b
    | update\ (?:or\ \S+\ )?\S+(?:\ \.\ \S+)?(?:\ as\ \S+|\ indexed\ by\ \S+|\ not\ indexed)?\ set\b
    | create\ (?:temp|temporary|table|view|index|unique|trigger|virtual)\b
    | drop\ (?:table|view|index|trigger)\b
    | alter\ table\b
    | attach\ (?:database\ )?\S+\ as\b
    | (?:savepoint|release|detach)\ (?:savepoint\ |database\ )?\S+(?:\ ;|$)
    | pragma\ \S+(?:\ \.\ \S+)?(?:\ [=(;]|$)
    | (?:vacuum|analyze|reindex)(?:\ \S+(?:\ \.\ \S+)?)?(?:\ ;|\ into\b|$)
    | (?:begin|commit|end|rollback)(?:\ ;|\ (?:transaction|deferred|immediate|exclusive|to)\b|$)
    )""",
    re.VERBOSE,
)
"""How a statement of SQLite begins (https://sqlite.org/lang.html), or the rest of one.

Names that might be words are written as `name`."""
OPENING = re.compile(r"(?:[\s;(\ufeff\u200b]|--[^\n]*|/\*(?:.*?\*/|.*))*+(\w*)", re.DOTALL)
"""What may stand before a statement, and its first word."""
FIRST_WORD = re.compile(
    "alter|analyze|attach|begin|commit|create|delete|detach|drop|end|except|explain|insert|intersect|pragma|reindex|release|replace"
    "|rollback|savepoint|select|union|update|vacuum|values|with",
    re.IGNORECASE,
)
MOST_PIECES = 14
"""Of a statement's beginning."""


def pieces(text: str) -> list[str]:
    """All that a text is made of, without white space and remarks."""
    return [piece for piece in PIECE.findall(text) if not is_blank(piece)]


def first_statement(text: str) -> tuple[str, str]:
    """The text up to its first semicolon outside of quotes and remarks, and what follows it."""
    for found in PIECE.finditer(text):
        if found[0] == ";":
            return text[: found.start()].strip(), text[found.end() :]
    return text.strip(), ""


def begins_statement(text: str) -> bool:
    """Whether a text, after remarks, semicolons and brackets, may be a statement, by more than its first word.

    `Update: this is right` and `With this query, ...` are prose; what is doubtful, such as `Select all rows`, is a statement.
    """
    opening = OPENING.match(text)
    if opening is None or not FIRST_WORD.fullmatch(opening[1]):
        return False
    told = (piece for found in PIECE.finditer(text, opening.start(1)) if not is_blank(piece := found[0]))
    word, *rest = ("quoted" if piece.startswith(QUOTES) else piece.lower() for piece in islice(told, MOST_PIECES))
    named = ("name" if word == "select" and NAME.fullmatch(piece) and not KEYWORD.fullmatch(piece) else piece for piece in rest)
    return STATEMENT.match(" ".join([word, *named])) is not None


def is_ordered(query: str) -> bool:
    """Whether the query itself has an `ORDER BY`, which then is its last or that of all parts of a `UNION`.

    One within parentheses orders a subquery, a window or what an aggregate takes, and leaves the rows in any order.
    """
    depth, outside = 0, [""]
    for piece in pieces(first_statement(query)[0]):
        depth += (piece == "(") - (piece == ")")
        if not depth:
            outside.append(piece.lower())
    return ("order", "by") in pairwise(outside)


def in_one_layout(query: str) -> str:
    """The query in small letters but for what is quoted, with single spaces and no remarks."""
    return " ".join(piece if piece.startswith(QUOTES) else piece.lower() for piece in pieces(query))


def is_blank(piece: str) -> bool:
    """Whether a piece is white space or a remark."""
    return piece.isspace() or piece.startswith(REMARKS)
