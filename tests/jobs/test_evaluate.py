import json

import pytest

from mmst.errors import ConfigError
from mmst.jobs.evaluate import trained_checkpoints


def test_a_runs_models_stand_in_the_order_of_its_arms(tmp_path):
    for arm in ("multi", "self_both", "added"):
        (tmp_path / "models" / arm).mkdir(parents=True)
    rounds = [{"arm": arm, "round": int(arm != "base"), "checkpoint": "gone"} for arm in ("base", "self_both", "multi")]
    (tmp_path / "results.json").write_text(json.dumps({"rounds": rounds}))
    found = trained_checkpoints(tmp_path)
    assert list(found) == ["self_both", "multi", "added"]
    assert found["multi"] == tmp_path / "models" / "multi"


def test_models_without_results_are_found(tmp_path):
    (tmp_path / "models" / "multi").mkdir(parents=True)
    assert list(trained_checkpoints(tmp_path)) == ["multi"]


def test_a_run_that_is_not_there_is_a_sentence(tmp_path):
    with pytest.raises(ConfigError, match=r"there is no run in .*nothing; give a run's folder"):
        trained_checkpoints(tmp_path / "nothing")
