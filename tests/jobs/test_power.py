import json
from dataclasses import replace

import pytest

from mmst.errors import ConfigError, DataError
from mmst.jobs.power import check_power, plan_evaluation, print_power
from mmst.jobs.problems import test_sets as sets_measured_on
from mmst.ledger.ledger import Ledger
from mmst.pipeline import Checkpoint
from mmst.training.checkpoint import nano_checkpoint
from mmst.types import GradedSample, Sample
from tests.composing import settings
from tests.reporting.made import graded, made_run, stage

SMALL = ["dataset.test.size=40", "dataset.heldout=null", "plan=true", "power=1.0"]


@pytest.fixture
def planned(tmp_path):
    """Settings of a job whose folder and ledger lie in a folder of the test's."""

    def read(job, *overrides):
        (tmp_path / "runs" / "plan").mkdir(parents=True, exist_ok=True)
        found = settings(job, *SMALL, f"paths.ledger={tmp_path / 'ledger'}", *overrides)
        return replace(found, folder=tmp_path / "runs" / "plan")

    return read


def test_an_evaluation_is_planned_by_what_is_known_of_a_run(planned, tmp_path, capsys):
    made_run(tmp_path / "pilot", tmp_path / "other", evaluation=True)
    plan_evaluation(planned("eval", f"power_from={tmp_path / 'pilot'}"))
    rows = json.loads((tmp_path / "runs" / "plan" / "plan.json").read_text())["power"]
    assert {(row["dataset"], row["n"]) for row in rows} == {("test", 40)}
    assert {row["known"]["arms"] for row in rows} == {"self_both - base", "multi - base", "multi - self_both"}
    pilot = json.loads((tmp_path / "pilot" / "results.json").read_text())["comparisons"]
    known = {(f"{row['b']} - {row['a']}", row["method"]): row["discordant"] / row["n"] for row in pilot}
    assert {(row["known"]["arms"], row["known"]["method"]): row["known"]["discordant"] for row in rows} == known
    assert "as counted in" in capsys.readouterr().out


def test_the_newest_run_of_the_model_and_data_set_tells_how_arms_differ(planned, tmp_path):
    made_run(tmp_path / "runs" / "first", tmp_path / "other")
    made_run(tmp_path / "runs" / "of_another", tmp_path / "other", config={"model": {"name": "another"}})
    rows = print_power(planned("train"), None)
    assert {row["source"] for row in rows} == {f"as counted in {tmp_path / 'runs' / 'first'}"}
    assert {row["known"]["arms"] for row in rows} == {"multi - base", "multi - self_both"}, "pairs of the main arm"


@pytest.mark.parametrize("place", [None, "s3://bucket/ledger"])
def test_without_a_run_the_bases_answers_in_the_ledger_bound_what_is_assumed(planned, tmp_path, place):
    """Of a ledger at a URL those in its cache."""
    found = planned("train", *([f"paths.ledger={place}", f"paths.cache={tmp_path / 'ledger'}"] if place else []))
    base = nano_checkpoint()
    (unknown, *_) = print_power(found, base)
    ledger, (tests,) = Ledger(tmp_path / "ledger"), sets_measured_on(found)
    for method in ("text", "code"):
        rows = [graded(problem, method, 0, n < 4) for n, problem in enumerate(tests.problems)]
        told = {"checkpoint": Checkpoint(base).key, "draw": {"purpose": f"test/{method}", "count": 1}}
        key = stage(ledger, "sample", {**told, "params": {"temperature": 0.0}}, [row.sample for row in rows], Sample)
        stage(ledger, "grade", {"samples": key, "problems": tests.key, "method": method}, rows, GradedSample)
    (known, *_) = print_power(found, base)
    assert "50% assumed" in unknown["source"]
    assert "in the ledger" in known["source"]
    assert known["known"]["discordant"] == pytest.approx(0.25 * (0.1 * 0.89 + 0.11 * 0.9))
    assert known["problems"] < unknown["problems"]


def test_a_power_that_would_be_ignored_or_a_folder_without_runs_is_refused(planned, tmp_path):
    with pytest.raises(ConfigError, match="add plan=true"):
        check_power(planned("train", "plan=false"))
    with pytest.raises(ConfigError, match=r"add power=1\.0"):
        plan_evaluation(planned("eval", "power=null"))
    with pytest.raises(DataError, match="is a run finished"):
        print_power(planned("train", f"power_from={tmp_path}"), None)
    with pytest.raises(ConfigError, match="power=0"):
        planned("train", "power=0")
