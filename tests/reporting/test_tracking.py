import json
from pathlib import Path

import pytest
import yaml

from mmst.errors import ConfigError
from mmst.reporting.runs import read_sweep
from mmst.reporting.samples import sample_table
from mmst.reporting.tracking import (
    TrackedJob,
    WandbTracker,
    difference_rows,
    round_rows,
    sample_rows,
    summary_of,
    track_results,
)
from tests.composing import composed
from tests.reporting import wandb_files
from tests.reporting.made import made_run


class Kept:
    """A tracker that keeps what it is told."""

    def __init__(self):
        self.told = []

    def summary(self, values):
        self.told.append(("summary", dict(values)))

    def history(self, step, rows):
        self.told.append((step, list(rows)))

    def table(self, name, header, rows):
        self.told.append((name, len(rows)))

    def page(self, name, html):
        self.told.append((f"{name} to look at", html[:15]))

    def files(self, name, kind, paths):
        self.told.append((name, [path.name for path in paths if path.is_file()]))

    def close(self, failed):
        raise AssertionError("the job closes its tracker")


@pytest.fixture
def folder(tmp_path):
    return made_run(tmp_path / "run", tmp_path / "ledger")


def found_in(folder):
    return json.loads((folder / "results.json").read_text())


def test_a_tracker_is_told_results_samples_and_report_once(folder):
    tracker = Kept()
    track_results(tracker, found_in(folder), folder)
    assert [name for name, _ in tracker.told] == [
        "summary", "round", "differences", "samples", "report to look at", "results", "report",
    ]  # fmt: skip
    told = dict(tracker.told)
    assert told["differences"] == 9
    assert told["samples"] > 100
    assert told["results"] == ["results.json", "results.csv", "results.parquet"]
    assert told["report"] == ["report.html"]
    track_results(tracker, {**found_in(folder), "seconds": {"train": 99.0}}, folder)
    assert len(tracker.told) == 7, "nothing but the time was new"
    track_results(tracker, {**found_in(folder), "commit": "other"}, folder)
    assert len(tracker.told) == 14


def test_every_accuracy_is_told_with_its_n_and_interval(folder):
    found = found_in(folder)
    values = summary_of(found)
    for arm, scores in found["arms"].items():
        for method, score in scores.items():
            told = {key: values[f"test/{arm}/{method}/{key}"] for key in score}
            assert told == score
    first = found["comparisons"][0]
    told = {key: values[f"test/self_both_minus_base/{first['method']}/{key}"] for key in ("difference", "low", "high", "p")}
    assert told == {key: first[key] for key in told}
    assert values["examples/multi/code -> text"] == 20
    assert round_rows(found)[1]["rounds/multi/text"] == found["arms"]["multi"]["text"]["accuracy"]
    header, rows = difference_rows(found)
    assert dict(zip(header, rows[0], strict=True))["difference"] == found["comparisons"][0]["difference"]


def test_a_translation_is_told_with_its_source(folder):
    header, rows = sample_rows(sample_table(read_sweep(folder), 10**6))
    made = [dict(zip(header, row, strict=True)) for row in rows]
    assert all(
        ("By text" if row["edge"].startswith("text") else "By code") in row["translated_from"] for row in made if row["edge"]
    )
    assert {row["translated_from"] for row in made if not row["edge"]} == {""}
    assert {row["verdict"] for row in made} == {"right", "wrong", "unjudged"}


def test_wandb_holds_what_it_was_told(folder):
    pytest.importorskip("wandb")
    job = TrackedJob("seed=1", "train", folder, "main", {"seed": 1, "model": {"name": "nano"}, "title": "Is it so?"})
    tracker = WandbTracker(job, "mmst")
    track_results(tracker, found_in(folder), folder)
    tracker.progress({"progress/stage": 3.0})
    tracker.close(failed=False)
    run = wandb_files.run(folder)
    assert (run.run_id, run.display_name, run.run_group, run.job_type, run.project) == (
        job.id,
        "seed=1",
        "main",
        "train",
        "mmst",
    )
    assert (list(run.tags), run.notes) == (["train", "nano", "main"], "Is it so?")
    summary = wandb_files.summary(folder)
    assert summary["test/multi/text/n"] == 30
    assert any("rounds/multi/code" in row for row in wandb_files.history(folder))
    history = wandb_files.history(folder)
    assert [row["progress/stage"] for row in history if "progress/stage" in row] == [3.0]
    assert [row["report/_type"] for row in history if "report/_type" in row] or any("report" in row for row in history)
    kinds = {record.artifact.type for record in wandb_files.records(folder) if record.WhichOneof("record_type") == "artifact"}
    assert {"results", "report"} <= kinds


def test_a_mode_that_is_none_is_refused(folder):
    with pytest.raises(ConfigError, match=r"tracker\.mode=on is not one of online, offline, disabled"):
        WandbTracker(TrackedJob("a", "train", folder, None, {}), "mmst", mode="on")


def test_a_server_that_cannot_be_reached_is_one_sentence(folder, monkeypatch):
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    with pytest.raises(ConfigError, match=r"tracker\.mode=offline needs neither network nor key"):
        WandbTracker(TrackedJob("a", "train", folder, None, {}), "mmst", mode="online", timeout=2)


@pytest.mark.parametrize("path", sorted((Path(__file__).parents[2] / "sweeps" / "wandb").glob("*.yaml")), ids=lambda p: p.stem)
def test_sweeps_of_wandb_call_train_with_keys_that_it_has(path, folder):
    sweep = yaml.safe_load(path.read_text())
    assert sweep["program"] == "train.py"
    fixed = [word for word in sweep["command"] if "=" in word]
    first = {key: (v.get("values") or [v.get("value", v.get("min"))])[0] for key, v in sweep["parameters"].items()}
    config = composed("train", *fixed, *(f"{key}={value}" for key, value in first.items()))
    assert config.tracker.mode == "online"
    assert sweep["method"] == "grid" or sweep["metric"]["name"] in summary_of(found_in(folder))
