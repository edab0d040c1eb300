"""A sweep from end to end: killed and resumed, with a job that fails, and its page."""

import json
import signal

import pytest
import yaml

from mmst.cli.record import JOB
from mmst.reporting.results import mean_accuracy
from tests.commands import TINY
from tests.reporting import wandb_files
from tests.waiting import until

SWEEP = ("sweep=main", *TINY, "size=full", "arms=[]", "seed=0,1", "dataset.limit=30")
TRACKED = ("tracker=wandb",)


def without_what_differs(found):
    return {key: value for key, value in found.items() if key not in ("seconds", "ledger", "rounds", "config")}


def results(runs):
    return {
        path.parent.name: without_what_differs(json.loads(path.read_text()))
        for path in (runs.folder / "runs" / "sweep" / "main").glob("*/results.json")
    }


def test_a_sweep_that_is_killed_goes_on_where_it_was_and_has_a_page(runs, more_runs):
    process = runs.start("train.py", *SWEEP)
    trainings = (runs.folder / "ledger").glob
    until(lambda: len(list(trainings("train-*/work"))) + len(results(runs)) >= 2, process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert len(results(runs)) == 1
    before = runs.ledger_files()
    finished = runs.run("train.py", *SWEEP, *TRACKED)
    assert finished.returncode == 0, finished.stderr
    after = runs.ledger_files()
    assert all(after[name] == content for name, content in before.items() if "/chunk" in name)

    other = more_runs()
    assert other.run("train.py", *SWEEP).returncode == 0
    assert results(runs) == results(other)
    assert len(results(runs)) == 2
    assert after == other.ledger_files()

    jobs = sorted(path for path in (runs.folder / "runs" / "sweep" / "main").iterdir() if path.is_dir())
    tracked = [wandb_files.run(job) for job in jobs]
    assert [(run.run_group, run.display_name) for run in tracked] == [("main", job.name) for job in jobs]
    assert len({run.run_id for run in tracked}) == 2
    logged = wandb_files.history(jobs[1])
    assert "train/multi/round1/loss" in set().union(*logged), "the curves are in the job's own run"
    assert "test/multi/text/accuracy" in wandb_files.summary(jobs[1])

    made = runs.run("report.py", "runs/sweep/main")
    assert made.returncode == 0, made.stderr
    assert "multi" in made.stdout.splitlines()[1]
    page = (runs.folder / "runs" / "sweep" / "main" / "report.html").read_text()
    assert "Does training on translated answers" in page
    assert page.count("<svg") >= 4
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "https://" not in page


SOAKED = [pytest.param(name, marks=pytest.mark.soak) for name in ("joblib", "submitit_local")]


@pytest.mark.parametrize("launcher", ["basic", *SOAKED])
def test_a_job_that_fails_is_named_and_the_others_go_on(runs, launcher):
    if launcher != "basic":
        pytest.importorskip(f"hydra_plugins.hydra_{launcher.partition('_')[0]}_launcher")
    quick = ("sweep=main", *TINY, "size=full", "arms=[]", "dataset.limit=8", "method=none", "seed=0")
    finished = runs.run("train.py", "-m", f"hydra/launcher={launcher}", *quick, "filter.least_share=7,0.5")
    assert finished.returncode == 2
    assert "1 job of the sweep failed" in finished.stderr
    assert "filter.least_share=7 must be above 0" in finished.stderr
    jobs = [json.loads(path.read_text()) for path in (runs.folder / "runs" / "sweep" / "main").glob(f"*/{JOB}")]
    assert sorted(job["failed"] for job in jobs) == [False, True]
    assert len(results(runs)) == 1


def test_a_search_reports_its_best_trial(runs):
    pytest.importorskip("hydra_plugins.hydra_optuna_sweeper")
    finished = runs.run("train.py", "sweep=search", *TINY, "size=full", "dataset.limit=10", "hydra.sweeper.n_trials=2")
    assert finished.returncode == 0, finished.stderr
    folder = runs.folder / "runs" / "sweep" / "search"
    best = yaml.safe_load((folder / "optimization_results.yaml").read_text())
    values = [mean_accuracy(json.loads(path.read_text()), "multi") for path in folder.glob("*/results.json")]
    assert len(values) == 2
    assert best["best_value"] == max(values)
