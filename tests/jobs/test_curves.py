import csv
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from mmst.jobs.curves import TOLD, Noted, tell_curves
from mmst.training.record import TrainingRecord

CSV = {
    "_target_": "mmst.training.curves.WholeCSVLogger",
    "_partial_": True,
    "save_dir": "{folder}/curves",
    "name": "{training}",
    "version": "",
}
CURVE = [{"step": 1, "loss": 0.5}, {"step": 2, "loss": 0.25}]


@dataclass
class Settings:
    """What is read of a job's settings."""

    folder: Path
    tracker: SimpleNamespace
    group: str | None = None


@pytest.fixture
def settings(tmp_path):
    return Settings(tmp_path, SimpleNamespace(logger=CSV))


def result(curve, arm="multi"):
    return SimpleNamespace(arm=arm, round=1, examples=SimpleNamespace(record=TrainingRecord(curve=curve)))


def written(settings, name="multi-round1"):
    rows = csv.DictReader((settings.folder / "curves" / name / "metrics.csv").open())
    return [(row["step"], row["loss"]) for row in rows]


def test_a_tracker_that_is_given_later_is_told_the_curves_once(settings):
    base = SimpleNamespace(arm="base", round=0, examples=None)
    tell_curves(settings, [base, result(CURVE)])
    assert written(settings) == [("1", "0.5"), ("2", "0.25")]
    tell_curves(settings, [base, result(CURVE[:1])])
    assert len(written(settings)) == 2
    other = replace(settings, tracker=SimpleNamespace(logger={**CSV, "_target_": "lightning.pytorch.loggers.CSVLogger"}))
    tell_curves(other, [result(CURVE[:1])])
    assert len(written(settings)) == 1  # another logger has its own


def test_what_is_told_while_it_trains_is_not_told_again(settings):
    Noted(lambda *rest: TrainingRecord(), settings, "multi-round1")(*[None] * 6)
    tell_curves(settings, [result(CURVE)])
    assert not (settings.folder / "curves").exists()


def test_where_a_version_kept_no_curve_a_sentence_says_so(settings, caplog):
    caplog.set_level("INFO")
    tell_curves(settings, [result([])])
    assert "tracker: 1 trainings were found done in the ledger, with nothing of their curves to tell" in caplog.text


def test_without_a_tracker_nothing_is_noted(settings):
    settings.tracker.logger = None
    Noted(lambda *rest: TrainingRecord(), settings, "multi-round1")(*[None] * 6)
    tell_curves(settings, [result(CURVE)])
    assert not (settings.folder / TOLD).exists()
