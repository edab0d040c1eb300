"""What a checkpoint makes of solutions that it reads: those of training problems with their verdicts, and sampled answers.

A stage of the ledger, bound to it as those in `mmst.pipeline` are.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from mmst.ledger.chunking import Chunking
from mmst.ledger.ledger import Work
from mmst.ledger.progress import Task
from mmst.ledger.spec import rows_key
from mmst.pipeline import Checkpoint, Pipeline, ProblemSet
from mmst.policies.case import Case, Solutions
from mmst.policies.policy import Policy
from mmst.stages import hidden
from mmst.types import Example, GradedSample, Problem, Verdict

CHUNK = 2000
"""Solutions a chunk, for all runs, as `mmst.stages.hidden.CHUNK`."""


def title_of(name: str) -> str:
    """What the reading of a data set's solutions is called on the screen."""
    return f"states of solutions of {name}"


def problems_read(policies: Iterable[Policy], methods: Sequence[str]) -> int:
    """Training problems whose solutions are read, at the most; 0: none are."""
    return max((policy.needs(methods).solutions for policy in policies), default=0)


def judged_solutions(
    pipeline: Pipeline, problems: ProblemSet, rows: Mapping[str, Iterable[GradedSample]], most: int
) -> Solutions:
    """The judged samples of `most` problems, spread evenly over all, each completion of a problem by a method once."""
    step = -(-len(problems.problems) // most)
    known = {problem.id: problem for problem in problems.problems[::step]}
    found: dict[tuple[str, str, str], GradedSample] = {}
    counts: Counter[tuple[str, str, str]] = Counter()
    for method, answers in rows.items():
        for row in answers:
            if row.sample.problem_id in known and row.verdict is not Verdict.UNJUDGED:
                key = (row.sample.problem_id, method, row.sample.completion)
                found.setdefault(key, row)
                counts[key] += 1
    return Solutions(
        [_example(pipeline, known[row.sample.problem_id], row) for row in found.values()],
        [row.verdict is Verdict.RIGHT for row in found.values()],
        [counts[key] for key in found],
        [row.sample.mean_logprob for row in found.values()],
    )


def with_states(
    pipeline: Pipeline,
    checkpoint: Checkpoint,
    policies: Iterable[Policy],
    problems: ProblemSet,
    found: Sequence[Case],
    sampled: Mapping[str, Iterable[GradedSample]],
) -> list[Case]:
    """The cases, with what the model holds of the sampled answers that policies need it of."""
    methods = list(pipeline.methods)
    needs = [need for policy in policies if (need := policy.needs(methods)).solutions]
    if not needs:
        return list(found)
    known = {case.id for case in found}
    examples: dict[tuple[str, str, str], Example] = {}
    keys: dict[tuple[str, str], list[tuple[str, str, str]]] = defaultdict(list)
    for method, rows in sampled.items():
        most = max(need.samples.get(method, 0) for need in needs)
        for row in rows:
            id = row.sample.problem_id
            if id in known and len(keys[id, method]) < most:
                key = (id, method, row.sample.completion)
                keys[id, method].append(key)
                if key not in examples:
                    examples[key] = _example(pipeline, problems.by_id[id], row)
    states = solution_states(pipeline, checkpoint, problems.name, list(examples.values()))
    if states is None:
        return list(found)
    state = dict(zip(examples, states, strict=True))
    return [replace(case, samples=_read(case, keys, state)) for case in found]


def solution_states(pipeline: Pipeline, checkpoint: Checkpoint, name: str, solutions: Sequence[Example]) -> Any:
    """What the checkpoint holds of solutions (S x 2H, float32); None where the engine does not give it."""
    reader = pipeline.sampler
    if not isinstance(reader, hidden.SolutionReader):
        return None

    def compute(part: Sequence[Example], task: Task) -> list[hidden.HiddenState]:
        pipeline.sampler.load(checkpoint.path)
        return hidden.solution_states(part, reader)

    key = rows_key((row.prompt, row.messages, row.chat, row.completion) for row in solutions)
    spec = hidden.SolutionStatesSpec(*pipeline.engine(), checkpoint.key, key)
    work = Work("solution-states", spec, compute, hidden.HiddenState)
    stage = pipeline.ledger.chain(solutions, [work], Chunking(CHUNK), title_of(name))
    return hidden.matrix(stage.rows(hidden.HiddenState))


def _read(case: Case, keys: Mapping[tuple[str, str], Sequence[Any]], state: Mapping[Any, Any]) -> dict[str, list[Any]]:
    """A case's sampled answers, the first of them with their states."""
    read = {}
    for method, drawn in case.samples.items():
        own = keys.get((case.id, method), ())
        first = [replace(attempt, state=state[key]) for attempt, key in zip(drawn, own, strict=False)]
        read[method] = [*first, *drawn[len(first) :]]
    return read


def _example(pipeline: Pipeline, problem: Problem, row: GradedSample) -> Example:
    """A sample after the prompt that it answered."""
    sample = row.sample
    asked = pipeline.writer.solution(problem, pipeline.methods[sample.method].format)
    return Example(sample.id, sample.method, problem.id, asked.text, sample.completion, asked.messages, asked.chat)
