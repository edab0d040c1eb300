"""Pseudo-label -> translation: the model writes a kept solution of one method as one of another.

1. In: pseudo-labels of the edge's source, their problems, a checkpoint in the engine.
2. The prompt holds the problem and the source's solution, and ends in the target's cue. The paper says no more of this step
   than that it is done (arXiv 2307.10633, section 3); here every attempt is a row, kept or not.
3. Out: samples of the target method, each with the id of its source. Grading and verification come after.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mmst.methods.method import Method
from mmst.methods.prompt import PromptWriter
from mmst.methods.reasoning import split_reasoning
from mmst.samplers.draw import Draw, as_sample, seed_of
from mmst.samplers.sampler import Sampler, SamplingParams, Watch, nobody
from mmst.types import GradedSample, Problem, Sample

VERSION = 3


def translate(
    sources: Sequence[GradedSample],
    problems: Mapping[str, Problem],
    source: Method,
    target: Method,
    writer: PromptWriter,
    sampler: Sampler,
    params: SamplingParams,
    draw: Draw,
    watch: Watch = nobody,
) -> list[Sample]:
    """Translate each source `draw.count` times."""
    prompts = [
        writer.translation(problems[row.sample.problem_id], _solution(row, source), source.format, target.format).prompt(
            f"{row.sample.id}>{target.name}", tuple(seed_of(draw, row.sample.id, index) for index in range(draw.count))
        )
        for row in sources
    ]
    completions = sampler.complete(prompts, params, watch)
    return [
        as_sample(
            f"{prompt.id}/{index}", row.sample.problem_id, target.name, index, prompt.seeds[index], completion, params,
            sampler.engine, source_id=row.sample.id,
        )
        for row, prompt, group in zip(sources, prompts, completions, strict=True)
        for index, completion in enumerate(group)
    ]  # fmt: skip


def _solution(row: GradedSample, method: Method) -> str:
    """A source's solution, without the reasoning before it."""
    return method.clean(split_reasoning(row.sample.completion)[1])
