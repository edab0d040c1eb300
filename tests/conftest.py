"""What tests share: no network, one nano checkpoint, one sandbox, and the methods as the configs make them."""

from __future__ import annotations

import os

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
if "PYTEST_XDIST_WORKER" in os.environ:  # threads of two processes would fight over the cores
    os.environ["OMP_NUM_THREADS"] = "1"

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from mmst.executors.cluster import patient
from mmst.methods.method import Method
from mmst.nano.__main__ import bare_methods
from mmst.sandbox.pool import SandboxPool
from mmst.training.checkpoint import nano_checkpoint
from mmst.types import Problem
from tests.commands import Runs

ROOT = Path(__file__).parents[1]
SOAK = bool(os.environ.get("SOAK"))
"""`make soak`: what is slow and rare runs too, and properties are searched with fresh seeds."""
NO_CLOCK = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}

settings.register_profile("test", derandomize=True, database=None, **NO_CLOCK)
settings.register_profile("soak", max_examples=3000, print_blob=True, **NO_CLOCK)
settings.load_profile("soak" if SOAK else "test")

STORE = 80 << 20
"""Bytes of the object store of a node of Ray: 80 MB is about the least that it takes."""
REAL_DATA = ROOT.parent / "shared" / "data"


def pytest_collection_modifyitems(config, items):
    """Leave out what only `make soak` runs."""
    if not SOAK:
        soak = [item for item in items if item.get_closest_marker("soak")]
        config.hook.pytest_deselected(items=soak)
        items[:] = [item for item in items if item not in soak]


@pytest.fixture(scope="session")
def nano() -> Path:
    return nano_checkpoint()


@pytest.fixture(scope="session")
def sandbox() -> Iterator[SandboxPool]:
    with SandboxPool(workers=2) as pool:
        yield pool


@pytest.fixture(scope="session")
def methods() -> dict[str, Method]:
    return bare_methods()


@pytest.fixture
def runs(tmp_path) -> Runs:
    return Runs(tmp_path)


@pytest.fixture(scope="session")
def more_runs(tmp_path_factory):
    """Makes folders of their own to run commands in."""
    return lambda: Runs(tmp_path_factory.mktemp("runs"))


@pytest.fixture
def cluster() -> Iterator[Any]:
    """A Ray of one node with one core; `add_node` adds more. Each has the time that a busy machine takes to start it."""
    ray, cluster_utils = pytest.importorskip("ray"), pytest.importorskip("ray.cluster_utils")
    with patient(ray):
        head = {"num_cpus": 1, "object_store_memory": STORE, "include_dashboard": False}
        made = cluster_utils.Cluster(initialize_head=True, head_node_args=head)
        yield made
        made.shutdown()


@pytest.fixture
def problem() -> Problem:
    return Problem(id="p1", question="Ana has 3 bags of 4 nuts. How many nuts is that?", answer="12")


@pytest.fixture
def real_data() -> Path:
    if not REAL_DATA.is_dir():
        pytest.skip("the folder with the real data sets is not here")
    return REAL_DATA
