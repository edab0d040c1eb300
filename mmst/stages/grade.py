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
from typing import Any

from mmst.answers.equality import NO_GOLD, is_number, verdict_of
from mmst.answers.reading import CHECKER_VERSION
from mmst.judges.asking import Asked, counted
from mmst.judges.judge import Judge
from mmst.judges.together import together
from mmst.ledger.spec import PartSpec, part_spec, source_of
from mmst.methods.method import Method, Reading
from mmst.samplers.lengths import TOO_LONG, Fits
from mmst.sandbox.expressions import equal_expressions, is_expression, may_be_equal, values_of
from mmst.sandbox.result import Executor
from mmst.types import AnswerKind, FinishReason, GradedSample, Problem, Sample, Verdict

VERSION = 8


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
    judge: PartSpec | None = None
    """One of the user's choice; None for the problems' kinds of answers."""
    checker: int = CHECKER_VERSION
    version: int = VERSION


def reader_spec(method: Method) -> PartSpec:
    """What determines how completions are read: of this package's methods, all but how their prompts look."""
    found = part_spec(method)
    if source_of(method) is not None:
        return found
    return replace(found, settings={name: value for name, value in found.settings.items() if name != "format"})


def grade(
    samples: Sequence[Sample],
    problems: Mapping[str, Problem],
    method: Method,
    executor: Executor,
    judge: Judge | None = None,
) -> list[GradedSample]:
    """Grade samples of one method; `problems` holds the samples' problems by id. `judge`: instead of their kinds' own."""
    completed = [sample for sample in samples if sample.finish is not FinishReason.ERROR]
    read = method.read_all([s.completion for s in completed], [problems[s.problem_id] for s in completed], executor)
    shown = [replace(reading, completion=s.completion) for s, reading in zip(completed, read, strict=True)] if judge else read
    judged = verdicts(shown, [problems[s.problem_id] for s in completed], executor, judge)
    found = {s.id: (reading, *judgement) for s, reading, judgement in zip(completed, read, judged, strict=True)}
    return [
        GradedSample(sample, found[sample.id][0].answer, *found[sample.id][1:], found[sample.id][0].output)
        if sample.id in found
        else GradedSample(sample, None, Verdict.UNJUDGED, sample.error or "engine error")
        for sample in samples
    ]


def is_unjudged(row: GradedSample) -> bool:
    """Whether the engine or the sandbox failed at it, and may not fail again: a prompt stays too long, a gold unknown."""
    return row.verdict is Verdict.UNJUDGED and row.sample.error != TOO_LONG and row.reason != NO_GOLD


class VerdictTally:
    """Counts verdicts as they come."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.no_gold = 0
        self.fits = Fits()

    def add(self, rows: Sequence[GradedSample]) -> None:
        """More graded samples."""
        self.counts.update(row.verdict.value for row in rows)
        self.no_gold += sum(row.reason == NO_GOLD for row in rows)
        self.fits.add(row.sample for row in rows)

    def remark(self) -> str:
        """A word for the progress bar: how many of the judged are right so far."""
        judged = self.counts.total() - self.counts[Verdict.UNJUDGED.value]
        return f"{100 * self.counts[Verdict.RIGHT.value] / max(judged, 1):.0f}% right"

    def facts(self) -> dict[str, Any]:
        """Counts by verdict, how many of the unjudged have no gold answer, and of how many the prompt was too long."""
        return {"verdicts": dict(self.counts), "no_gold": self.no_gold, **self.fits.facts()}


def verdicts(
    readings: Sequence[Reading], problems: Sequence[Problem], executor: Executor, judge: Judge | None = None
) -> list[tuple[Verdict, str]]:
    """The verdict of each reading, and a reason: the one way by which files, training labels and evaluations are judged.

    `judge`: a user's own, asked in another process; else each problem's kind decides.
    """
    if (many := together(judge)) is not None:
        return [(said.verdict, said.reason) for said in counted(many.judge_all(problems, readings))]
    if judge is not None:
        with Asked(judge) as asked:
            return [(said.verdict, said.reason) for said in asked.judge(problems, readings)]
    problems = _with_golds_calculated(problems, executor)
    found = [_verdict(reading, problem) for reading, problem in zip(readings, problems, strict=True)]
    doubtful = {
        n: (reading.answer or "", problem.answer)
        for n, (reading, problem) in enumerate(zip(readings, problems, strict=True))
        if found[n][0] is Verdict.WRONG
        and problem.kind is AnswerKind.TEXT
        and not reading.calculated
        and may_be_equal(reading.answer or "", problem.answer)
    }
    distinct = list(dict.fromkeys(doubtful.values()))
    equal = dict(zip(distinct, equal_expressions(distinct, executor), strict=True))
    outcome = {True: Verdict.RIGHT, False: Verdict.WRONG, None: Verdict.UNJUDGED}
    for n, pair in doubtful.items():
        found[n] = outcome[equal[pair]], "expression"
    return found


def _with_golds_calculated(problems: Sequence[Problem], executor: Executor) -> list[Problem]:
    r"""The problems, with the value of each gold answer that is an expression such as `\frac{6}{-3}`."""
    golds = [p.answer for p in problems if p.kind is AnswerKind.NUMBER and not p.answer.isdigit() and is_expression(p.answer)]
    distinct = [gold for gold in dict.fromkeys(golds) if not is_number(gold)]
    values = dict(zip(distinct, values_of(distinct, executor), strict=True))
    return [replace(p, answer=values[p.answer] or p.answer) if p.answer in values else p for p in problems]


def _verdict(reading: Reading, problem: Problem) -> tuple[Verdict, str]:
    if not reading.judged:
        return Verdict.UNJUDGED, reading.reason
    verdict, reason = verdict_of(reading.answer, problem)
    return verdict, reason or reading.reason
