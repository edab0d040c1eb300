"""What policies ask of a checkpoint beside its answers: translations, picks among solutions, hidden states, experience.

Each is a stage, bound to the ledger as those in `mmst.pipeline` are.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from mmst.ledger.chunking import Chunking
from mmst.ledger.ledger import Work
from mmst.ledger.progress import Task
from mmst.ledger.spec import rows_key
from mmst.methods.edge import Edge
from mmst.methods.picking import Asking
from mmst.pipeline import Checkpoint, Pipeline, ProblemSet
from mmst.policies.case import Case, Experience, Pick, cases, disputed, experience
from mmst.policies.policy import Policy
from mmst.samplers.draw import Draw
from mmst.samplers.sampler import SamplingParams
from mmst.solutions import judged_solutions, problems_read, solution_states, with_states
from mmst.stages import hidden, pick
from mmst.stages.sets import Rows
from mmst.stages.translate import attempts
from mmst.types import GradedSample, Problem, Prompt, Sample

log = logging.getLogger(__name__)

TRAINING = "training problems"
"""What these are called on the screen."""


def gathered(
    pipeline: Pipeline,
    checkpoint: Checkpoint,
    policies: Sequence[Policy],
    problems: ProblemSet,
    greedy: Mapping[str, Rows],
    sampled: Mapping[str, Rows],
    params: SamplingParams,
    tested: bool = False,
    known: Mapping[str, Problem] | None = None,
) -> list[Case]:
    """Each problem with all that the policies look at.

    params: greedy ones. tested: whether hidden tests judge the answers. known: the problems that count; None: all.
    """
    asked = [policy for policy in policies if not (tested and policy.compares)]
    proofs = translations(pipeline, checkpoint, asked, problems, greedy, params)
    found = cases(problems.by_id if known is None else known, greedy, sampled, proofs)
    states = hidden_states(pipeline, checkpoint, asked, problems.name, [case.question for case in found])
    if states is not None:
        found = [replace(case, hidden=state) for case, state in zip(found, states, strict=True)]
    found = with_states(pipeline, checkpoint, asked, problems, found, sampled)
    for name, asking in _picks(pipeline, asked).items():
        given = picks(pipeline, checkpoint, asking, problems, found, greedy)
        _told_picks(name, problems.name, given)
        found = [replace(case, picks={**case.picks, name: given[case.id]}) if case.id in given else case for case in found]
    return found


def experienced(
    pipeline: Pipeline,
    policies: Sequence[Policy],
    checkpoint: Checkpoint,
    problems: ProblemSet,
    rows: Mapping[str, Iterable[GradedSample]],
) -> Experience:
    """What verdicts on training problems tell, by method, with the solutions where a policy needs them."""
    found = experience(checkpoint.key, problems.by_id, rows)
    most = problems_read(policies, list(pipeline.methods))
    return replace(found, solutions=judged_solutions(pipeline, problems, rows, most)) if most else found


def with_hidden(pipeline: Pipeline, checkpoint: Checkpoint, policies: Sequence[Policy], found: Experience) -> Experience:
    """Experience, with what the checkpoint that is to be chosen for makes of its questions and solutions."""
    states = hidden_states(pipeline, checkpoint, policies, TRAINING, found.questions)
    read = found.solutions
    if read is not None:
        read = replace(read, states=solution_states(pipeline, checkpoint, TRAINING, read.examples))
    return replace(found, hidden=states, solutions=read)


def translations(
    pipeline: Pipeline,
    checkpoint: Checkpoint,
    policies: Iterable[Policy],
    problems: ProblemSet,
    greedy: Mapping[str, Iterable[GradedSample]],
    params: SamplingParams,
) -> dict[str, Rows]:
    """Greedy answers translated along the edges that policies need; those that hold no answer are not."""
    methods = list(pipeline.methods)
    needed = dict.fromkeys(edge for policy in policies for edge in policy.needs(methods).translations)
    found: dict[str, Rows] = {}
    for edge in (Edge.parse(text, methods) for text in needed):
        answered = [row for row in greedy[edge.source] if row.answer is not None]
        found[str(edge)] = pipeline.translated(checkpoint, edge, attempts(answered), problems, params, 1, 0)
    return found


def picks(
    pipeline: Pipeline,
    checkpoint: Checkpoint,
    asking: Asking,
    problems: ProblemSet,
    found: Sequence[Case],
    greedy: Mapping[str, Iterable[GradedSample]],
) -> dict[str, list[Pick]]:
    """Problem id -> what the model picked, in each order; only where greedy answers differ, among those that hold one."""
    asked = {case.id for case in found if disputed(case)}
    solutions: dict[str, list[GradedSample]] = {case.id: [] for case in found if case.id in asked}
    for rows in greedy.values():
        for row in rows:
            if row.sample.problem_id in asked and row.answer is not None:
                solutions[row.sample.problem_id].append(row)
    shown = pick.lines(solutions, asking.orders, pipeline.seed)
    given: dict[str, list[Pick]] = defaultdict(list)
    for line, reply in zip(shown, _replies(pipeline, checkpoint, asking, problems, shown), strict=True):
        given[line.problem_id].append(pick.as_pick(line, reply))
    return given


def _replies(
    pipeline: Pipeline, checkpoint: Checkpoint, asking: Asking, problems: ProblemSet, shown: Sequence[pick.Line]
) -> Iterator[Sample]:
    """What the model says to each line."""
    draw = Draw(pipeline.seed, 0, f"{problems.name}/select")
    params = SamplingParams(0.0, max_tokens=asking.max_tokens)

    def prompts(part: Sequence[pick.Line]) -> Iterable[Prompt]:
        return pick.pick_prompts(part, problems.by_id, pipeline.methods, pipeline.writer, asking, draw)

    def compute(part: Sequence[pick.Line], task: Task) -> list[Sample]:
        pipeline.sampler.load(checkpoint.path)
        return pick.pick(part, list(prompts(part)), pipeline.sampler, params, task.advance)

    key = pipeline.keep_prompts(shown, prompts, f"prompts of {problems.name} by select")
    spec = pick.PickSpec(*pipeline.engine(), checkpoint.key, key, params, draw)
    redo = pick.is_lost if pipeline.redo_unjudged else None
    work = Work("pick", spec, compute, Sample)
    return pipeline.ledger.chain(shown, [work], pipeline.chunking, f"select {problems.name}", redo=redo).rows(Sample)


def hidden_states(
    pipeline: Pipeline, checkpoint: Checkpoint, policies: Iterable[Policy], name: str, questions: Sequence[str]
) -> Any:
    """The model's hidden states of questions (P x H, float32); None where no policy needs them or the engine gives none."""
    methods = list(pipeline.methods)
    reader = pipeline.sampler
    if not isinstance(reader, hidden.Reader) or not any(policy.needs(methods).hidden for policy in policies):
        return None

    def compute(part: Sequence[str], task: Task) -> list[hidden.HiddenState]:
        pipeline.sampler.load(checkpoint.path)
        return hidden.hidden(part, reader)

    spec = hidden.HiddenSpec(*pipeline.engine(), checkpoint.key, rows_key(questions))
    work = Work("hidden", spec, compute, hidden.HiddenState)
    stage = pipeline.ledger.chain(questions, [work], Chunking(hidden.CHUNK), f"hidden states of {name}")
    return hidden.matrix(stage.rows(hidden.HiddenState))


def _told_picks(policy: str, dataset: str, given: Mapping[str, Sequence[Pick]]) -> None:
    """How often the model's picks say something: a model that cannot be asked so answers at random, or not at all."""
    if given:
        same = sum(None not in named and len(named) == 1 for picks in given.values() for named in [{x.method for x in picks}])
        log.info("%s on %s: one solution in every order for %d of %d problems", policy, dataset, same, len(given))


def _picks(pipeline: Pipeline, policies: Sequence[Policy]) -> dict[str, Asking]:
    methods = list(pipeline.methods)
    return {name: asking for policy in policies for name, asking in policy.needs(methods).picks.items()}
