"""Who is in a cluster of Ray, told by a Ray that is none."""

import os
from types import SimpleNamespace

import pytest

from mmst.errors import ConfigError
from mmst.executors import cluster
from mmst.executors.cluster import STARTING, join, leave, patient


class Services:
    """Ray's own functions, as far as `patient` changes them."""

    def __init__(self, process):
        self.process, self.asked, self.told = process, 0, {}

    def start_raylet(self, session_dir, node_id, runtime_env_agent_port=None):
        self.told = {"runtime_env_agent_port": runtime_env_agent_port, "environment": os.environ.copy()}
        return SimpleNamespace(process=self.process)

    def get_node(self, address, node):
        self.asked += 1
        if self.asked < 3:
            raise RuntimeError("not registered yet")
        return node


class Ray:
    """Whether it was begun, and where."""

    def __init__(self, alive=True):
        self.begun, self.ports = [], []
        services = Services(SimpleNamespace(poll=lambda: None if alive else 1))
        self._private = SimpleNamespace(services=services)
        self._raylet = SimpleNamespace(persist_port=lambda *port: self.ports.append(port))

    def is_initialized(self):
        return bool(self.begun)

    def init(self, address, **options):
        self.begun.append(address)

    def shutdown(self):
        self.begun.clear()


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    """No test is in the cluster of another, and none waits."""
    for name in ("members", "began", "address"):
        monkeypatch.setattr(cluster._Membership, name, getattr(cluster._Membership, name))
    monkeypatch.setattr(cluster, "BETWEEN_SECONDS", 0)
    for name in STARTING:
        monkeypatch.delenv(name, raising=False)


def test_the_last_member_ends_the_cluster():
    ray = Ray()
    join(ray, None, "sandbox")
    join(ray, None, "sampler")
    assert ray.begun == ["local"]
    leave(ray)
    assert ray.begun
    leave(ray)
    assert not ray.begun


def test_a_cluster_that_others_began_is_left_as_it_is():
    ray = Ray()
    ray.begun.append("by others")
    join(ray, "HOST:6379", "sampler")
    leave(ray)
    assert ray.begun == ["by others"]


def test_members_of_one_process_are_in_one_cluster():
    ray = Ray()
    join(ray, None, "sandbox")
    with pytest.raises(
        ConfigError, match=r"sampler\.address=HOST:6379: this run is in the Ray cluster of address=null already"
    ):
        join(ray, "HOST:6379", "sampler")
    leave(ray)


def test_a_node_that_is_slow_is_waited_for_and_needs_no_dashboard():
    ray = Ray()
    services = ray._private.services
    with patient(ray):
        services.start_raylet("session", "node")
        assert services.get_node("address", "node") == "node"
    assert services.asked == 3
    assert services.told["runtime_env_agent_port"] > 0
    assert STARTING.items() <= services.told["environment"].items()
    assert {port[2:] for port in ray.ports} == {(name, -1) for name in cluster.DASHBOARD_PORTS}
    assert not set(STARTING) & set(os.environ)


def test_a_node_that_died_is_not_waited_for():
    ray = Ray(alive=False)
    with patient(ray):
        ray._private.services.start_raylet("session", "node")
        with pytest.raises(RuntimeError, match="not registered yet"):
            ray._private.services.get_node("address", "node")
    assert ray._private.services.asked == 1
