"""Judges that take many samples at once, and look after their own clocks: they are asked in this process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from mmst.judges.judge import Judgement
from mmst.methods.method import Reading
from mmst.types import Problem


@runtime_checkable
class Together(Protocol):
    """A judge of many."""

    def judge_all(self, problems: Sequence[Problem], readings: Sequence[Reading]) -> list[Judgement]:
        """The judgements of readings, in order. Never raises for what a model or a server said."""


def together(judge: object) -> Together | None:
    """The judge, if it takes many at once."""
    return judge if isinstance(judge, Together) else None
