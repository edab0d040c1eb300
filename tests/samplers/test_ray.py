"""On a real local Ray."""

import functools
import math
import os
import signal
import sys
from pathlib import Path

import pytest

from mmst.datasets.arithmetic.world import draw_problems
from mmst.errors import ConfigError, MissingExtraError, ModelError
from mmst.methods.prompt import PromptFormat, PromptWriter
from mmst.samplers.hf import HFSampler
from mmst.samplers.ray import RaySampler, piece_size
from mmst.samplers.sampler import SamplingParams
from mmst.types import Prompt
from tests.conftest import SOAK

WARM = SamplingParams(temperature=1.0, max_tokens=48)


@pytest.fixture(scope="module")
def sampler(nano):
    actors = 2 if SOAK else 1
    made = RaySampler(functools.partial(HFSampler, device="cpu"), actors=actors, cpus=0.5, prompts_per_piece=5)
    made.load(nano)
    yield made
    made.close()


@pytest.fixture(scope="module")
def prompts():
    form = PromptFormat(cue="Answer:", lead=" ", key="text")
    problems = draw_problems("validation", 24, 5)
    return [Prompt(p.id, PromptWriter().solve(p, form), seeds=(i, i + 100)) for i, p in enumerate(problems)]


@pytest.fixture(scope="module")
def expected(nano, prompts):
    local = HFSampler(device="cpu")
    local.load(nano)
    return local.engine, [[(c.text, c.finish, c.completion_tokens) for c in group] for group in local.complete(prompts, WARM)]


@pytest.mark.soak
def test_rows_are_those_of_the_engine_alone(sampler, prompts, expected):
    told = []
    found = sampler.complete(prompts, WARM, lambda rows, tokens: told.append((rows, tokens)))
    assert [[(c.text, c.finish, c.completion_tokens) for c in group] for group in found] == expected[1]
    assert sampler.engine == expected[0]
    assert sampler.takes_adapters
    assert len(told) == 5
    assert sum(rows for rows, _ in told) == 48


@pytest.mark.soak
def test_an_actor_that_is_killed_is_replaced_and_changes_nothing(sampler, prompts, expected):
    import ray

    victim = ray.get(sampler._pool[0].__ray_call__.remote(lambda actor: os.getpid()))
    killed = []

    def kill_once(rows, tokens):
        if not killed:
            os.kill(victim, signal.SIGKILL)
            killed.append(victim)

    found = sampler.complete(prompts, WARM, kill_once)
    assert killed
    assert [[(c.text, c.finish, c.completion_tokens) for c in group] for group in found] == expected[1]


@pytest.mark.soak
def test_a_mistake_of_the_user_comes_through_as_it_is(sampler, prompts):
    sampler.load(Path("nowhere"))
    with pytest.raises(ModelError, match="nowhere"):
        sampler.complete(prompts[:1], SamplingParams(1.0, max_tokens=5))


@pytest.mark.soak
def test_no_prompt_no_completion(sampler):
    assert sampler.complete([], WARM) == []


@pytest.mark.parametrize(
    ("prompts", "actors", "expected"), [(500, 1, 64), (3, 1, 3), (500, 4, 63), (500, 64, 4), (500, 800, 1), (10_000, 64, 64)]
)
def test_a_piece_is_as_large_as_leaves_work_for_every_actor(prompts, actors, expected):
    assert piece_size(prompts, actors) == expected


def test_no_actor_is_without_work_where_there_are_prompts_enough():
    idle = [
        (prompts, actors)
        for actors in range(1, 70)
        for prompts in range(1, 300)
        if math.ceil(prompts / piece_size(prompts, actors)) < min(prompts, actors)
    ]
    assert not idle


@pytest.mark.parametrize("bad", [{"actors": 0}, {"cpus": -1}, {"gpus": -1}, {"prompts_per_piece": 0}])
def test_impossible_settings_are_refused(bad):
    with pytest.raises(ConfigError, match=next(iter(bad))):
        RaySampler(HFSampler, **bad)


@pytest.mark.soak
def test_actors_that_fit_nowhere_are_refused_not_waited_for(sampler):
    greedy = RaySampler(HFSampler, actors=1, gpus=1)
    with pytest.raises(ConfigError, match="1 actors with 1 GPU each do not fit: the cluster has 0"):
        greedy.engine  # noqa: B018


def test_a_missing_library_names_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r"\[ray\]"):
        RaySampler(HFSampler)
