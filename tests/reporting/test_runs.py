import json
import shutil

import pytest

from mmst.errors import DataError
from mmst.reporting.making import curves_part
from mmst.reporting.runs import Failure, Run, Sweep, read_sweep, shared_arms
from tests.reporting.made import made_run


def test_a_sweep_is_read_back_with_what_is_varied(sweep):
    assert len(sweep.runs) == 6
    assert sweep.axes == ("sampling.params.temperature",)
    assert sweep.question == "Does it help?"
    assert sorted({run.seed for run in sweep.runs}) == ["0", "1", "2"]
    assert {sweep.variant(run) for run in sweep.runs} == {"temperature=0.5", "temperature=1.0"}
    assert sweep.failures == [Failure("seed=3", "no <memory>")]
    assert shared_arms(sweep, "test") == {"base"}


def test_outcomes_hold_unjudged_answers_as_neither_right_nor_wrong(sweep):
    solved = sweep.runs[0].outcomes["multi", 1, "test", "code"]
    assert sum(right is None for right in solved.values()) == 1
    assert len(solved) == 30


def test_one_run_is_a_sweep_of_one(made_folder):
    folder = next(path for path in sorted(made_folder.iterdir()) if (path / "results.json").exists())
    single = read_sweep(folder)
    assert (len(single.runs), single.axes, single.failures) == (1, (), [])


def test_bases_that_differ_are_not_one(tmp_path):
    for name in ("a", "b"):
        made_run(tmp_path / name, tmp_path / "ledger", (f"model={name}",), problems=20 if name == "a" else 21)
    assert not shared_arms(read_sweep(tmp_path), "test")


def test_an_arm_that_settings_do_not_change_is_one_unless_it_is_looked_at():
    def run(by, seed, **solved):
        made = Run(None, {"dataset": "test", "heldout": {}, "config": {}}, {"by": by, "seed": seed})
        made.__dict__["outcomes"] = {(arm, 1, "test", "text"): {"p": right} for arm, right in solved.items()}
        return made

    def shared(runs, *contrast):
        return shared_arms(Sweep("made", runs, (), ("by",), {"contrast": list(contrast)}), "test")

    same = {"base": True, "self": True, "multi": True}
    runs = [run(by, seed, **same) for by in "ab" for seed in "01"]
    assert shared(runs, "self", "multi") == {"base", "self"}
    assert shared(runs, "base") == {"base", "self", "multi"}
    assert shared([*runs[:3], run("b", "1", **(same | {"self": False}))], "base") == {"base", "multi"}
    assert shared([run("a", "0", **same), run("b", "1", **same)], "base") == {"base"}, "no two of them can be compared"


def test_folders_that_hold_no_run_are_refused(tmp_path, made_folder):
    with pytest.raises(DataError, match="there is no folder"):
        read_sweep(tmp_path / "nothing")
    with pytest.raises(DataError, match=r"holds no results\.json"):
        read_sweep(tmp_path)
    folder = next(path for path in sorted(made_folder.iterdir()) if (path / "results.json").exists())
    old = shutil.copytree(folder, tmp_path / "old")
    found = json.loads((old / "results.json").read_text())
    (old / "results.json").write_text(json.dumps({**found, "format": 1}))
    with pytest.raises(DataError, match="another version of mmst"):
        read_sweep(old)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("results.json", "[]"),
        ("results.json", '{"format": 3}'),
        ("job.json", "{}"),
        ("curves/multi/metrics.csv", "step,loss\n1,x"),
    ],
)
def test_a_file_that_holds_something_else_is_named(tmp_path, made_folder, name, content):
    folder = next(path for path in sorted(made_folder.iterdir()) if (path / "results.json").exists())
    damaged = shutil.copytree(folder, tmp_path / "damaged")
    (damaged / name).write_text(content)
    with pytest.raises(DataError, match=f"{name} is damaged"):
        curves_part(read_sweep(damaged))


def test_a_job_that_has_not_ended_is_named(tmp_path):
    made_run(tmp_path / "sweep" / "seed=0", tmp_path / "ledger", ("seed=0",))
    begun = tmp_path / "sweep" / "seed=1" / ".hydra"
    begun.mkdir(parents=True)
    (begun / "config.yaml").touch()
    assert [failure.name for failure in read_sweep(tmp_path / "sweep").failures] == ["seed=1"]


@pytest.mark.parametrize("name", ["results.json", "job.json", "outcomes.parquet"])
def test_a_damaged_file_is_named(tmp_path, made_folder, name):
    folder = next(path for path in sorted(made_folder.iterdir()) if (path / "results.json").exists())
    damaged = shutil.copytree(folder, tmp_path / "damaged")
    (damaged / name).write_bytes((damaged / name).read_bytes()[:40])
    with pytest.raises(DataError, match=name):
        assert read_sweep(damaged).runs[0].outcomes
