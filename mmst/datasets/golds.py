r"""Gold answers as data sets spell them: `60%`, `12 apples`, `#### 72` or `\boxed{72}` after a rationale, a letter.

One that cannot be read is refused, with its place: no sample could be judged against it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from mmst.answers.choices import canonical_choice
from mmst.answers.equality import canonical_answer, is_number
from mmst.answers.markup import bare
from mmst.answers.numbers import canonical_number
from mmst.answers.passages import statements
from mmst.answers.reading import unit_of
from mmst.errors import DataError
from mmst.types import AnswerKind, Problem

Made = TypeVar("Made")
YES_NO = ("yes", "no", "true", "false")
FINAL_MARK = "####"
"""GSM8K's mark between rationale and answer."""
BOX = "\\boxed"
"""MATH's."""
STATED = re.compile(
    r"(?:(?:so|thus|hence|therefore)?,?\s*the\s+(?:final\s+|correct\s+)?answer\s+is:?\s+"
    r"|(?:the\s+)?(?:final\s+|correct\s+)?answer\s*[:=]\s*)(?P<answer>.+?)\s*\.?",
    re.I,
)
NEARLY = re.compile(r"(?:\\approx\b|[\u2248~\u223c])\s*(?=[-+\u2212$.]*\d)")
"""Before a number that was rounded: `\u224812`."""
UNKNOWN = frozenset(
    ("nan", "n/a", "na", "unknown", "none", "null", "nil", "-", "--", "?", "tbd", "missing", "inf", "-inf", "+inf")
)
"""What tables hold in place of an answer."""
NUMERAL = re.compile(r"[-+\u2212]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?", re.I)
"""A number as computers write it; one that cannot be read as such is too large or too small (`9e999`)."""
WITH_LETTER = re.compile(r"\s*(?:(?:option|choice|answer)\s*:?\s*)?[(\[]?([A-Za-z])(?:\s*[)\].:](?:\s+(.*))?)?\s*", re.I | re.S)
"""A letter with or without its choice's text: `B) London`, `Option B`."""
UNITS = re.compile(r"[^A-Z:]*")
"""What follows a number that is an answer, and not the name of something: `12 apples`, not `3 Doors Down` or `10:30`."""
MOST_NAMED = 4
"""Further places that an error names."""


def every(rows: Iterable[Made], made: Callable[[Made], Any]) -> list[Any]:
    """What is made of each row.

    Raises:
        DataError: of one or more rows nothing can be made: the first sentence, and where else it is so.
    """
    done, failed = [], []
    for row in rows:
        try:
            done.append(made(row))
        except DataError as error:
            failed.append(str(error))
    if failed:
        raise DataError(failed[0] + _others(failed, len(done)))
    return done


def is_finite(value: Any) -> bool:
    """Whether a value is anything but a float that stands for no number: `NaN`, or one that is infinite, as 9e999 is read."""
    return not isinstance(value, float) or math.isfinite(value)


def answer_kind(answer: str, choices: tuple[str, ...]) -> AnswerKind:
    """What kind of answer a gold answer is, by how it looks."""
    if choices:
        return AnswerKind.CHOICE
    if canonical_number(answer) is not None or (is_number(answer) and (UNITS.fullmatch(answer) or unit_of(answer))):
        return AnswerKind.NUMBER
    return AnswerKind.YES_NO if answer.strip().rstrip(".").lower() in YES_NO else AnswerKind.TEXT


def gold_and_rationale(answer: str) -> tuple[str, str | None]:
    """The gold answer and the rationale before it, where a mark of GSM8K's or a box of MATH's ends it."""
    rationale, mark, final = answer.rpartition(FINAL_MARK)
    if mark:
        return final.strip(), rationale.strip() or None
    boxes = [said for said in statements(answer) if said.how == "boxed"] if BOX in answer else []
    if boxes:
        before = answer[: boxes[0].start].strip()
        return boxes[0].text.strip() or answer.strip(), answer.strip() if len(before) > 1 else None
    stated = STATED.fullmatch(answer.strip())
    return NEARLY.sub("", (stated["answer"] if stated else answer.strip()), count=1), None


def readable(written: str, kind: AnswerKind, choices: Sequence[str], labels: Sequence[str], where: str) -> str:
    """A gold answer as `Problem.answer` holds it, of a kind that is known.

    Raises:
        DataError: there is none, or none of the choices; begins with `where`.
    """
    if kind is AnswerKind.TESTS:
        return written
    if not written:
        raise DataError(f"{where}: 'answer' holds no answer.")
    return gold_choice(written, choices, labels, where) if kind is AnswerKind.CHOICE else in_one_spelling(written, kind)


def refuse_unknown(problems: Sequence[Problem], places: Sequence[str]) -> None:
    """Refuse `NaN`, `N/A`, `unknown` and the like among answers that are no texts, and numerals without a value (`9e999`)
    anywhere: they were read as texts of their own.

    `places`: where each problem stands.

    Raises:
        DataError: there are such; the first one's place, and where else it is so.
    """
    free = [p for p in problems if p.has_gold and not p.choices and p.kind is not AnswerKind.TESTS]
    texts = [p for p in free if p.kind is AnswerKind.TEXT]
    every(zip(places, problems, strict=True), _refuse_endless)
    if not texts or len(texts) == len(free) or not all(p.answer.strip().lower() in UNKNOWN for p in texts):
        return

    def known(placed: tuple[str, Problem]) -> None:
        where, problem = placed
        if problem.kind is AnswerKind.TEXT and problem.has_gold and not problem.choices:
            raise DataError(
                f"{where}: the answer '{problem.answer[:80]}' is none, where others are of the kind "
                f"{next(p.kind for p in free if p.kind is not AnswerKind.TEXT)}; "
                "give the answer, null where it is not known, or dataset.kind=text where all are texts."
            )

    every(zip(places, problems, strict=True), known)


def _refuse_endless(placed: tuple[str, Problem]) -> None:
    where, problem = placed
    if problem.kind is AnswerKind.TEXT and not problem.choices and NUMERAL.fullmatch(problem.answer):
        raise DataError(
            f"{where}: the answer '{problem.answer[:80]}' is a number that is too large or too small to be told from others; "
            "mend it, leave the problem out, or set dataset.kind=text where all answers are texts."
        )


def in_one_spelling(answer: str, kind: AnswerKind) -> str:
    """A gold answer as `Problem.answer` holds it: what is no plain numeral, yes or no is written as one."""
    if kind is AnswerKind.YES_NO or (kind is AnswerKind.NUMBER and canonical_number(answer) is None):
        unit = unit_of(answer) if kind is AnswerKind.NUMBER else ""
        return answer if unit else canonical_answer(answer, kind) or answer
    return answer


def gold_choice(written: str, choices: Sequence[str], labels: Sequence[str], where: str) -> str:
    """The letter of the choice that a gold answer names by its label, letter, text or number.

    Raises:
        DataError: it names none, or could mean two; begins with `where`.
    """
    if written in labels:
        return chr(65 + labels.index(written))
    by_text = [n for n, choice in enumerate(choices) if choice.strip().lower() == written.strip().lower()]
    letter = chr(65 + by_text[0]) if len(by_text) == 1 else _named(written, choices)
    if letter is None:
        last = chr(64 + len(choices))
        raise DataError(
            f"{where}: the answer '{written[:80]}' is none of the {len(choices)} choices; "
            f"give the letter (A to {last}) or the text of one."
        )
    return letter


def choices_and_labels(given: Any, where: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The choices' texts, and their labels where the data set gives some, as ARC and CommonsenseQA do.

    Raises:
        DataError: they are nothing of the kind; begins with `where`.
    """
    labels: Any = []
    if isinstance(given, dict) and "text" in given:
        given, labels = given["text"], given.get("label") or []
    elif isinstance(given, dict):
        given, labels = list(given.values()), list(given)
    elif isinstance(given, list) and given and all(isinstance(choice, dict) for choice in given):
        given, labels = [choice.get("text") for choice in given], [choice.get("label") for choice in given]
    texts = given or []
    plain = isinstance(texts, list) and all(isinstance(text, str | int | float) and is_finite(text) for text in texts)
    if not plain or not isinstance(labels, list) or (any(labels) and len(labels) != len(texts)):
        raise DataError(
            f"{where}: 'choices' must be a list of texts or numbers, or their labels and texts: {{label: [...], text: [...]}}."
        )
    return tuple(map(str, texts)), tuple(map(str, labels)) if any(labels) else ()


def _named(written: str, choices: Sequence[str]) -> str | None:
    """The choice that is meant by a letter alone, or by its text in another spelling; an index could be meant two ways."""
    written = bare(written)
    named = WITH_LETTER.fullmatch(written)
    if named and len(choices) >= ord(named[1].upper()) - 64:
        return None if named[2] else named[1].upper()  # a letter with a text could be another list's
    if written.strip(" ().").isalpha() or canonical_number(written) is None:
        return None if named else canonical_choice(written, choices)
    index = written.strip().isdigit() and int(written) <= len(choices)
    numbers = any(canonical_number(choice) is not None for choice in choices)
    return canonical_choice(written, choices) if numbers or not index else None


def _others(failed: Sequence[str], done: int) -> str:
    """How many more rows are as the first one, and where the next ones stand."""
    if len(failed) == 1:
        return ""
    places = [place[1] for error in failed[1:] if (place := re.search(r"((?:line|row) \d+)", error))][:MOST_NAMED]
    named = f" ({', '.join(places)}{', ...' if len(failed) - 1 > len(places) else ''})" if places else ""
    return f" In all {len(failed)} of {len(failed) + done} rows are no problems that can be judged{named}."
