"""Kills at random moments of each stage, of the driver and of what works for it: identical files in the end.

KILLS=5 tries 5 moments a stage instead of 20.
"""

import json
import os
import random
import shutil
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.processes import descendants
from tests.waiting import until

pytestmark = pytest.mark.soak
KILLS = int(os.environ.get("KILLS", "20"))
ARGUMENTS = ("debug=tiny", "arms=[]", "trainer.own_process=true", "trainer.options.steps=40", "trainer.options.save_every=5")
STAGES = {"sample": False, "grade": True, "translate": False, "examples": False, "train": True}
"""Stage -> whether a process of its own is sure to work for it (the sandbox's, the training's): then one is killed as well."""


@pytest.fixture(scope="module")
def undisturbed(more_runs):
    made = more_runs()
    return made.results(made.run("train.py", *ARGUMENTS)), made


@pytest.mark.parametrize("stage", STAGES)
def test_kills_at_random_moments_of_a_stage_change_no_file(runs, undisturbed, stage):
    results, other = undisturbed
    longest = max(seconds(folder) for folder in (other.folder / "ledger").glob(f"{stage}-*"))
    killed = Counter()
    while killed.total() < KILLS or (STAGES[stage] and not killed["worker"]):
        assert killed.total() < 5 * KILLS, "no process works for the driver"
        killed.update(disturbed(runs, stage, longest))
    assert killed["driver"]
    found = runs.results(runs.run("train.py", *ARGUMENTS))
    for key in ("arms", "comparisons", "counts"):
        assert found[key] == results[key]
    assert runs.ledger_files() == other.ledger_files()


def disturbed(runs, stage, longest):
    """Run, and kill once within `longest` seconds of the stage; who was killed. A run that ends does the stage again."""
    ledger, process = runs.folder / "ledger", runs.start("train.py", *ARGUMENTS)
    until(lambda: process.poll() is not None or at_work(process.process.pid, stage))
    time.sleep(random.uniform(0, longest))
    workers = descendants(process.process.pid) if random.random() < 0.5 else []
    victim = random.choice(workers) if workers else process.process.pid
    killed = process.poll() is None and kill(victim)
    code = process.wait()
    assert code in (0, 2) or (not workers and code == -signal.SIGKILL), process.communicate()
    assert "Traceback" not in process.communicate()[1]
    if code == 0:
        for folder in ledger.glob(f"{stage}-*"):
            shutil.rmtree(folder)
    if workers:
        return ["worker"] if killed else []
    return ["driver"] if code == -signal.SIGKILL else []


def seconds(folder):
    path = folder / "seconds.json"
    return json.loads(path.read_text()) if path.exists() else 0


def at_work(process, stage):
    """Whether a process holds a folder of the stage; of grading, where there is something to grade."""
    chunks = Counter()
    for lock in opened(process):
        if lock.name == ".lock":
            chunks[lock.parent.name.partition("-")[0]] = len(list(lock.parent.glob("chunk-*.jsonl")))
    graded = [chunks[name] for name in ("sample", "translate") if name in chunks]
    return stage in chunks and (stage != "grade" or not graded or chunks["grade"] < graded[0])


def opened(process):
    """The files that a process has open."""
    for link in Path(f"/proc/{process}/fd").glob("*"):
        try:
            yield link.readlink()
        except OSError:
            continue


def kill(process):
    try:
        os.kill(process, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True
