"""A job at one of Lightning's loggers: its stages by seconds, its results, and nothing that a logger cannot take."""

import csv

import pytest
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger

from mmst.reporting.logger_tracker import LoggerTracker
from mmst.reporting.tracking import TrackedJob


@pytest.fixture
def job(tmp_path):
    return TrackedJob("a", "train", tmp_path, None, {})


def tell(tracker):
    tracker.progress({"progress/stage": 2.0, "progress/sample_text/done": 0.5})
    tracker.summary({"test/multi/text/accuracy": 0.5, "commit": "abc"})
    tracker.history("round", [{"round": 1, "rounds/multi/text": 0.25}])
    tracker.table("samples", ["question"], [["What?"]])
    tracker.page("report", "<p>")
    tracker.files("results", "results", [])
    tracker.close(failed=False)


def test_numbers_come_into_a_csv_file(job, tmp_path):
    tell(LoggerTracker(job, CSVLogger(str(tmp_path), "job", "", flush_logs_every_n_steps=1)))
    with (tmp_path / "job" / "metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    found = {(name, value) for row in rows for name, value in row.items() if name != "step" and value}
    assert found == {
        ("progress/stage", "2.0"), ("progress/sample_text/done", "0.5"), ("test/multi/text/accuracy", "0.5"),
        ("rounds/multi/text", "0.25"),
    }  # fmt: skip
    assert [row["step"] for row in rows if row["rounds/multi/text"]] == ["1"]


def test_numbers_come_to_tensorboard(job, tmp_path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    tell(LoggerTracker(job, TensorBoardLogger(str(tmp_path), "job", "")))
    told = accumulator.EventAccumulator(str(tmp_path / "job"))
    told.Reload()
    assert {"progress/stage", "test/multi/text/accuracy", "rounds/multi/text"} <= set(told.Tags()["scalars"])
