import errno
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import OmegaConf

from mmst.configuration import built, check_config, explained
from mmst.entry import register_resolvers
from mmst.errors import ConfigError, DataError


def test_the_users_own_mistake_is_found_behind_other_errors():
    error = RuntimeError("hydra says something")
    error.__cause__ = DataError("x.jsonl, line 3: not JSON")
    assert explained(error) == "x.jsonl, line 3: not JSON"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "runs/x"), "no space is left on the device of runs/x"),
        (FloatingPointError("the loss of step 3 is not finite"), "step 3"),
        (RuntimeError("a bug of ours"), None),
    ],
)
def test_what_is_explained_and_what_is_ours(error, words):
    sentence = explained(error)
    assert sentence is None if words is None else words in sentence


def test_a_value_is_refused_by_its_key():
    node = OmegaConf.create({"_target_": "mmst.filters.filter.Filter", "per_problem": "many"})
    with pytest.raises(ConfigError, match=r"filter\.per_problem=many is not usable: expected `int`"):
        built(node, "filter")
    node.per_problem = 2
    assert built(node, "filter").per_problem == 2


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("seed=-1", "seed=-1"),
        ("chunk=null", "chunk=null"),
        ("chunk=0", "chunk=0"),
        ("rounds=true", "rounds=True"),
        ("arms=multi", "arms=multi"),
        ("name=..", "name=.."),
        ("name=a/b", "name=a/b"),
        ("init_from=nowhere", "init_from=nowhere"),
        ("evaluation=null", "evaluation is not set"),
        ("trainer.options=null", "trainer.options is not set"),
        ("dataset.limit=0", "dataset.limit=0"),
        ("model.chat=7", "model.chat=7"),
        ("paths.ledger=null", "paths.ledger=null"),
        ("method.edges=null", "method.edges=null"),
    ],
)
def test_every_plain_key_is_checked(override, words):
    register_resolvers()
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(Path(__file__).parents[1] / "configs"), version_base="1.3"):
        config = compose("train", overrides=["name=x", override])
    with pytest.raises(ConfigError) as raised:
        check_config(config)
    assert words in str(raised.value)


@pytest.mark.parametrize(
    ("target", "values"),
    [
        ("mmst.training.options.OptimizerOptions", {"lr": -1.0}),
        ("mmst.training.options.OptimizerOptions", {"warmup": 7.0}),
        ("mmst.training.options.OptimizerOptions", {"schedule": "foo"}),
        ("mmst.samplers.hf.HFSampler", {"dtype": "foo"}),
        ("mmst.samplers.hf.HFSampler", {"device": "nowhere"}),
        ("mmst.sandbox.pool.SandboxPool", {"workers": -1}),
        ("mmst.sandbox.pool.SandboxPool", {"accept_missing": ["foo"]}),
        ("mmst.sandbox.pool.Limits", {"memory_bytes": 1}),
        ("mmst.samplers.sampler.SamplingParams", {"temperature": float("nan")}),
    ],
)
def test_impossible_values_are_refused_before_any_work(target, values):
    with pytest.raises(ConfigError, match=next(iter(values))):
        built(OmegaConf.create({"_target_": target, **values}), "here")


def test_a_missing_part_is_named():
    with pytest.raises(ConfigError, match="paths is not set"):
        check_config(OmegaConf.create({"job": "eval"}))
