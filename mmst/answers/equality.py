"""When two answers are the same: when their canonical texts are. That is reflexive, symmetric and transitive by its make."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mmst.answers.choices import SEVERAL, canonical_choice
from mmst.answers.numbers import canonical_number
from mmst.answers.quantities import canonical_statement, read_quantity
from mmst.answers.stated import Form
from mmst.answers.texts import canonical_text
from mmst.answers.yes_no import canonical_yes_no
from mmst.types import AnswerKind, Problem, Verdict

NO_GOLD = "no gold"
"""The reason of what cannot be judged since no right answer is known: no failure, and nothing to try again."""
PASSED = "passed"
"""The answer of a program that passes its tests."""
BOXED = re.compile(r"\s*\$*\s*\\boxed\s*\{(.*)\}\s*\$*\s*\.?\s*", re.DOTALL)
OTHER_UNIT = re.compile(r"-?\d+(?:\.\d+)? \[[^\[\]]+\]")
"""An answer that measures something else than the gold one: `5 [m]` where kilograms are asked for."""


def canonical_answer(answer: str, kind: AnswerKind, choices: Sequence[str] = ()) -> str | None:
    """The text that stands for all answers equal to this one, or None where it is no answer of its kind."""
    if kind is AnswerKind.NUMBER:
        return canonical_quantity(answer)
    if kind is AnswerKind.YES_NO:
        return canonical_yes_no(answer)
    if kind is AnswerKind.CHOICE:
        return canonical_choice(answer, choices)
    if kind is AnswerKind.TESTS:
        return answer or None
    return canonical_text(answer)


def canonical_quantity(answer: str) -> str | None:
    """The canonical text of an answer that is a number, with or without its unit, or of what is stated instead of one."""
    if (plain := canonical_number(answer)) is not None:
        return plain
    if OTHER_UNIT.fullmatch(answer):
        return answer
    stated = read_quantity(_unboxed(answer))
    if stated is None or stated.form is Form.OPEN:
        return None
    if stated.form is Form.NUMBER:
        return stated.text
    text = canonical_statement(stated.text)
    again = read_quantity(text)
    return text if again is not None and again.form is Form.OTHER and canonical_statement(again.text) == text else None


def verdict_of(answer: str | None, problem: Problem) -> tuple[Verdict, str]:
    """Judge an answer against the gold one: a verdict, and a reason where there is something to say.

    A gold answer that is not known, or cannot be read, gives `UNJUDGED`: the model is not to blame.
    """
    gold = gold_of(problem)
    if gold is None:
        return Verdict.UNJUDGED, "unreadable gold" if problem.has_gold else NO_GOLD
    if answer is None:
        return Verdict.NO_ANSWER, ""
    given = canonical_answer(answer, problem.kind, problem.choices)
    if given is None and problem.kind is AnswerKind.CHOICE and SEVERAL in answer:
        return Verdict.WRONG, "several choices"
    if given is None:
        return Verdict.NO_ANSWER, f"not a {problem.kind.value}"
    return (Verdict.RIGHT if given == gold else Verdict.WRONG), ""


def gold_of(problem: Problem) -> str | None:
    """The gold answer's canonical text; None where it cannot be read."""
    if problem.kind is AnswerKind.TESTS:
        return PASSED if problem.tests else None
    return canonical_answer(problem.answer, problem.kind, problem.choices)


def is_number(answer: str) -> bool:
    """Whether an answer is one number, however it is written."""
    stated = read_quantity(_unboxed(answer)) if answer else None
    return stated is not None and stated.form is Form.NUMBER


def _unboxed(answer: str) -> str:
    """What is in the box that an answer is, as data sets write gold ones."""
    boxed = BOXED.fullmatch(answer)
    return boxed[1] if boxed else answer
