"""A run on several Ray nodes, of which some are lost: the files of a run that computes everything by itself.

Where prompts are given out in pieces, mean log-probabilities are rounded otherwise, in their last digit, as by any other batch.
"""

import json
import os
import re

import pytest

from tests.commands import TINY
from tests.conftest import STORE
from tests.waiting import until

pytestmark = pytest.mark.soak
LOOP = (*TINY, "arms=[]", "policy=[one]", "splits=[test]", "trainer.options.steps=12")
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="module")
def alone(more_runs):
    """The ledger's files of a run that computes everything by itself."""
    runs = more_runs()
    runs.results(runs.run("train.py", *LOOP, env=ENVIRONMENT))
    return runs.ledger_files()


def but_for_rounding(files):
    """The ledger's files without mean log-probabilities, and without the hashes of what holds them."""
    found = {}
    for name, content in files.items():
        if name.endswith(".jsonl"):
            found[name] = re.sub(rb'"mean_logprob":-?[0-9.e-]+', b"", content)
        elif name.endswith("manifest.json"):
            found[name] = {key: value for key, value in json.loads(content).items() if key not in ("chunks", "content")}
        elif not name.endswith(".sha256"):
            found[name] = content
    return found


def lose_in_turn(runs, process, cluster, nodes, stages):
    """Kill a node as soon as the ledger holds anything of a stage."""
    for node, stage in zip(nodes, stages, strict=True):
        until(lambda stage=stage: any((runs.folder / "ledger").glob(f"{stage}-*")), process)
        cluster.remove_node(node, allow_graceful=False)
    printed = process.communicate()
    assert process.returncode == 0, printed
    return "".join(printed)


@pytest.mark.parametrize("stages", [("sample",), ("grade", "translate", "train")])
def test_nodes_that_are_lost_while_they_sample_and_grade_change_no_file(runs, alone, cluster, stages):
    others = [cluster.add_node(num_cpus=1, object_store_memory=STORE) for _ in stages]
    by_ray = (f"sampler.actors={len(stages) + 1}", f"sampler.address={cluster.address}", "sampler.prompts_per_piece=2")
    process = runs.start("train.py", *LOOP, "sampler=ray", "sandbox=ray", *by_ray, env=ENVIRONMENT)
    said = lose_in_turn(runs, process, cluster, others, stages)
    assert but_for_rounding(runs.ledger_files()) == but_for_rounding(alone)
    assert "was lost; its programs go to the others" in said


def test_a_node_that_is_lost_under_an_arm_changes_no_file(runs, alone, cluster):
    other = cluster.add_node(num_cpus=1, object_store_memory=STORE)
    process = runs.start("train.py", *LOOP, "executor=ray", f"executor.address={cluster.address}", env=ENVIRONMENT)
    lose_in_turn(runs, process, cluster, [other], ["train"])
    assert runs.ledger_files() == alone
