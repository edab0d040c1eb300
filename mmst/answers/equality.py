"""When two answers are the same: when their canonical texts are. That is reflexive, symmetric and transitive by its make."""

from __future__ import annotations

from collections.abc import Sequence

from mmst.answers.numbers import canonical_number
from mmst.types import AnswerKind, Problem, Verdict

PASSED = "passed"
"""The answer of a program that passes its tests."""
YES_NO = {"yes": "yes", "true": "yes", "no": "no", "false": "no"}


def canonical_answer(answer: str, kind: AnswerKind, choices: Sequence[str] = ()) -> str | None:
    """The text that stands for all answers equal to this one, or None where it is no answer of its kind."""
    if kind is AnswerKind.NUMBER:
        return canonical_number(answer)
    if kind is AnswerKind.YES_NO:
        return canonical_yes_no(answer)
    if kind is AnswerKind.CHOICE:
        return canonical_choice(answer, choices)
    if kind is AnswerKind.TESTS:
        return answer or None
    return canonical_text(answer)


def canonical_yes_no(answer: str) -> str | None:
    """`yes` or `no`."""
    return YES_NO.get(answer.strip().lower().rstrip("."))


def canonical_choice(answer: str, choices: Sequence[str], letters_only: bool = False) -> str | None:
    """The upper-case letter of a choice, given by its letter or its text."""
    if not letters_only:
        matching = [i for i, choice in enumerate(choices) if _plain(choice) == _plain(answer)]
        if len(matching) == 1:
            return chr(65 + matching[0])
    letter = answer.strip(" \t\n().:,").upper()
    known = len(choices) or 26
    return letter if len(letter) == 1 and "A" <= letter <= "Z" and ord(letter) - 65 < known else None


def canonical_text(answer: str) -> str | None:
    """Lower case, without outer quotes and marks, white space collapsed."""
    return " ".join(answer.strip().strip("\"'`* ").rstrip(".").strip("\"'`* ").lower().split()) or None


def verdict_of(answer: str | None, problem: Problem) -> tuple[Verdict, str]:
    """Judge an answer against the gold one: a verdict, and a reason where there is something to say.

    A gold answer that cannot be read gives `UNJUDGED`: the model is not to blame.
    """
    gold = gold_of(problem)
    if gold is None:
        return Verdict.UNJUDGED, "unreadable gold"
    if answer is None:
        return Verdict.NO_ANSWER, ""
    given = canonical_answer(answer, problem.kind, problem.choices)
    if given is None:
        return Verdict.NO_ANSWER, f"not a {problem.kind.value}"
    return (Verdict.RIGHT if given == gold else Verdict.WRONG), ""


def gold_of(problem: Problem) -> str | None:
    """The gold answer's canonical text; None where it cannot be read."""
    if problem.kind is AnswerKind.TESTS:
        return PASSED if problem.tests else None
    return canonical_answer(problem.answer, problem.kind, problem.choices)


def _plain(text: str) -> str:
    return canonical_number(text) or canonical_text(text) or ""
