"""Mathematics, whatever the problem's kind: numbers by their value, other expressions by whether they are the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mmst.answers.equality import verdict_of
from mmst.judges.judge import Judgement
from mmst.methods.method import Reading
from mmst.sandbox.expressions import equal_expressions, may_be_equal
from mmst.sandbox.pool import SandboxPool
from mmst.types import AnswerKind, Problem, Verdict


@dataclass(frozen=True)
class Mathematics:
    """Right where answer and gold answer are one number, one text or one expression; `math-verify` calculates, sandboxed."""

    version = 1

    def __call__(self, problem: Problem, reading: Reading) -> Judgement:
        """The judgement of one sample."""
        return self.judge_all([problem], [reading])[0]

    def judge_all(self, problems: Sequence[Problem], readings: Sequence[Reading]) -> list[Judgement]:
        """The judgements of samples; a sandbox is opened where something has to be calculated."""
        found = [_as_written(problem, reading) for problem, reading in zip(problems, readings, strict=True)]
        doubtful = {
            n: (reading.answer or "", problem.answer)
            for n, (problem, reading) in enumerate(zip(problems, readings, strict=True))
            if found[n].verdict is Verdict.WRONG and may_be_equal(reading.answer or "", problem.answer)
        }
        if not doubtful:
            return found
        distinct = list(dict.fromkeys(doubtful.values()))
        with SandboxPool() as executor:
            equal = dict(zip(distinct, equal_expressions(distinct, executor), strict=True))
        outcome = {True: Verdict.RIGHT, False: Verdict.WRONG, None: Verdict.UNJUDGED}
        return [Judgement(outcome[equal[doubtful[n]]], "expression") if n in doubtful else said for n, said in enumerate(found)]


def _as_written(problem: Problem, reading: Reading) -> Judgement:
    if not reading.judged:
        return Judgement(Verdict.UNJUDGED, reading.reason)
    by_kind = [verdict_of(reading.answer, replace(problem, kind=kind)) for kind in (AnswerKind.NUMBER, AnswerKind.TEXT)]
    order = (Verdict.RIGHT, Verdict.WRONG, Verdict.NO_ANSWER, Verdict.UNJUDGED)
    return Judgement(*min(by_kind, key=lambda said: order.index(said[0])))
