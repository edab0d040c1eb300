"""What a sample's seed and id derive from, and a sample's row out of an engine's completion."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from mmst.samplers.sampler import SamplingParams
from mmst.types import Completion, Sample

SEED_BITS = 63


@dataclass(frozen=True, slots=True)
class Draw:
    """What a sample's seed derives from, beside its problem: nothing else about a run matters to it."""

    seed: int
    round: int
    purpose: str
    """What the samples are for, such as `train/text`: two purposes never share a seed."""
    count: int = 1

    @property
    def indices(self) -> range:
        """Which samples of a problem are drawn: the first `count`."""
        return range(self.count)


@dataclass(frozen=True, slots=True)
class LaterDraw(Draw):
    """Samples behind those that a problem has: the same rows as in one draw of all of them."""

    first: int = 0
    """The number of the first one."""

    @property
    def indices(self) -> range:
        """The `count` samples from `first` on."""
        return range(self.first, self.first + self.count)


def seed_of(draw: Draw, problem_id: str, index: int) -> int:
    """The seed of one sample: below 2**63, the same on every machine and in every batch."""
    text = f"{draw.seed}/{draw.round}/{draw.purpose}/{problem_id}/{index}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> (64 - SEED_BITS)


def as_sample(
    id: str,
    problem_id: str,
    method: str,
    index: int,
    seed: int,
    completion: Completion,
    params: SamplingParams,
    engine: str,
    source_id: str | None = None,
) -> Sample:
    """A row from an engine's completion."""
    return Sample(
        id=id,
        problem_id=problem_id,
        method=method,
        index=index,
        seed=seed,
        completion=completion.text,
        finish=completion.finish,
        prompt_tokens=completion.prompt_tokens,
        completion_tokens=completion.completion_tokens,
        mean_logprob=completion.mean_logprob,
        temperature=params.temperature,
        top_p=params.top_p,
        max_tokens=params.max_tokens,
        engine=engine,
        source_id=source_id,
        error=completion.error,
    )


@dataclass(frozen=True, slots=True)
class DrawnSpec:
    """What determines the rows of a stage that asks an engine."""

    engine: str
    """Name and version of the engine."""
    engine_source: str | None
    """See `mmst.ledger.spec.source_of`."""
    checkpoint: str
    prompts: str
    """A hash of what the engine is asked, whatever it is made of: question, format, exemplars, chat template, solutions."""
    params: SamplingParams
    draw: Draw
    version: int
    """Of the stage."""
