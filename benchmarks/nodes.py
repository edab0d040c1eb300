"""What a second machine is worth: the same problems sampled and graded by one node of Ray with one core, and by two, in turns.

    python benchmarks/nodes.py --problems 1500 --turns 3

`sampler=ray` and `sandbox=ray` on two local nodes, each held to a core of its own; the driver shares the first node's core.
Where others use the machine as well, wall-clock seconds say how busy it was. So beside them stand CPU seconds of each core, of
all processes of its node, its programs, and the driver: on cores that nobody else uses a turn takes as long as the busier core.
Actors and sandboxes are started and warmed before the clock is. The rows of all turns are compared.
"""

from __future__ import annotations

import argparse
import functools
import os
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from mmst.datasets.arithmetic.world import draw_problems
from mmst.executors.cluster import library, patient
from mmst.ledger.ledger import Ledger
from mmst.ledger.progress import Silent
from mmst.ledger.spec import rows_key
from mmst.methods.prompt import PromptWriter
from mmst.nano.__main__ import bare_methods
from mmst.pipeline import Checkpoint, Pipeline, ProblemSet
from mmst.samplers.hf import HFSampler
from mmst.samplers.ray import RaySampler
from mmst.samplers.sampler import SamplingParams
from mmst.sandbox.ray import RaySandbox
from mmst.training.checkpoint import nano_checkpoint

STORE = 80 << 20
"""Bytes of a node's object store, about the least that Ray takes: prompts and completions are small."""
PARAMS = SamplingParams(temperature=0.7, max_tokens=96)


@dataclass(frozen=True, slots=True)
class Turn:
    """What a turn took."""

    wall: float
    cpu: dict[str, float]
    """CPU seconds of the driver, and of each node."""
    rows: str

    @property
    def busiest(self) -> float:
        """CPU seconds of the core that had most to do."""
        return max(self.cpu["node 1"] + self.cpu["driver"], self.cpu.get("node 2", 0.0))


def cpu_seconds(first: int) -> dict[str, float]:
    """CPU seconds so far of this process, and of all that is held to a core, with what has ended. first: the first node's."""
    here = psutil.Process()
    found = Counter({"driver": sum(here.cpu_times()[:2])})
    for process in here.children(recursive=True):
        try:
            times, cores = process.cpu_times(), process.cpu_affinity()
        except psutil.NoSuchProcess:
            continue
        found["node 1" if cores == [first] else "node 2"] += sum(times[:4])
    return dict(found)


@contextmanager
def held_to(core: int) -> Iterator[None]:
    """What is started in this block stays on one core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def turn(address: str, nodes: int, problems: ProblemSet, warm: ProblemSet) -> Turn:
    """Sample and grade by so many nodes that are there."""
    sampler = RaySampler(functools.partial(HFSampler, device="cpu"), actors=nodes, cpus=1, address=address)
    with RaySandbox(address=address) as sandbox, tempfile.TemporaryDirectory() as folder:
        pipeline = Pipeline(Ledger(Path(folder), Silent()), bare_methods(), PromptWriter(), sampler, sandbox, 0, 500)
        sampler.warm()
        graded(pipeline, warm)
        first = min(os.sched_getaffinity(0))
        begun, before = time.perf_counter(), cpu_seconds(first)
        rows = graded(pipeline, problems)
        wall, after = time.perf_counter() - begun, cpu_seconds(first)
        sampler.close()
    return Turn(wall, {place: after[place] - before.get(place, 0.0) for place in after}, rows)


def graded(pipeline: Pipeline, problems: ProblemSet) -> str:
    """A hash of what was sampled and how it was judged, by programs and by texts.

    Log-probabilities are not in it: in a batch of another size they may be rounded otherwise.
    """
    base = Checkpoint(nano_checkpoint())
    rows = (row for method in ("code", "text") for row in pipeline.graded(base, method, problems, PARAMS, 1, 1))
    return rows_key((row.sample.id, row.sample.completion, row.answer, row.verdict) for row in rows)


def main() -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", type=int, default=1500)
    parser.add_argument("--turns", type=int, default=3)
    arguments = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    problems = ProblemSet("train", draw_problems("train", arguments.problems, 0))
    warm = ProblemSet("warm", draw_problems("validation", 16, 1))
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise SystemExit("two cores are needed, one for each node")
    os.sched_setaffinity(0, {cores[0]})
    ray: Any = library("benchmarks/nodes.py")
    from ray.cluster_utils import Cluster

    found: dict[int, list[Turn]] = {1: [], 2: []}
    with patient(ray):
        head = {"num_cpus": 1, "object_store_memory": STORE, "include_dashboard": False}
        cluster = Cluster(initialize_head=True, head_node_args=head)
        for number in range(arguments.turns * 2):
            nodes = (1, 2, 2, 1)[number % 4]
            second = None
            if nodes == 2:
                with held_to(cores[1]):
                    second = cluster.add_node(num_cpus=1, object_store_memory=STORE)
            done = turn(cluster.address, nodes, problems, warm)
            if second is not None:
                cluster.remove_node(second)
            found[nodes].append(done)
            cpu = ", ".join(f"{place} {seconds:.1f} s" for place, seconds in sorted(done.cpu.items()))
            print(f"{nodes} node{'s' * (nodes > 1)}: {done.wall:.1f} s; CPU: {cpu}; rows {done.rows}", flush=True)
        cluster.shutdown()
    if len({done.rows for turns in found.values() for done in turns}) > 1:
        raise SystemExit("rows differ")
    wall = {nodes: statistics.median(done.wall for done in turns) for nodes, turns in found.items()}
    cpu = {nodes: statistics.median(done.busiest for done in turns) for nodes, turns in found.items()}
    print(
        f"medians: {wall[1]:.1f} s by one, {wall[2]:.1f} s by two: {wall[1] / wall[2]:.2f}x; "
        f"CPU seconds of the busier core {cpu[1]:.1f} and {cpu[2]:.1f}: {cpu[1] / cpu[2]:.2f}x"
    )


if __name__ == "__main__":
    main()
