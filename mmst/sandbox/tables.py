"""What queries give, as tables: whether two are the same, and how one is written.

A table has three forms. Its values (None, int, float, str, bytes) are what queries are compared by. JSON keeps these as they
are. Its text is what a person reads and writes, and several tables have the same one: one row with `Rome, Italy`, and two.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from mmst.answers.texts import canonical_text

Rows = Sequence[tuple[Any, ...]]

TOLERANCE = 1e-12
"""Relative, of numbers of which one is no whole number: sums and means of reals depend on the order in which they are added.

Those of thousands of reals of one sign differ by less than this, and a second in a time of Unix by more. None is absolute: what
cancels out to almost 0 is not 0."""
EXACT = 2**53
"""From here on reals have no digits behind the point, and sums of them differ in the last ones before it."""
BLOB = "blob"
"""The only key of an object that stands for bytes, in hexadecimal digits."""
NO_ROWS, EMPTY = "no rows", "empty text"
ROWS_JOINED_BY = ", "
LONGEST_TEXT = 2_000
"""Characters of rows that are written out."""
SMALL = 1e-3
"""Below this, six digits of a number are written and not six places."""
LETTERS = str.maketrans("0123456789", "ghijklmnop")


def same_rows(one: Rows, other: Rows, ordered: bool) -> bool:
    """Whether two tables hold the same rows, in the same order if `ordered`, each as often in both.

    Values are the same where SQL says so: 1 and 1.0 are, 1 and '1', 'a' and 'A', NULL and '' are not. NULL is NULL here.
    """
    if len(one) != len(other):
        return False
    if ordered:
        return all(map(_same_row, one, other))
    if Counter(one) == Counter(other) or all(map(_same_row, sorted(one, key=_place), sorted(other, key=_place))):
        return True
    return _may_match(one, other) and _match(one, other)


def table_text(rows: Rows, ordered: bool) -> str:
    """Rows as one text, cells joined by ` | ` and rows by commas, sorted unless `ordered`; never one without a letter or digit.

    A long one ends in a digest of all of it.
    """
    lines = [" | ".join(map(cell_text, row)) for row in rows]
    text = ROWS_JOINED_BY.join(lines if ordered else sorted(lines)) if rows else NO_ROWS
    if (plain := canonical_text(text)) is None:
        return table_name(rows)
    return text if len(text) <= LONGEST_TEXT else f"{plain[:LONGEST_TEXT]}... {_digest(plain)}"


def cell_text(value: Any) -> str:
    """One value as text: whole numbers without a point, others with six places, small ones with six digits."""
    if value is None:
        return "null"
    if isinstance(value, bytes):
        return f"x'{value.hex()}'"
    if isinstance(value, float):
        return _number_text(value)
    return shown(value).strip() or EMPTY if isinstance(value, str) else str(value)


def exact_text(rows: Rows) -> str | None:
    """The number that is all of a table, with all of its digits; None of another table."""
    if len(rows) != 1 or len(rows[0]) != 1 or not isinstance(rows[0][0], int | float) or not math.isfinite(rows[0][0]):
        return None
    return f"{Decimal(repr(rows[0][0])):f}"


def table_name(rows: Rows) -> str:
    """A name of a table that no other has, and that reads as no number."""
    return f"table {_digest(written(rows)).translate(LETTERS)}"


def written(rows: Rows) -> str:
    """A table as JSON."""
    return json.dumps(rows, default=lambda value: {BLOB: value.hex()})


def read(text: str) -> tuple[tuple[Any, ...], ...]:
    """The table that `written` wrote."""
    return table_of(json.loads(text))


def table_of(rows: Sequence[Sequence[Any]]) -> tuple[tuple[Any, ...], ...]:
    """Rows out of JSON, their values as Python's."""
    return tuple(tuple(bytes.fromhex(x[BLOB]) if isinstance(x, dict) else x for x in row) for row in rows)


def shown(text: str) -> str:
    """A text of a database as characters: bytes that are none become replacement characters."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _number_text(value: float) -> str:
    if not math.isfinite(value):
        return str(value)
    if 0 < abs(value) < SMALL:
        return f"{value:.6g}"
    return f"{value + 0.0:.6f}".rstrip("0").rstrip(".")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _same_row(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    return len(one) == len(other) and all(map(_same_value, one, other))


def _place(row: tuple[Any, ...]) -> list[tuple[str, Any]]:
    """What sorts rows of any values: texts and their like first, so that nearly equal rows mostly get the same place."""
    return [("", 0) if _is_number(x) else (type(x).__name__, x or type(x)()) for x in row] + [
        ("", x) for x in row if _is_number(x)
    ]


def _same_value(one: Any, other: Any) -> bool:
    if one == other:
        return True
    return _is_number(one) and _is_number(other) and not (_is_exact(one) and _is_exact(other)) and _near(one, other)


def _near(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=TOLERANCE)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)


def _is_exact(value: float) -> bool:
    """Whether a number is whole, and not so large that it may be the rounded sum of reals."""
    return isinstance(value, int) or (value.is_integer() and abs(value) < EXACT)


def _may_match(one: Rows, other: Rows) -> bool:
    """Whether all but numbers are the same, and the sorted numbers of each column near each other: quick, and rarely wrong."""
    kinds = [Counter(tuple("#" if _is_number(x) else (x,) for x in row) for row in rows) for rows in (one, other)]
    if kinds[0] != kinds[1]:
        return False
    columns = [[sorted(filter(_is_number, column)) for column in zip(*rows, strict=False)] for rows in (one, other)]
    return all(all(map(_near, a, b)) for a, b in zip(*columns, strict=False))


def _match(one: Rows, other: Rows) -> bool:
    """Whether each row has one of its own in the other table: nearness is not transitive, so that sorting does not tell."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import maximum_bipartite_matching

    graph = csr_array([[_same_row(a, b) for b in other] for a in one])
    return bool((maximum_bipartite_matching(graph, perm_type="column") >= 0).all())
