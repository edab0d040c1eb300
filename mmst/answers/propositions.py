"""Propositional formulas: written, read, and evaluated row by row of a truth table.

`kind and not calm -> tall` is read as `(kind and (not calm)) -> tall`. The signs of logic do as well as
words: `~ ! ¬`, `& ∧`, `v`, `=> → ⇒`, `<=> ↔`. A name is a word, or several joined by underscores.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

TRUE, FALSE, UNKNOWN = "True", "False", "Unknown"
ANSWERS = (TRUE, FALSE, UNKNOWN)
"""What premises say of a statement: it follows, its opposite follows, or neither does."""
LONGEST = 500
"""Characters of a formula; deeper nesting than these allow is refused, too."""
MOST_BRACKETS = 40
SIGNS = {
    "~": "not", "!": "not", "¬": "not", "&": "and", "&&": "and", "∧": "and", "^": "and", "\u2228": "or", "v": "or",
    "=>": "->", "→": "->", "⇒": "->", "implies": "->", "<=>": "<->", "↔": "<->", "iff": "<->", "⊕": "xor",
}  # fmt: skip
LEVELS = ("<->", "->", "xor", "or", "and")
"""Operators, those that bind least first."""
WORDS = ("not", *LEVELS)
TOKEN = re.compile(r"\s*(<->|<=>|->|=>|&&|[~!¬&∧^\u2228→⇒↔⊕()]|[^\W\d]\w*)")
Row = Mapping[str, bool]
"""The truth value of each name."""


@dataclass(frozen=True, slots=True)
class Formula:
    """A name, or an operator with its parts."""

    operator: str
    """A name where there are no parts; else `not`, `and`, `or`, `xor`, `->` or `<->`."""
    parts: tuple[Formula, ...] = ()

    def holds(self, row: Row) -> bool:
        """Whether it is true in a row that has all its names."""
        if not self.parts:
            return row[self.operator]
        values = [part.holds(row) for part in self.parts]
        if self.operator == "not":
            return not values[0]
        left, right = values
        return {
            "and": left and right,
            "or": left or right,
            "xor": left != right,
            "->": not left or right,
            "<->": left == right,
        }[self.operator]

    @property
    def names(self) -> tuple[str, ...]:
        """Its names, each once, in the order in which they are met."""
        if not self.parts:
            return (self.operator,)
        return tuple(dict.fromkeys(name for part in self.parts for name in part.names))

    def __str__(self) -> str:
        if not self.parts:
            return self.operator
        shown = [f"({part})" if len(part.parts) > 1 else str(part) for part in self.parts]
        return f"not {shown[0]}" if self.operator == "not" else f" {self.operator} ".join(shown)


def name(word: str) -> Formula:
    """A formula that is a name alone."""
    return Formula(word)


def negation(formula: Formula) -> Formula:
    """Not the formula; what was a `not` loses it."""
    return formula.parts[0] if formula.operator == "not" else Formula("not", (formula,))


def parse(text: str) -> Formula | None:
    """The formula that a text writes; None where it writes none."""
    tokens = _tokens(text) if len(text) <= LONGEST and text.count("(") <= MOST_BRACKETS else None
    if not tokens:
        return None
    try:
        formula, at = _binary(tokens, 0, 0)
    except (_NoFormula, IndexError, RecursionError):
        return None
    return formula if at == len(tokens) else None


def rows(names: Sequence[str]) -> Iterator[dict[str, bool]]:
    """All rows of a truth table, the one where all is true first."""
    for values in itertools.product((True, False), repeat=len(names)):
        yield dict(zip(names, values, strict=True))


def said_of(statement: Formula, premises: Sequence[Formula]) -> str | None:
    """What premises say of a statement, one of `ANSWERS`; None where they contradict each other."""
    names = tuple(dict.fromkeys(word for formula in (*premises, statement) for word in formula.names))
    return verdict(statement.holds(row) for row in rows(names) if all(premise.holds(row) for premise in premises))


def verdict(values: Iterable[bool]) -> str | None:
    """The same from the statement's values in the rows where all premises hold."""
    seen = set(values)
    return None if not seen else UNKNOWN if len(seen) > 1 else TRUE if True in seen else FALSE


class _NoFormula(Exception):
    """A text is no formula."""


def _tokens(text: str) -> list[str] | None:
    found, at = [], 0
    stripped = text.rstrip()
    while at < len(stripped):
        match = TOKEN.match(stripped, at)
        if match is None:
            return None
        word = match[1]
        lowered = word.lower()
        found.append(SIGNS.get(word) or SIGNS.get(lowered if len(word) > 1 else "") or (lowered if lowered in WORDS else word))
        at = match.end()
    return found


def _binary(tokens: Sequence[str], at: int, level: int) -> tuple[Formula, int]:
    """A formula of operators that bind as `LEVELS[level]` does or more; arrows group to the right, the others to the left."""
    if level == len(LEVELS):
        return _unary(tokens, at)
    left, at = _binary(tokens, at, level + 1)
    while at < len(tokens) and tokens[at] == LEVELS[level]:
        right, at = _binary(tokens, at + 1, level if LEVELS[level] == "->" else level + 1)
        left = Formula(LEVELS[level], (left, right))
    return left, at


def _unary(tokens: Sequence[str], at: int) -> tuple[Formula, int]:
    if tokens[at] == "not":
        inner, at = _unary(tokens, at + 1)
        return Formula("not", (inner,)), at
    if tokens[at] == "(":
        inner, at = _binary(tokens, at + 1, 0)
        if tokens[at] != ")":
            raise _NoFormula
        return inner, at + 1
    if not re.match(r"[^\W\d]", tokens[at]) or tokens[at] in LEVELS:
        raise _NoFormula
    return Formula(tokens[at]), at + 1
