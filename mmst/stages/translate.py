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
from mmst.samplers.draw import Draw, as_sample, seed_of
from mmst.samplers.sampler import Sampler, SamplingParams, Watch, nobody
from mmst.types import GradedSample, Problem, Prompt, Sample

VERSION = 2


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
        Prompt(
            id=f"{row.sample.id}>{target.name}",
            text=writer.translate(
                problems[row.sample.problem_id], source.clean(row.sample.completion), source.format, target.format
            ),
            seeds=tuple(seed_of(draw, row.sample.id, index) for index in range(draw.count)),
            stop=target.format.stop,
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
