import errno

import pytest
from omegaconf import OmegaConf

from mmst.configuration import built, check_config, explained
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
    node = OmegaConf.create({"_target_": "mmst.stages.select.Filter", "per_problem": "many"})
    with pytest.raises(ConfigError, match=r"filter\.per_problem=many is not usable: expected `int`"):
        built(node, "filter")
    node.per_problem = 2
    assert built(node, "filter").per_problem == 2


def test_a_missing_part_is_named():
    with pytest.raises(ConfigError, match="paths is not set"):
        check_config(OmegaConf.create({"job": "eval"}))
