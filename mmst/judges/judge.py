"""What a judge is: (problem, reading) -> verdict. One serves each kind of answer; a user's own can take its place.

A judge is any callable: a class with `__call__(problem, reading)` or a function. It returns a `Verdict`, its word (`right`,
`wrong`, `no_answer`, `unjudged`), or True and False. One that raises, hangs or returns anything else leaves the sample
unjudged, with the reason: see `mmst.judges.asking`. `reading.answer` is None where the completion holds no answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mmst.methods.method import Reading
from mmst.types import Problem, Verdict

Judge = Callable[[Problem, Reading], Any]
LONGEST_REASON = 200


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict, and the reason for it where there is something to say."""

    verdict: Verdict
    reason: str = ""


def as_judgement(said: Any) -> Judgement:
    """What a judge returned, as a judgement; nonsense is unjudged."""
    if isinstance(said, Judgement):
        return said
    if said is True or said is False:
        return Judgement(Verdict.RIGHT if said else Verdict.WRONG)
    try:
        return Judgement(Verdict(said))
    except ValueError:
        return Judgement(Verdict.UNJUDGED, f"the judge returned {said!r}"[:LONGEST_REASON])


def failed(error: BaseException) -> Judgement:
    """The judgement where a judge raised."""
    return Judgement(Verdict.UNJUDGED, f"the judge raised {type(error).__name__}: {error}"[:LONGEST_REASON])
