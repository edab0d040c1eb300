"""The audit of reasons of a measured checkpoint: what is rewritten, run and asked to see whether they are right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol, runtime_checkable

from mmst.errors import ConfigError
from mmst.judges.judge import Judge
from mmst.ledger.ledger import Work
from mmst.ledger.progress import Task
from mmst.ledger.spec import part_spec, rows_key
from mmst.methods.edge import Edge
from mmst.methods.method import Method, Reading
from mmst.pipeline import Checkpoint, Pipeline, ProblemSet
from mmst.samplers.sampler import SamplingParams
from mmst.stages.grade import verdicts
from mmst.stages.reasons import ReasonRate, ReasonsSpec, Way, by_execution, by_judge, by_steps, right_ones
from mmst.stages.select import drop_constant
from mmst.stages.sets import GradedRows
from mmst.stages.translate import attempts
from mmst.types import AnswerKind, GradedSample

PROGRAM = "code"
"""The method that solutions are executed as."""


@runtime_checkable
class JudgesReasons(Protocol):
    """A judge that can also be asked about a solution's steps."""

    def of_reasons(self) -> Judge:
        """The judge of steps."""


def check_ways(ways: Sequence[Way], methods: Mapping[str, Method], judge: Judge | None) -> None:
    """Refuse, before anything is sampled, what cannot be looked at.

    Raises:
        ConfigError: says what is missing.
    """
    if Way.JUDGE in ways and not isinstance(judge, JudgesReasons):
        raise ConfigError(
            "evaluation.reasons: judge asks a language model about the steps; choose it by judge=llm judge.model=NAME."
        )
    if Way.EXECUTION in ways and PROGRAM not in methods:
        raise ConfigError(f"evaluation.reasons: execution runs solutions as programs, so '{PROGRAM}' must be among solvers.")


def reason_rates(
    pipeline: Pipeline,
    ways: Sequence[Way],
    checkpoint: Checkpoint,
    problems: ProblemSet,
    greedy: Mapping[str, GradedRows],
    params: SamplingParams,
) -> list[ReasonRate]:
    """Each method's rates in each way."""
    rates = []
    for name, rows in greedy.items():
        right, method = right_ones(rows), pipeline.methods[name]
        for way in ways:
            if way is Way.STEPS:
                found = by_steps(right, method)
            elif way is Way.JUDGE:
                found = by_judge(_judged(pipeline, right, problems, name))
            elif name == PROGRAM:
                found = _varied(pipeline, right, problems, method)
            else:
                written = _written(pipeline, checkpoint, name, right, problems, params)
                found = by_execution(right, written, problems.by_id)
            rates.append(ReasonRate.of(name, way, found))
    return rates


def _written(
    pipeline: Pipeline,
    checkpoint: Checkpoint,
    source: str,
    right: Sequence[GradedSample],
    problems: ProblemSet,
    params: SamplingParams,
) -> Sequence[GradedSample] | GradedRows:
    """Solutions as programs, by the model itself, executed; a problem that asks for a program has it already."""
    sent = [row for row in right if problems.by_id[row.sample.problem_id].kind is not AnswerKind.TESTS]
    return pipeline.translated(checkpoint, Edge(source, PROGRAM), attempts(sent), problems, params, 1, 0) if sent else ()


def _varied(pipeline: Pipeline, right: Sequence[GradedSample], problems: ProblemSet, method: Method) -> list[bool]:
    """Whether programs keep their answer when the question's numbers in them are changed; of those that hold some."""
    held = [row for row in right if method.perturbed(row.sample.completion, problems.by_id[row.sample.problem_id])]
    kept, constant = drop_constant(held, problems.by_id, method, pipeline.executor, PROGRAM)
    return [False] * len(kept) + [True] * len(constant)


def _judged(
    pipeline: Pipeline, right: Sequence[GradedSample], problems: ProblemSet, name: str
) -> Sequence[GradedSample] | GradedRows:
    """The rows with a judge's verdicts on their reasons, kept in the ledger."""
    asked: object = pipeline.judge
    assert isinstance(asked, JudgesReasons)
    judge = asked.of_reasons()

    def compute(part: Sequence[GradedSample], task: Task) -> list[GradedSample]:
        readings = [Reading(row.answer, row.reason, completion=row.sample.completion) for row in part]
        said = verdicts(readings, [problems.by_id[row.sample.problem_id] for row in part], pipeline.executor, judge)
        return [replace(row, verdict=verdict, reason=reason) for row, (verdict, reason) in zip(part, said, strict=True)]

    work = Work("reasons", ReasonsSpec(rows_key(right), problems.key, part_spec(judge)), compute, GradedSample)
    return (
        GradedRows(pipeline.ledger.chain(right, [work], pipeline.chunking, f"reasons of {problems.name} by {name}"))
        if right
        else ()
    )
