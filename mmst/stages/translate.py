"""Pseudo-label -> translation: the model writes a kept solution of one method as one of another.

1. In: pseudo-labels of the edge's source, their problems, a checkpoint in the engine.
2. The prompt holds the problem and the source's solution, and ends in the target's cue. The paper says no more of this step
   than that it is done (arXiv 2307.10633, section 3); here every attempt is a row, kept or not.
3. Out: samples of the target method, each with the id of its source. Grading and verification come after.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from mmst.methods.method import Method
from mmst.methods.prompt import PromptWriter
from mmst.methods.reasoning import split_reasoning
from mmst.samplers.draw import Draw, as_sample, seed_of
from mmst.samplers.sampler import Sampler, SamplingParams, Watch, nobody
from mmst.types import GradedSample, Problem, Prompt, Sample

VERSION = 4


@dataclass(frozen=True, slots=True)
class TranslateSpec:
    """What determines the translations."""

    engine: str
    """Name and version of the engine."""
    engine_source: str | None
    """See `mmst.ledger.spec.source_of`."""
    checkpoint: str
    prompts: str
    """A hash of what the engine is asked, whatever it is made of: also the source's solutions, and how they are cleaned."""
    params: SamplingParams
    draw: Draw
    chunk: int
    """Sources a chunk: it changes no row, but which file a row lies in."""
    version: int = VERSION


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
    prompts = list(translation_prompts(sources, problems, source, target, writer, draw))
    completions = sampler.complete(prompts, params, watch)
    return [
        as_sample(
            f"{prompt.id}/{index}", row.sample.problem_id, target.name, index, prompt.seeds[index], completion, params,
            sampler.engine, source_id=row.sample.id,
        )
        for row, prompt, group in zip(sources, prompts, completions, strict=True)
        for index, completion in enumerate(group)
    ]  # fmt: skip


def translation_prompts(
    sources: Sequence[GradedSample],
    problems: Mapping[str, Problem],
    source: Method,
    target: Method,
    writer: PromptWriter,
    draw: Draw,
) -> Iterator[Prompt]:
    """What the engine is asked, by source."""
    for row in sources:
        solution = source.clean(split_reasoning(row.sample.completion)[1])  # without the reasoning before it
        said = writer.translation(problems[row.sample.problem_id], solution, source.format, target.format)
        seeds = tuple(seed_of(draw, row.sample.id, index) for index in range(draw.count))
        yield said.prompt(f"{row.sample.id}>{target.name}", seeds)
