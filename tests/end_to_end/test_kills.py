"""Kills at random moments of each stage, of the driver and of what works for it: identical files in the end."""

import os
import random
import shutil
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.waiting import until

pytestmark = pytest.mark.soak
KILLS = 20
ARGUMENTS = ("debug=tiny", "arms=[]", "trainer.own_process=true", "trainer.options.steps=40", "trainer.options.save_every=5")
STAGES = {"sample": 3.0, "grade": 0.5, "translate": 2.0, "examples": 0.2, "train": 8.0}
"""Stage -> seconds after its beginning within which it is killed, at most; a run that was faster does the stage again."""


@pytest.fixture(scope="module")
def undisturbed(more_runs):
    made = more_runs()
    return made.results(made.run("train.py", *ARGUMENTS)), made.ledger_files()


@pytest.mark.parametrize("stage", STAGES)
def test_kills_at_random_moments_of_a_stage_change_no_file(runs, undisturbed, stage):
    results, files = undisturbed
    killed = Counter()
    while killed.total() < KILLS:
        killed.update(disturbed(runs, stage))
    assert set(killed) == {"driver", "worker"}, killed
    found = runs.results(runs.run("train.py", *ARGUMENTS))
    for key in ("arms", "comparisons", "counts"):
        assert found[key] == results[key]
    assert runs.ledger_files() == files


def disturbed(runs, stage):
    """Run, and kill once in the stage; who was killed. A run that ends nevertheless has its stage taken away again."""
    ledger, process = runs.folder / "ledger", runs.start("train.py", *ARGUMENTS)
    known = set(ledger.glob(f"{stage}-*"))
    until(lambda: process.poll() is not None or stage_begun(ledger, stage, known))
    time.sleep(random.uniform(0, STAGES[stage]))
    workers = descendants(process.process.pid) if random.random() < 0.5 else []
    victim = random.choice(workers) if workers else process.process.pid
    killed = process.poll() is None and kill(victim)
    if process.wait() == 0:
        for folder in ledger.glob(f"{stage}-*"):
            shutil.rmtree(folder)
    return ["worker" if workers else "driver"] if killed else []


def stage_begun(ledger, stage, known):
    """A folder of the stage that an earlier process left is gone on with at once; else a new one is waited for."""
    unfinished = [folder for folder in known if not (folder / "manifest.json").exists()]
    return bool(unfinished) or bool(set(ledger.glob(f"{stage}-*")) - known)


def kill(process):
    try:
        os.kill(process, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def descendants(process):
    """All processes that a process has started, and that these have."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(path.parent.name)] = int(path.read_text().rsplit(")", 1)[1].split()[1])
        except (OSError, ValueError):
            continue
    found, level = [], {process}
    while level:
        level = {child for child, parent in parents.items() if parent in level}
        found += sorted(level)
    return found
