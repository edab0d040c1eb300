"""A run whose samples come from several Ray nodes, of which some are lost: the files of a run that samples by itself."""

import os

import pytest

from tests.commands import TINY
from tests.conftest import STORE
from tests.waiting import until

pytestmark = pytest.mark.soak
LOOP = (*TINY, "arms=[]", "trainer.options.steps=12")


@pytest.mark.parametrize(("nodes", "lost"), [(2, 1), (4, 2)])
def test_nodes_that_are_lost_while_they_sample_change_no_file(runs, more_runs, cluster, nodes, lost):
    others = [cluster.add_node(num_cpus=1, object_store_memory=STORE) for _ in range(nodes - 1)]
    by_ray = (f"sampler.actors={nodes}", f"sampler.address={cluster.address}", "sampler.prompts_per_piece=2")
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = runs.start("train.py", *LOOP, "sampler=ray", *by_ray, env=environment)
    for number, node in enumerate(others[:lost], 1):
        until(lambda number=number: len(list((runs.folder / "ledger").glob("sample-*/manifest.json"))) >= number, process)
        cluster.remove_node(node, allow_graceful=False)
    printed = process.communicate()
    assert process.returncode == 0, printed
    alone = more_runs()
    alone.results(alone.run("train.py", *LOOP, env=environment))
    assert runs.ledger_files() == alone.ledger_files()
