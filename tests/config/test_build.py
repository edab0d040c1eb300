import pytest

from mmst.config.build import build
from mmst.errors import ConfigError


def test_a_value_is_refused_by_its_key():
    node = {"_target_": "mmst.stages.select.Filter", "per_problem": "many"}
    with pytest.raises(ConfigError, match=r"filter\.per_problem=many is not usable: expected `int`"):
        build(node, "filter")
    assert build({**node, "per_problem": 2}, "filter").per_problem == 2


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
        build({"_target_": target, **values}, "here")


def test_a_node_below_a_node_is_named_by_its_whole_key():
    node = {
        "_target_": "mmst.training.options.TrainingOptions",
        "optimizer": {"_target_": "mmst.training.options.OptimizerOptions", "lr": "fast"},
    }
    with pytest.raises(ConfigError, match=r"trainer\.options\.optimizer\.lr=fast is not usable"):
        build(node, "trainer.options")


@pytest.mark.parametrize(
    ("node", "words"),
    [
        ("text", "solvers=text is not usable: it must be a mapping"),
        ({"_target_": "mmst.nowhere.Nothing"}, "mmst.nowhere"),
        ({"_target_": "mmst.stages.select.Filter", "unheard_of": 1}, "unheard_of"),
    ],
)
def test_what_is_no_node_is_one_sentence(node, words):
    with pytest.raises(ConfigError, match=words):
        build(node, "solvers")
