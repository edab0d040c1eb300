"""Solutions -> pick: the model is shown a problem with its methods' solutions, and names the right one.

1. In: the greedy answers that differ, their problems, a checkpoint in the engine.
2. A problem is asked in one order of its solutions, drawn by the run's seed and the problem's id, and in the reverse.
3. Out: samples, one for each order. Which solution a reply names is read when it is needed.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from mmst.methods.method import Method
from mmst.methods.picking import Asking, picked, picking_prompt
from mmst.methods.prompt import PromptWriter
from mmst.methods.reasoning import split_reasoning
from mmst.policies.case import Pick
from mmst.samplers.draw import Draw, DrawnSpec, as_sample, seed_of
from mmst.samplers.lengths import TOO_LONG
from mmst.samplers.sampler import Sampler, SamplingParams, Watch, nobody
from mmst.types import FinishReason, GradedSample, Problem, Prompt, Sample

VERSION = 1


@dataclass(frozen=True, slots=True)
class PickSpec(DrawnSpec):
    """What determines the picks."""

    version: int = VERSION


@dataclass(frozen=True, slots=True)
class Line:
    """One problem's solutions, in the order that the model is shown them."""

    problem_id: str
    number: int
    """Of the order, from 0."""
    rows: tuple[GradedSample, ...]


def lines(answers: Mapping[str, Sequence[GradedSample]], orders: int, seed: int) -> list[Line]:
    """Each problem's solutions in `orders` orders. answers: problem id -> its solutions."""
    found = []
    for problem_id, rows in answers.items():
        drawn = list(rows)
        random.Random(f"{seed}/{problem_id}/order").shuffle(drawn)
        found += [Line(problem_id, number, tuple(drawn[:: -1 if number else 1])) for number in range(orders)]
    return found


def pick(
    shown: Sequence[Line], prompts: Sequence[Prompt], sampler: Sampler, params: SamplingParams, watch: Watch = nobody
) -> list[Sample]:
    """One reply to each line."""
    completions = sampler.complete(prompts, params, watch)
    return [
        as_sample(f"{prompt.id}/0", line.problem_id, "select", 0, prompt.seeds[0], group[0], params, sampler.engine)
        for line, prompt, group in zip(shown, prompts, completions, strict=True)
    ]


def pick_prompts(
    shown: Sequence[Line],
    problems: Mapping[str, Problem],
    methods: Mapping[str, Method],
    writer: PromptWriter,
    asking: Asking,
    draw: Draw,
) -> Iterator[Prompt]:
    """What the engine is asked, by line."""
    for line in shown:
        solutions = [methods[row.sample.method].clean(split_reasoning(row.sample.completion)[1]) for row in line.rows]
        said = picking_prompt(writer, problems[line.problem_id], solutions, asking.format)
        yield said.prompt(f"{line.problem_id}/select.{line.number}", (seed_of(draw, line.problem_id, line.number),))


def as_pick(line: Line, reply: Sample) -> Pick:
    """Whose solution a reply names. A prompt that is too long for the model is a question that it cannot answer."""
    place = picked(reply.completion, len(line.rows))
    method = None if place is None else line.rows[place].sample.method
    return Pick(method, reply.completion_tokens, reply.prompt_tokens, is_lost(reply))


def is_lost(reply: Sample) -> bool:
    """Whether the engine failed, so that nobody knows what the model would have said."""
    return reply.finish is FinishReason.ERROR and reply.error != TOO_LONG
