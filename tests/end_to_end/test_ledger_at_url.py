"""`kill -9` on one machine, the same command on another, with nothing in common but a ledger at a URL: the same files.

KILLS=5 kills five times in place of twenty, where `make soak` runs it.
"""

import os
import random
import signal
import time
from functools import partial

import pytest

from tests.commands import TINY
from tests.ledgers import without_chunks
from tests.processes import descendants
from tests.waiting import until

ARGUMENTS = ("debug=tiny", "arms=[]", "trainer.options.steps=12", "trainer.options.save_every=3")
KILLS = int(os.environ.get("KILLS", "20"))
MOMENTS = {
    "while sampling": "sample-*/chunk-00001.jsonl",
    "while translating": "translate-*/chunk-00000.jsonl",
    "while training": "train-*/work/step-*.ckpt",
}


def impatient():
    """A process that waits for no lease of a machine that was killed, and looks often at what a training has saved."""
    from mmst.ledger import remote
    from mmst.ledger.leases import Timing

    remote.LOOK_SECONDS = 0.01
    remote.Timing = partial(Timing, renewed=0.2, forgotten=3.0, asked=0.1)


class Machines:
    """Machines that share a URL, and have each a cache and runs of their own."""

    def __init__(self, runs):
        self.runs = runs
        self.store = runs.folder / "there"

    def words(self, name):
        return (*ARGUMENTS, f"paths.ledger=file://{self.store}", f"paths.cache={name}/cache", f"hydra.run.dir={name}/run")

    def start(self, name):
        return self.runs.start("train.py", *self.words(name), first=impatient)

    def results(self, name):
        return self.runs.results(self.runs.run("train.py", *self.words(name), first=impatient))

    def files(self, name):
        return files_in(self.runs.folder / name / "cache")


def files_in(root):
    other = ("seconds.json", "record.json", ".lock", ".runs", ".cache-id")
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file() and p.name not in other}


def killed(machines, name, moment):
    """Start the command on a machine, and kill all of it once `moment()` is over."""
    process = machines.start(name)
    moment(process)
    below = descendants(process.process.pid)
    for number in (process.process.pid, *below):
        try:
            os.kill(number, signal.SIGKILL)
        except ProcessLookupError:
            continue
    process.communicate()


def alike(found, expected):
    for key in ("arms", "comparisons", "counts"):
        assert found[key] == expected[key]


def test_a_run_killed_on_one_machine_after_another_goes_on_and_ends_alike(runs, more_runs):
    machines = Machines(runs)
    for number, pattern in enumerate(MOMENTS.values()):
        killed(
            machines,
            f"machine-{number}",
            lambda process, pattern=pattern: until(lambda: list(machines.store.glob(pattern)), process),
        )
    found = machines.results("last")
    undisturbed = more_runs()
    alike(found, undisturbed.results(undisturbed.run("train.py", *ARGUMENTS)))
    assert machines.files("last") == files_in(undisturbed.folder / "ledger")
    log = (runs.folder / "last" / "run" / "log.txt").read_text()
    assert "training goes on from" in log
    alike(machines.results("machine-0"), found)
    assert machines.files("machine-0") == machines.files("last")


@pytest.mark.soak
def test_kills_at_random_moments_of_machines_in_turn_change_no_row(runs, more_runs):
    undisturbed = more_runs()
    begun = time.monotonic()
    expected = undisturbed.results(undisturbed.run("train.py", *ARGUMENTS))
    longest = time.monotonic() - begun
    for number in range(KILLS):
        machines = Machines(runs)
        killed(machines, f"machine-{number % 3}", lambda process: time.sleep(random.uniform(0, longest)))
    alike(machines.results("last"), expected)
    assert without_chunks(machines.files("last")) == without_chunks(files_in(undisturbed.folder / "ledger"))


REFUSED = {
    "a protocol that nobody knows": ("nope://bucket/x", "paths.ledger=nope://bucket/x cannot be used: Protocol not known"),
    "no folder": ("memory://", "paths.ledger=memory:// names no folder"),
    "a password": ("sftp://me:secret@host/x", "there is a password in the URL"),
    "a file": ("file:///etc/passwd/x", "file:///etc/passwd/x cannot be read and written"),
}


@pytest.mark.parametrize(("url", "said"), REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("job", ["train", "eval", "generate"])
def test_a_url_that_cannot_be_used_is_one_sentence(runs, job, url, said):
    finished = runs.run(f"{job}.py", *TINY, f"paths.ledger={url}")
    assert finished.returncode == 2
    assert finished.stderr.count("\n") == 1
    assert said in finished.stderr
