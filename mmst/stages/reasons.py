"""Right answers with wrong reasons: how often, among the greedy answers that are right, in one of several ways.

  steps       a statement such as `3 * 4 = 13` of the solution does not hold; of solutions in which one can be checked
  execution   a text, written by the model itself as a program and executed, comes to another answer; a program keeps its answer
              when the question's numbers in it are changed
  judge       a judge says that the solution's steps are not right

The model errs in rewriting, and a judge in judging: compare such rates before and after training, and read none as it stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from mmst.answers.audit import statements
from mmst.answers.equality import canonical_answer
from mmst.ledger.spec import PartSpec
from mmst.methods.method import Method
from mmst.statistics.intervals import accuracy_interval
from mmst.types import GradedSample, Problem, Verdict

VERSION = 1


class Way(StrEnum):
    """How reasons are looked at."""

    STEPS = "steps"
    EXECUTION = "execution"
    JUDGE = "judge"


@dataclass(frozen=True, slots=True)
class ReasonRate:
    """How often right answers of one method have wrong reasons."""

    method: str
    way: Way
    wrong: int
    n: int
    """Right answers whose reasons could be looked at so."""
    rate: float | None
    """`wrong` of `n`; None where n is 0."""
    low: float
    high: float
    """The 95% interval (Wilson)."""

    @classmethod
    def of(cls, method: str, way: Way, found: Sequence[bool]) -> ReasonRate:
        """found: whether each one's reasons are wrong."""
        wrong, n = sum(found), len(found)
        return cls(method, way, wrong, n, wrong / n if n else None, *accuracy_interval(wrong, n))


@dataclass(frozen=True, slots=True)
class ReasonsSpec:
    """What determines a judge's verdicts on reasons."""

    rows: str
    """A hash of the graded rows."""
    problems: str
    judge: PartSpec
    version: int = VERSION


def right_ones(rows: Iterable[GradedSample]) -> list[GradedSample]:
    """The rows whose answer is right."""
    return [row for row in rows if row.verdict is Verdict.RIGHT]


def by_steps(rows: Iterable[GradedSample], method: Method) -> list[bool]:
    """Whether a statement does not hold, of each solution that makes one."""
    found = []
    for row in rows:
        wrong = bool(method.wrong_steps(row.sample.completion))
        if wrong or statements(method.clean(row.sample.completion)):
            found.append(wrong)
    return found


def by_execution(rows: Iterable[GradedSample], written: Iterable[GradedSample], problems: Mapping[str, Problem]) -> list[bool]:
    """Whether a solution's own program, `written` from it, comes to another answer; of those that come to one."""
    answers = {row.sample.id: _answer(row, problems) for row in rows}
    pairs = [(answers[row.sample.source_id or ""], _answer(row, problems)) for row in written]
    return [own != source for source, own in pairs if own is not None and source is not None]


def by_judge(judged: Iterable[GradedSample]) -> list[bool]:
    """Whether a judge found the reasons wrong, of those that it judged."""
    return [row.verdict is Verdict.WRONG for row in judged if row.verdict in (Verdict.RIGHT, Verdict.WRONG)]


def _answer(row: GradedSample, problems: Mapping[str, Problem]) -> str | None:
    problem = problems[row.sample.problem_id]
    return None if row.answer is None else canonical_answer(row.answer, problem.kind, problem.choices)
