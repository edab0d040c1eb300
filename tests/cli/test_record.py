import json
import os

from hydra.core.utils import JobReturn, JobStatus
from omegaconf import OmegaConf

from mmst.cli.names import SWEPT
from mmst.cli.record import JOB, WHOLE, JobRecord, failed_jobs, failures, swept_jobs
from mmst.errors import ConfigError


def config(folder, mode="MULTIRUN"):
    folder.mkdir(parents=True, exist_ok=True)
    return OmegaConf.create(
        {
            "hydra": {
                "runtime": {"output_dir": str(folder)},
                "overrides": {"task": ["seed=1", "sweep=main"]},
                "mode": {"name": mode},
                "sweep": {"dir": str(folder.parent)},
            }
        }
    )


def ended(folder, error=None):
    record = JobRecord()
    record.on_multirun_start(config(folder))
    record.on_job_start(config(folder))
    job = JobReturn(status=JobStatus.FAILED if error else JobStatus.COMPLETED)
    job.return_value = error
    record.on_job_end(config(folder), job)


def test_what_became_of_each_job_is_written_and_failed_ones_are_named(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(JobRecord, "sweep", None)
    assert failures() is None
    ended(tmp_path / "seed-0")
    assert failures() is None
    ended(tmp_path / "seed-1", ConfigError("rounds=0 must be at least 1."))
    ended(tmp_path / "seed-2", ValueError("ours"))
    written = json.loads((tmp_path / "seed-1" / JOB).read_text())
    assert (written["failed"], written["why"], written["overrides"]) == (
        True,
        "rounds=0 must be at least 1.",
        ["seed=1", "sweep=main"],
    )
    assert failed_jobs(tmp_path) == {"seed-1": "rounds=0 must be at least 1.", "seed-2": "ValueError: ours"}
    assert "job seed-1 failed: rounds=0" in caplog.text
    assert failures().startswith(
        "2 jobs of the sweep failed, and the others went on; the same command tries them again. seed-1:"
    )


def test_a_job_that_ends_well_later_is_no_failure(tmp_path, monkeypatch):
    monkeypatch.setattr(JobRecord, "sweep", None)
    ended(tmp_path / "seed-1", ConfigError("bad."))
    assert failures().startswith("1 job of the sweep failed, and the others went on; the same command tries it again.")
    ended(tmp_path / "seed-1")
    assert failures() is None


def test_how_far_a_sweep_is_shows_also_in_the_processes_of_its_jobs(tmp_path, caplog, monkeypatch):
    caplog.set_level("INFO")
    monkeypatch.setattr(JobRecord, "sweep", None)
    monkeypatch.setenv(SWEPT, "")
    monkeypatch.setenv(WHOLE, "")
    ended(tmp_path / "seed-1")  # it cannot tell how many there are
    assert "jobs done" not in caplog.text
    monkeypatch.setenv(WHOLE, json.dumps({"jobs": 3, "begun": 0.0}))
    record = JobRecord()
    record.on_job_start(config(tmp_path / "seed-2"))
    job = JobReturn(status=JobStatus.COMPLETED)
    job.return_value = None
    record.on_job_end(config(tmp_path / "seed-2"), job)
    assert "sweep: 2 of 3 jobs done, about" in caplog.text


def sweep_of(*words, params=None, sweeper="hydra._internal.core_plugins.basic_sweeper.BasicSweeper"):
    node = {"sweeper": {"_target_": sweeper, "params": params}, "overrides": {"task": list(words)}}
    return OmegaConf.create({"hydra": node})


def test_jobs_and_what_differs_between_them_are_known_before_a_sweep():
    assert swept_jobs(sweep_of("seed=0,1,2", "method=multi", "+x=a,b")) == (6, ["seed", "x"])
    assert swept_jobs(sweep_of("sweep=main", params={"seed": "0,1", "method": "multi"})) == (2, ["seed"])
    assert swept_jobs(sweep_of("seed=0,1", sweeper="hydra_optuna_sweeper.OptunaSweeper")) == (None, [])


def test_the_page_is_of_the_sweeps_own_jobs(tmp_path, caplog, monkeypatch):
    """runs/train may hold other runs."""
    caplog.set_level("INFO")
    monkeypatch.setattr(JobRecord, "sweep", None)
    monkeypatch.setenv(SWEPT, "")
    for name in ("seed-10", "seed-2"):
        ended(tmp_path / name)
    JobRecord().on_multirun_end(config(tmp_path / "seed-2"))
    assert f"`mmst report {tmp_path}` makes its page" in caplog.text
    other = tmp_path / "other"
    other.mkdir()
    (other / JOB).write_text("{}")
    os.utime(other / JOB, (0, 0))
    JobRecord().on_multirun_end(config(tmp_path / "seed-2"))
    assert f"`mmst report {tmp_path / 'seed-2'} {tmp_path / 'seed-10'}` makes its page" in caplog.text
