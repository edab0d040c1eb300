"""Actors of Ray that die, told by a Ray that is none: whose prompts go where, and when it is an error."""

import sys

import pytest

from mmst.errors import ConfigError, EngineError, ModelError
from mmst.samplers.ray import RaySampler
from mmst.samplers.sampler import SamplingParams
from mmst.types import Completion, FinishReason, Prompt
from tests.samplers.fake_ray import FakeRay

PARAMS = SamplingParams(temperature=1.0, max_tokens=5)
PROMPTS = [Prompt(str(n), f"prompt {n}", seeds=(n,)) for n in range(12)]


class Echo:
    """An engine whose completion says which prompt it is of."""

    engine, takes_adapters = "echo", False

    def load(self, checkpoint):
        pass

    def complete(self, prompts, params):
        return [[Completion(f"of {prompt.text}", FinishReason.STOP, 1, 1, None)] for prompt in prompts]


@pytest.fixture
def sampling(monkeypatch):
    """(deaths, what becomes of the dead, actors) -> the Ray and the sampler."""

    def make(deaths, afterwards, actors=2):
        ray = FakeRay(deaths, afterwards)
        monkeypatch.setitem(sys.modules, "ray", ray)
        return ray, RaySampler(Echo, actors=actors, prompts_per_piece=2)

    return make


def check(sampler):
    assert [[c.text for c in group] for group in sampler.complete(PROMPTS, PARAMS)] == [[f"of prompt {n}"] for n in range(12)]


def test_where_a_machine_is_lost_the_others_do_its_piece(sampling):
    ray, sampler = sampling({(0, 2)}, "waits")
    check(sampler)
    assert len(ray.given) == 7, "six pieces, and the lost one again"
    asked = len(ray.given)
    check(sampler)
    assert {actor for actor, _ in ray.given[asked:]} == {1}, "none is given to whom nobody expects back"


def test_for_an_actor_that_dies_another_is_started(sampling):
    ray, sampler = sampling({(0, 1)}, "there", actors=1)
    check(sampler)
    assert [actor for actor, _ in ray.given] == [0, *[1] * 6]


def test_an_actor_that_is_gone_for_good_is_left_out(sampling):
    ray, sampler = sampling({(1, 1)}, "gone")
    check(sampler)
    check(sampler)
    assert sum(actor == 1 for actor, _ in ray.given) == 1


def test_without_any_actor_left_it_is_one_sentence(sampling):
    _, sampler = sampling({(0, 2)}, "gone", actors=1)
    with pytest.raises(EngineError, match=r"a Ray actor died: the actor died; the same command goes on from here"):
        sampler.complete(PROMPTS, PARAMS)


def test_what_an_engine_is_does_not_depend_on_one_actor(sampling):
    ray, sampler = sampling(set(), "there")
    check(sampler)
    ray.kill(ray.actors[0])
    assert (sampler.takes_adapters, sampler.engine) == (False, "echo")
    assert len(ray.actors) == 3


def test_deaths_without_end_are_an_error(sampling):
    ray, sampler = sampling({(actor, piece) for actor in range(99) for piece in range(1, 99)}, "there")
    with pytest.raises(EngineError, match="a Ray actor died"):
        sampler.complete(PROMPTS, PARAMS)
    assert len(ray.given) < 12


def test_a_mistake_of_the_user_comes_through_as_it_is(sampling, monkeypatch):
    _, sampler = sampling(set(), "there")

    def refuse(engine, checkpoint):
        raise ModelError(f"{checkpoint} is no checkpoint")

    monkeypatch.setattr(Echo, "load", refuse)
    with pytest.raises(ModelError, match="None is no checkpoint"):
        sampler.complete(PROMPTS, PARAMS)


def test_no_prompt_no_completion(sampling):
    assert sampling(set(), "there")[1].complete([], PARAMS) == []


def test_actors_that_fit_nowhere_are_refused_not_waited_for(sampling):
    sampling(set(), "there")
    with pytest.raises(ConfigError, match="1 actors with 1 GPU each do not fit: the cluster has 0"):
        RaySampler(Echo, actors=1, gpus=1).complete(PROMPTS, PARAMS)


def test_once_all_actors_have_fitted_a_smaller_cluster_is_no_error(sampling):
    ray, sampler = sampling(set(), "there")
    check(sampler)
    sampler.close()
    ray.cpus = 1
    check(sampler)


def test_all_actors_can_be_waited_for(sampling):
    ray, sampler = sampling(set(), "there", actors=3)
    sampler.warm()
    assert len(ray.actors) == 3
    ray.kill(ray.actors[1])
    check(sampler)
