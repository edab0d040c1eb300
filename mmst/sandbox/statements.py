"""What a text of SQL is made of, as SQLite reads it: quoted texts and names, remarks, words, signs (https://sqlite.org/lang.html).

Nothing here knows whether it is a query; that is asked of SQLite.
"""

from __future__ import annotations

import re
from itertools import pairwise

PIECE = re.compile(
    r"""'(?:[^']|'')*+'?|"(?:[^"]|"")*+"?|`(?:[^`]|``)*+`?|\[[^\]]*\]?|--[^\n]*|/\*(?:.*?\*/|.*)|\w+|\s+|.""", re.DOTALL
)
REMARKS = ("--", "/*")
QUOTES = ("'", '"', "`", "[")
BEGINNING = re.compile(
    r"(?:alter|analyze|attach|begin|commit|create|delete|detach|drop|end|explain|insert|pragma|reindex|release|replace|rollback"
    r"|savepoint|select|update|vacuum|values|with)",
    re.IGNORECASE,
)
"""Words that a statement of SQLite begins with."""


def pieces(text: str) -> list[str]:
    """All that a text is made of, without white space and remarks."""
    return [piece for piece in PIECE.findall(text) if not _is_blank(piece)]


def first_statement(text: str) -> tuple[str, str]:
    """The text up to its first semicolon outside of quotes and remarks, and what follows it."""
    for found in PIECE.finditer(text):
        if found[0] == ";":
            return text[: found.start()].strip(), text[found.end() :]
    return text.strip(), ""


def begins_statement(text: str) -> bool:
    """Whether the first word of a text, after remarks and semicolons, is one that begins a statement."""
    word = next((piece for found in PIECE.finditer(text) if not _is_blank(piece := found[0]) and piece != ";"), "")
    return BEGINNING.fullmatch(word) is not None


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


def _is_blank(piece: str) -> bool:
    return piece.isspace() or piece.startswith(REMARKS)
