"""Problem -> Sample: K completions of each problem by one method.

1. In: problems (P), a method, a checkpoint in the engine, sampling parameters.
2. Each completion's seed derives from (run seed, round, purpose, problem, number): nothing else about the run matters to it.
3. Out: samples (P x K), by problem, then by number. Resumes at the chunk (`mmst.ledger.chunking`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mmst.methods.method import Method
from mmst.methods.prompt import PromptWriter
from mmst.samplers.draw import Draw, DrawnSpec, as_sample, seed_of
from mmst.samplers.sampler import Sampler, SamplingParams, Watch, nobody
from mmst.types import Problem, Prompt, Sample

VERSION = 5


@dataclass(frozen=True, slots=True)
class SampleSpec(DrawnSpec):
    """What determines the samples."""

    version: int = VERSION


def sample(
    problems: Sequence[Problem],
    method: Method,
    writer: PromptWriter,
    sampler: Sampler,
    params: SamplingParams,
    draw: Draw,
    watch: Watch = nobody,
) -> list[Sample]:
    """Sample `draw.count` completions of each problem."""
    prompts = list(solution_prompts(problems, method, writer, draw))
    completions = sampler.complete(prompts, params, watch)
    return [
        as_sample(f"{prompt.id}/{index}", problem.id, method.name, index, seed, completion, params, sampler.engine)
        for problem, prompt, group in zip(problems, prompts, completions, strict=True)
        for index, seed, completion in zip(draw.indices, prompt.seeds, group, strict=True)
    ]


def solution_prompts(problems: Sequence[Problem], method: Method, writer: PromptWriter, draw: Draw) -> Iterator[Prompt]:
    """What the engine is asked, by problem."""
    for problem in problems:
        seeds = tuple(seed_of(draw, problem.id, index) for index in draw.indices)
        yield writer.solution(problem, method.format).prompt(f"{problem.id}/{method.name}", seeds)
