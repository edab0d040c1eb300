"""Plans of several machines, by arithmetic that can be done by hand."""

import json

import pytest

from mmst.errors import ConfigError
from mmst.planning.cluster import Cluster, cluster_plans, examples_of
from mmst.planning.rates import Rates, read_rates
from mmst.reporting.plan import cluster_sentence, cluster_table

RATES = Rates(sample=10, grade=1000, ledger=20_000, train=50, rows=2, kept=0.5, start=30, judge=10_000)


def plans(samples=1_000_000, nodes=(1, 100), divided=False):
    return cluster_plans(samples, list(nodes), 8, RATES, trainings=2, examples=100_000, price=24.0, divided=divided)


def test_what_is_divided_gets_shorter_and_what_the_driver_does_stays():
    one, many = plans()
    assert one.seconds == {"sampling": 12_500, "grading": 1000, "ledger": 100, "training": 2 * (30 + 250)}
    assert many.seconds == {"sampling": 125, "grading": 1000, "ledger": 100, "training": 2 * (30 + 2.5)}
    assert one.price == pytest.approx(one.total / 3600 * 24)
    assert many.price == pytest.approx(many.total / 3600 * 100 * 24)


def test_the_bottleneck_is_named_with_its_share():
    one, many = plans()
    assert (one.bottleneck, many.bottleneck) == ("sampling", "grading")
    assert many.share == pytest.approx(1000 / many.total)
    assert "with 100 machines the bottleneck is grading (78% of the time)" in cluster_sentence(plans())
    assert "grading and ledger take 18 min of the driver alone" in cluster_sentence(plans())
    assert cluster_table(plans()).row_count == 2


def test_programs_that_run_on_all_machines_leave_the_driver_what_it_reads():
    one, few, many = plans(nodes=(1, 4, 100), divided=True)
    assert [plan.seconds["grading"] for plan in (one, few, many)] == [1000, 250, 100], "at 10,000 a second it only reads"
    assert many.driver == {"grading": 100, "ledger": 100}
    assert many.seconds["ledger"] == one.seconds["ledger"]


def test_epochs_go_over_what_the_samples_leave():
    assert examples_of(1000, RATES, 8, lambda examples: examples // 8 * 3) == 500 // 8 * 3 * 8
    assert examples_of(1000, RATES, 8, lambda examples: 600) == 4800


def stage(root, name, seconds, **manifest):
    folder = root / name
    folder.mkdir(parents=True)
    told = {"key": name.rpartition("-")[2], "chunks": {}, **manifest}
    (folder / "manifest.json").write_text(json.dumps(told))
    (folder / "seconds.json").write_text(f"{seconds}\n")
    return folder


@pytest.fixture
def run(tmp_path):
    root = tmp_path / "ledger"
    stage(root, "prompts-a", 0.5, rows=100)
    stage(root, "sample-b", 8.0, rows=300)
    stage(root, "translate-c", 2.0, rows=100)
    stage(root, "grade-d", 4.0, rows=400)
    stage(root, "examples-e", 0.5, rows=80)
    training = stage(root, "train-f", 12.0, checkpoint="x")
    (training / "record.json").write_text(json.dumps({"examples": 500, "seconds": 10.0}))
    names = [path.name for path in root.iterdir()]
    told = {"ledger": {"root": str(root), "stages": [*names, names[0], "sample-gone"]}}
    (tmp_path / "results.json").write_text(json.dumps(told))
    return tmp_path


def test_a_runs_stages_tell_the_rates_of_one_device(run):
    found = read_rates(str(run), 2, {})
    assert found == Rates(sample=20, grade=100, ledger=180, train=25, rows=0.45, kept=0.2, start=2.0)
    assert read_rates(str(run), 1, {"grade": 7.0}) == Rates(40, 7.0, 180, 50, 0.45, 0.2, 2.0)


@pytest.mark.parametrize(
    ("cluster", "said"),
    [
        ({"rates": {"sample": 1.0}}, r"grade, ledger, train must be above 0; hardware\.cluster\.run=FOLDER"),
        ({"rates": {"speed": 1.0}}, "speed is none of sample"),
        ({"run": "nowhere"}, "it has no results.json"),
    ],
)
def test_rates_that_nobody_tells_are_asked_for(cluster, said):
    with pytest.raises(ConfigError, match=said):
        Cluster(**cluster).measured()


def test_a_run_whose_stages_are_gone_is_named(tmp_path):
    (tmp_path / "results.json").write_text(json.dumps({"ledger": {"root": str(tmp_path), "stages": ["sample-a"]}}))
    with pytest.raises(ConfigError, match="its stages are no longer in"):
        Cluster(run=str(tmp_path)).measured()


@pytest.mark.parametrize("bad", [{"samples": -1}, {"devices": 0}, {"nodes": []}, {"run_devices": 0}, {"rates": {"grade": -1}}])
def test_impossible_clusters_are_refused(bad):
    with pytest.raises(ConfigError, match=f"hardware.cluster.{next(iter(bad))}"):
        Cluster(**bad)
