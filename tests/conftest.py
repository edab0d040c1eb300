"""What tests share: no network, one nano checkpoint, one sandbox, and the methods as the configs make them.

What is heavy is imported where it is used: the process that hands out the tests needs none of it.
"""

from __future__ import annotations

import os

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
if "PYTEST_XDIST_WORKER" in os.environ:  # threads of two processes would fight over the cores
    os.environ["OMP_NUM_THREADS"] = "1"

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

from mmst.types import Problem
from tests.commands import Runs

if TYPE_CHECKING:
    from mmst.methods.method import Method
    from mmst.sandbox.pool import SandboxPool

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


LONGEST = (
    "end_to_end/test_train.py",
    "training/test_launch.py",
    "end_to_end/test_sweep.py",
    "end_to_end/test_kill.py",
    "end_to_end/test_bad_input.py",
    "training/test_fit.py",
    "configs/test_configs.py",
    "sandbox/test_hostile.py",
    "sandbox/test_expressions.py",
    "sandbox/test_pool.py",
    "test_commands_of_docs.py",
    "test_keys.py",
    "end_to_end/test_eval.py",
    "samplers/test_hf.py",
    "samplers/test_ray.py",
    "samplers/test_openai.py",
    "samplers/test_vllm.py",
    "test_docs.py",
    "test_api.py",
    "test_notebook.py",
    "test_pipeline.py",
)
"""Files that take longest, the longest first."""


def pytest_collection_modifyitems(config, items):
    """Leave out what only `make soak` runs, and begin with the longest files: so both workers end at about the same time."""
    place = {ROOT / "tests" / name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path, len(place)))
    if not SOAK:
        soak = [item for item in items if item.get_closest_marker("soak")]
        config.hook.pytest_deselected(items=soak)
        items[:] = [item for item in items if item not in soak]


@pytest.fixture(scope="session")
def nano() -> Path:
    from mmst.training.checkpoint import nano_checkpoint

    return nano_checkpoint()


@pytest.fixture(scope="session")
def sandbox() -> Iterator[SandboxPool]:
    from mmst.sandbox.pool import SandboxPool

    with SandboxPool(workers=1) as pool:
        yield pool


@pytest.fixture(scope="session")
def methods() -> dict[str, Method]:
    from mmst.nano.__main__ import bare_methods

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
    from mmst.executors.cluster import patient

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
