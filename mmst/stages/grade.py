"""Sample -> GradedSample: read each answer, run programs in the sandbox, and judge against the gold answer.

1. In: samples of one method, their problems, an executor.
2. A sample that the engine failed at, or that the sandbox lost, is unjudged; one cut at the token limit is judged, but
   keeps its finish reason, by which it is never trained on.
3. Out: graded samples in the samples' order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from mmst.answers.equality import verdict_of
from mmst.answers.reading import CHECKER_VERSION
from mmst.ledger.spec import PartSpec
from mmst.methods.method import Method, Reading
from mmst.sandbox.expressions import equal_expressions, may_be_equal
from mmst.sandbox.result import Executor
from mmst.types import AnswerKind, FinishReason, GradedSample, Problem, Sample, Verdict

VERSION = 3


@dataclass(frozen=True, slots=True)
class GradeSpec:
    """What determines the verdicts."""

    samples: str
    """The key of what made the samples."""
    problems: str
    method: str
    reader: PartSpec
    """The method's class and its settings."""
    executor: PartSpec
    checker: int = CHECKER_VERSION
    version: int = VERSION


def grade(samples: Sequence[Sample], problems: Mapping[str, Problem], method: Method, executor: Executor) -> list[GradedSample]:
    """Grade samples of one method; `problems` holds the samples' problems by id."""
    completed = [sample for sample in samples if sample.finish is not FinishReason.ERROR]
    read = method.read([s.completion for s in completed], [problems[s.problem_id] for s in completed], executor)
    readings = dict(zip((s.id for s in completed), read, strict=True))
    graded = [_graded(sample, readings.get(sample.id), problems[sample.problem_id]) for sample in samples]
    return _second_look(graded, problems, executor)


def is_unjudged(row: GradedSample) -> bool:
    """Whether the engine or the sandbox failed at it."""
    return row.verdict is Verdict.UNJUDGED


class VerdictTally:
    """Counts verdicts as they come."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def add(self, rows: Sequence[GradedSample]) -> None:
        """More graded samples."""
        self.counts.update(row.verdict.value for row in rows)

    def remark(self) -> str:
        """A word for the progress bar: how many of the judged are right so far."""
        judged = self.counts.total() - self.counts[Verdict.UNJUDGED.value]
        return f"{100 * self.counts[Verdict.RIGHT.value] / max(judged, 1):.0f}% right"

    def facts(self) -> dict[str, dict[str, int]]:
        """Counts by verdict."""
        return {"verdicts": dict(self.counts)}


def _second_look(graded: list[GradedSample], problems: Mapping[str, Problem], executor: Executor) -> list[GradedSample]:
    """Free text that differs from the gold one may be another way to write the same expression."""
    doubtful = {
        n: (row.answer, problems[row.sample.problem_id].answer)
        for n, row in enumerate(graded)
        if row.verdict is Verdict.WRONG
        and problems[row.sample.problem_id].kind is AnswerKind.TEXT
        and may_be_equal(row.answer or "", problems[row.sample.problem_id].answer)
    }
    pairs = [(answer or "", gold) for answer, gold in doubtful.values()]
    distinct = list(dict.fromkeys(pairs))
    found = dict(zip(distinct, equal_expressions(distinct, executor), strict=True))
    verdicts = {True: Verdict.RIGHT, False: Verdict.WRONG, None: Verdict.UNJUDGED}
    for n, pair in zip(doubtful, pairs, strict=True):
        graded[n] = replace(graded[n], verdict=verdicts[found[pair]], reason="expression")
    return graded


def _graded(sample: Sample, reading: Reading | None, problem: Problem) -> GradedSample:
    if reading is None:
        return GradedSample(sample, None, Verdict.UNJUDGED, "engine error")
    if not reading.judged:
        return GradedSample(sample, None, Verdict.UNJUDGED, reading.reason)
    verdict, reason = verdict_of(reading.answer, problem)
    return GradedSample(sample, reading.answer, verdict, reason or reading.reason)
