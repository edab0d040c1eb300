"""The judges that come with mmst, each a class whose settings are its fields."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

from mmst.answers.equality import OTHER_UNIT, gold_of, verdict_of
from mmst.answers.numbers import canonical_number
from mmst.answers.passages import answer_part, statements
from mmst.answers.quantities import read_quantity
from mmst.answers.reading import stated_answer
from mmst.answers.stated import Form
from mmst.answers.thinking import without_thinking
from mmst.judges.judge import Judge, Judgement, as_judgement
from mmst.judges.mathematics import Mathematics
from mmst.methods.method import Reading
from mmst.sandbox.queries import ORDERED
from mmst.sandbox.tables import ROWS_JOINED_BY
from mmst.types import AnswerKind, Problem, Verdict

FENCE = re.compile(r"```[\w-]*\s*\n(.*?)```", re.DOTALL)
OPENING = re.compile(r"[\[{]")
ENDED = re.compile(r"[\s`*$]*(?:$|[.;,!\n])")
"""After a value that is all of its statement."""
DECODER = json.JSONDecoder()
UNREADABLE = Judgement(Verdict.UNJUDGED, "unreadable gold")


@dataclass(frozen=True)
class Exact:
    """Right where the canonical texts are equal; a number also where it is near enough.

    `tolerance`: the largest difference, absolute, in the gold answer's unit. `unit`: of gold answers that name none; an answer
    in another unit of the same kind is converted to it.
    """

    tolerance: float = 0.0
    unit: str = ""

    def __call__(self, problem: Problem, reading: Reading) -> Judgement:
        """Compare with the gold answer."""
        answer = self._in_unit(self._as_said(reading)) if problem.kind is AnswerKind.NUMBER else reading.answer
        verdict, reason = verdict_of(answer, problem)
        if (
            verdict is Verdict.WRONG
            and self.tolerance
            and problem.kind is AnswerKind.NUMBER
            and self._near(answer, problem.answer)
        ):
            return Judgement(Verdict.RIGHT, f"within {self.tolerance}")
        return Judgement(verdict, reason)

    def _as_said(self, reading: Reading) -> str:
        """The answer in this judge's unit: a reading has none where the gold answer names none."""
        if not self.unit or not reading.completion or stated_answer(reading.completion)[0] != reading.answer:
            return reading.answer or ""
        return stated_answer(reading.completion, unit=self.unit)[0] or ""

    def _in_unit(self, answer: str) -> str:
        stated = read_quantity(answer, self.unit) if self.unit and not OTHER_UNIT.fullmatch(answer) else None
        return stated.text if stated is not None and stated.form is not Form.OPEN else answer

    def _near(self, answer: str | None, gold: str) -> bool:
        values = [canonical_number(self._in_unit(text or "")) for text in (answer, gold)]
        first, second = (Fraction(value) if value is not None else None for value in values)
        return first is not None and second is not None and abs(first - second) <= Fraction(Decimal(str(self.tolerance)))


@dataclass(frozen=True)
class OfKind:
    """Judges as answers of `kind`, whatever the problem's: choices, yes or no, texts, tests."""

    kind: AnswerKind

    def __call__(self, problem: Problem, reading: Reading) -> Judgement:
        """Compare with the gold answer."""
        return Judgement(*verdict_of(reading.answer, replace(problem, kind=self.kind)))


@dataclass(frozen=True)
class Json:
    """Right where answer and gold answer are the same JSON value, whatever their layout and the order of keys.

    The value is looked for in the completion itself, where there is one: in its last fence, after a mark such as `The answer
    is`, then its last object or list. An answer that was read is in lower case, and ends at a comma.
    """

    def __call__(self, problem: Problem, reading: Reading) -> Judgement:
        """Compare with the gold answer."""
        yes_no = {"yes": "true", "no": "false"} if problem.kind is AnswerKind.YES_NO else {}
        gold = _json(yes_no.get(problem.answer, problem.answer))
        answer = _json_said(reading.completion) or _json(reading.answer or "")
        if gold is None:
            return UNREADABLE
        if answer is None:
            return Judgement(Verdict.NO_ANSWER, "no JSON")
        return as_judgement(_sorted(gold[0]) == _sorted(answer[0]))


@dataclass(frozen=True)
class Regex:
    """Right where the gold answer, a regular expression of Python, matches all of the answer."""

    ignore_case: bool = True

    def __call__(self, problem: Problem, reading: Reading) -> Judgement:
        """Match the answer."""
        try:
            pattern = re.compile(problem.answer, re.IGNORECASE if self.ignore_case else 0)
        except re.error as error:
            return Judgement(Verdict.UNJUDGED, f"the gold answer is no regular expression: {error}")
        return as_judgement(pattern.fullmatch((reading.answer or "").strip()) is not None)


@dataclass(frozen=True)
class AnyOf:
    """Right where `judge` finds one of the gold answers, joined by `separator`, right; wrong where it finds none right."""

    judge: Judge = field(default_factory=Exact)
    separator: str = "|"

    def __call__(self, problem: Problem, reading: Reading) -> Judgement:
        """Judge against each gold answer."""
        golds = [gold.strip() for gold in problem.answer.split(self.separator) if gold.strip()]
        said = [as_judgement(self.judge(replace(problem, answer=gold), reading)) for gold in golds]
        order = (Verdict.RIGHT, Verdict.UNJUDGED, Verdict.WRONG, Verdict.NO_ANSWER)
        return min(said, key=lambda judgement: order.index(judgement.verdict), default=UNREADABLE)


@dataclass(frozen=True)
class Rows:
    """Right where the answer lists the gold answer's rows, joined by commas: in any order, unless its tags order them."""

    def __call__(self, problem: Problem, reading: Reading) -> Judgement:
        """Compare with the gold answer."""
        verdict, reason = verdict_of(reading.answer, problem)
        if verdict is Verdict.WRONG and problem.kind is AnswerKind.TEXT and ORDERED not in problem.tags:
            given, gold = (
                sorted((gold_of(replace(problem, answer=text)) or "").split(ROWS_JOINED_BY))
                for text in (reading.answer or "", problem.answer)
            )
            return as_judgement(given == gold)
        return Judgement(verdict, reason)


JUDGES: Mapping[str, Callable[..., Judge]] = {
    "exact": Exact,
    "math": Mathematics,
    "choice": lambda: OfKind(AnswerKind.CHOICE),
    "yes_no": lambda: OfKind(AnswerKind.YES_NO),
    "tests": lambda: OfKind(AnswerKind.TESTS),
    "text": lambda: OfKind(AnswerKind.TEXT),
    "json": Json,
    "regex": Regex,
    "any_of": AnyOf,
    "rows": Rows,
}
"""By their names."""


def _json(text: str) -> tuple[Any] | None:
    try:
        return (json.loads(text),)
    except (ValueError, RecursionError):
        return None


def _json_said(completion: str) -> tuple[Any] | None:
    """The JSON value that a completion states last."""
    text = without_thinking(completion)
    for fence in reversed(FENCE.findall(text)):
        if (value := _json(fence)) is not None:
            return value
    for statement in statements(answer_part(text)):
        said = statement.text.strip(" \t\r\n*`$:")
        value, end = _decoded(said, 0)
        if value is not None and ENDED.match(said, end):
            return value
    found, at = None, 0
    while opening := OPENING.search(text, at):
        value, end = _decoded(text, opening.start())
        found, at = (value, end) if value is not None else (found, opening.end())
    return found or _json(text)


def _decoded(text: str, at: int) -> tuple[tuple[Any] | None, int]:
    """The JSON value that begins at a place, and where it ends."""
    try:
        value, end = DECODER.raw_decode(text, at)
    except (ValueError, RecursionError):
        return None, at
    return (value,), end


def _sorted(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
