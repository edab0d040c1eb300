"""On a real local Ray, where it is started."""

import os
import re
import sys

import pytest

from mmst.errors import ConfigError, EngineError, MissingExtraError
from mmst.executors.ray import Ray


def test_ray_is_an_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r"executor=ray needs an optional dependency.*\[ray\]"):
        Ray()


@pytest.mark.parametrize("wrong", [{"cpus": 0}, {"gpus": -1}, {"arms": 0}])
def test_what_an_arm_cannot_ask_for(wrong):
    with pytest.raises(ConfigError, match=r"executor: cpus=.* must be above 0, gpus=.* at least 0, and arms=.* at least 1"):
        Ray(**wrong)


def test_one_arm_at_a_time_needs_no_ray():
    assert not Ray(arms=1).chosen
    assert Ray(arms=1).at_once(3, None) == 1


@pytest.mark.soak
def test_an_arm_that_fits_nowhere_is_refused():
    with (
        pytest.raises(ConfigError, match="an arm with 1000 GPU does not fit: the cluster has 0 in all"),
        Ray(gpus=1000) as made,
    ):
        made.at_once(2, None)


@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1", "[::1]:1", "nowhere.invalid:6379", "nowhere"])
def test_where_no_cluster_is_it_is_said_without_waiting(address):
    with (
        pytest.raises(EngineError, match=rf"executor\.address={re.escape(address)}: no Ray there: .+"),
        Ray(address=address) as made,
    ):
        made.at_once(2, None)


@pytest.mark.soak
def test_parts_are_tasks_and_one_whose_process_dies_is_begun_anew(tmp_path):
    with Ray(cpus=0.5) as executor:
        assert executor.chosen
        assert [executor.at_once(parts, None) for parts in (2, 5)] == [2, 5]
        assert executor.start(own_pid).result() != os.getpid()
        assert executor.start(dies_once, tmp_path / "died").result() == "done"


def own_pid():
    return os.getpid()


def dies_once(path):
    if not path.exists():
        path.touch()
        os._exit(1)
    return "done"
