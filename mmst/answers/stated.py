"""What a statement of a number can be, and what one is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction


class Form(StrEnum):
    """What was stated."""

    NUMBER = "number"
    OTHER = "other"
    """Several values, a time, a ratio, an expression: stated, and no one number."""
    OPEN = "expression"
    """A calculation without its result."""


@dataclass(frozen=True, slots=True)
class Stated:
    """A statement's value."""

    form: Form
    text: str = ""
    """Of one number its canonical text, else the statement without markup."""
    unit: str = ""
    """The word after the number, where there is one."""
    value: Fraction | None = None
    """Of one number its exact value, where its text may be rounded."""
