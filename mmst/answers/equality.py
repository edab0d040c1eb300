"""When two answers are the same."""

from __future__ import annotations

from mmst.answers.numbers import canonical_number
from mmst.types import AnswerKind, Problem, Verdict

YES_NO = {"yes": "yes", "true": "yes", "no": "no", "false": "no"}


def canonical_answer(answer: str, problem: Problem) -> str | None:
    """The text that stands for all answers equal to this one, or None where it is no answer of the problem's kind."""
    text = answer.strip()
    if problem.kind is AnswerKind.NUMBER:
        return canonical_number(text)
    if problem.kind is AnswerKind.YES_NO:
        return YES_NO.get(text.lower().rstrip("."))
    if problem.kind is AnswerKind.CHOICE:
        return _choice(text, problem.choices)
    return " ".join(text.lower().split()) or None


def verdict_of(answer: str | None, problem: Problem) -> tuple[Verdict, str]:
    """Judge an answer against the gold one: a verdict, and a reason where there is something to say.

    A gold answer that cannot be read gives `UNJUDGED`: the model is not to blame.
    """
    gold = canonical_answer(problem.answer, problem)
    if gold is None:
        return Verdict.UNJUDGED, "unreadable gold"
    if answer is None:
        return Verdict.NO_ANSWER, ""
    given = canonical_answer(answer, problem)
    if given is None:
        return Verdict.NO_ANSWER, f"not a {problem.kind.value}"
    return (Verdict.RIGHT if given == gold else Verdict.WRONG), ""


def _choice(text: str, choices: tuple[str, ...]) -> str | None:
    letter = text.strip("() .").upper()
    if len(letter) == 1 and letter.isalpha() and (not choices or ord(letter) - 65 < len(choices)):
        return letter
    matching = [i for i, choice in enumerate(choices) if _plain(choice) == _plain(text)]
    return chr(65 + matching[0]) if len(matching) == 1 else None


def _plain(text: str) -> str:
    return canonical_number(text) or " ".join(text.lower().split())
