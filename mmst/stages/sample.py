"""Problem -> Sample: K completions of each problem by one method.

1. In: problems (P), a method, a checkpoint in the engine, sampling parameters.
2. Each completion's seed derives from (run seed, round, purpose, problem, number): nothing else about the run matters to it.
3. Out: samples (P x K), by problem, then by number. Resumes at the chunk.
"""

from __future__ import annotations

from collections.abc import Sequence

from mmst.methods.method import Method
from mmst.methods.prompt import PromptWriter
from mmst.samplers.draw import Draw, as_sample, seed_of
from mmst.samplers.sampler import Sampler, SamplingParams, Watch, nobody
from mmst.types import Problem, Prompt, Sample

VERSION = 3


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
    prompts = [
        Prompt(
            id=f"{problem.id}/{method.name}",
            text=writer.solve(problem, method.format),
            seeds=tuple(seed_of(draw, problem.id, index) for index in range(draw.count)),
            stop=method.format.stop,
        )
        for problem in problems
    ]
    completions = sampler.complete(prompts, params, watch)
    return [
        as_sample(
            f"{prompt.id}/{index}", problem.id, method.name, index, prompt.seeds[index], completion, params, sampler.engine
        )
        for problem, prompt, group in zip(problems, prompts, completions, strict=True)
        for index, completion in enumerate(group)
    ]
