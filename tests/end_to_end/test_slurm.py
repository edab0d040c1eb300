"""Under a Slurm of this machine: a sweep by submitit, and the whole loop as one job with a training over two nodes."""

import json
import sys

import pytest

from mmst.training.saving import latest
from tests.commands import ROOT, TINY
from tests.slurm import Slurm, can_run
from tests.waiting import until

pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(not can_run(), reason="needs root, and the packages slurmctld, slurmd, slurm-client and munge"),
]
LOOP = (*TINY, "arms=[]", "trainer=ddp", "trainer.options.steps=300", "trainer.options.save_every=1000")


@pytest.fixture(scope="module")
def slurm(tmp_path_factory):
    made = Slurm(tmp_path_factory.mktemp("slurm"))
    try:
        made.start()
        yield made
    finally:
        made.stop()


def test_jobs_of_a_sweep_run_under_slurm(runs, slurm):
    pytest.importorskip("hydra_plugins.hydra_submitit_launcher")
    quick = ("sweep=main", *TINY, "size=full", "arms=[]", "dataset.limit=8", "method=none", "seed=0,1")
    launched = ("hydra/launcher=submitit_slurm", "hydra.launcher.cpus_per_task=1", "hydra.launcher.timeout_min=60")
    finished = runs.run("train.py", *quick, *launched, env=slurm.environment)
    assert finished.returncode == 0, finished.stderr
    folder = runs.folder / "runs" / "sweep" / "main"
    assert len([json.loads(path.read_text()) for path in folder.glob("*/results.json")]) == 2
    assert len(list(folder.glob(".submitit/*/*_log.out"))) == 2


def test_the_loop_is_one_job_that_is_cancelled_or_queued_again_and_ends_alike(runs, more_runs, slurm):
    other = more_runs()
    undisturbed = submitted(other, slurm)
    until(lambda: not slurm.state(undisturbed))
    first = submitted(runs, slurm)
    until(lambda: steps_of(runs), Watched(slurm, runs, first))
    slurm.ask("scancel", first)
    until(lambda: not slurm.state(first))
    saved = checkpoint(runs)
    assert saved > 0
    second = submitted(runs, slurm)
    until(lambda: steps_of(runs) > saved, Watched(slurm, runs, second))
    slurm.ask("scancel", "--batch", "--signal=TERM", second)  # as before its time is over
    until(lambda: slurm.state(second) == "PENDING", Watched(slurm, runs, second))
    assert checkpoint(runs) > saved
    # not at once: nodes refuse what is begun in the second in which they gave the job up (Slurm itself waits two minutes)
    slurm.ask("scontrol", "update", f"jobid={second}", "starttime=now+5")
    until(lambda: not slurm.state(second))
    printed = output(runs, second)
    assert "mmst: terminated; what is done is kept, and the same command resumes." in printed
    found, expected = results(runs), results(other)
    for key in ("arms", "comparisons", "counts"):
        assert found[key] == expected[key]
    assert kept(runs) == kept(other)


def submitted(runs, slurm):
    environment = {**slurm.environment, "COMMAND": f"{sys.executable} {ROOT / 'train.py'}", "PYTHONPATH": str(ROOT)}
    words = [
        "sbatch",
        "--parsable",
        "--nodes=2",
        "--time=60",
        str(ROOT / "examples" / "loop.sbatch"),
        *runs.words("train.py", *LOOP),
    ]
    return slurm.ask(*words, cwd=runs.folder, env=environment)


def output(runs, job):
    return (runs.folder / f"mmst-{job}.out").read_text()


def steps_of(runs):
    """The step that the training under way has told last; 0 where there is none."""
    for path in (runs.folder / "ledger").glob("train-*/work/progress.json"):
        return json.loads(path.read_text())["step"]
    return 0


def checkpoint(runs):
    (work,) = (runs.folder / "ledger").glob("train-*/work")
    newest = latest(work)
    return int(newest.stem.removeprefix("step-")) if newest else 0


def results(runs):
    (found,) = runs.folder.glob("runs/train/*/results.json")
    return json.loads(found.read_text())


def kept(runs):
    """What the stages wrote, without what tells of how they ran."""
    return {name: held for name, held in runs.ledger_files().items() if name.endswith((".safetensors", ".jsonl"))}


class Watched:
    """A job as `until` looks at processes: one that ends too early fails the test, with what it printed."""

    def __init__(self, slurm, runs, job):
        self.slurm, self.runs, self.job = slurm, runs, job

    def poll(self):
        return None if self.slurm.state(self.job) else 0

    def communicate(self):
        return output(self.runs, self.job)
