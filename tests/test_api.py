import json
import shutil
import subprocess
import sys

import pytest

import mmst
from mmst.errors import DataError, UserError
from tests.commands import TINY
from tests.reporting.made import made_run


def test_the_package_imports_nothing_heavy_until_it_is_used():
    code = "import sys, mmst; assert not {'torch', 'pandas', 'hydra', 'mmst.api'} & set(sys.modules); mmst.grade"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=1200)
    with pytest.raises(AttributeError, match="no attribute 'grad'"):
        mmst.grad  # noqa: B018


def test_grading_is_that_of_the_command():
    rows = mmst.grade(["So 3 * 4 = 12. The answer is 12.", "The answer is 13.", "I do not know."], ["12"] * 3)
    assert [row["verdict"] for row in rows] == ["right", "wrong", "no_answer"]
    assert mmst.grade(["def solution():\n    return 3 * 4"], ["12"], method="code")[0]["answer"] == "12"
    chosen = mmst.grade(["The answer is (B)."], ["B"], kind="choice", choices=[["one", "two"]])
    assert chosen[0]["verdict"] == "right"
    assert mmst.grade([], []) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((["12"], ["12", "13"]), "lists of one length"),
        (("12", ["1", "2"]), "lists of one length"),
        ((["12"], [12]), "number 0 must be texts"),
        ((["12"], ["12"], "numbers"), "kind must be one of"),
        ((["12"], ["12"], "tests"), "kind must be one of"),
        ((["12"], ["12"], "number", "cod"), "method one of"),
    ],
)
def test_arguments_that_do_not_fit_are_one_sentence(arguments, said):
    with pytest.raises(DataError, match=said):
        mmst.grade(*arguments)


def test_a_run_is_read_as_data_frames(tmp_path, nano):
    folder = made_run(tmp_path / "run", tmp_path / "ledger")
    shutil.copytree(nano, folder / "models" / "multi")
    found = mmst.load(folder)
    assert found.results["arms"] == json.loads((folder / "results.json").read_text())["arms"]
    assert found.models == {"multi": folder / "models" / "multi"}
    text = found.outcomes.query("arm == 'multi' and method == 'text'")
    assert text.right.mean() == found.results["arms"]["multi"]["text"]["accuracy"]
    assert (text.verdict == "right").equals(text.right == True)  # noqa: E712
    assert text.completion.str.startswith("By text, How many of").all()
    assert found.outcomes.query("method == 'either'").completion.isna().all()
    translated = found.samples.query("edge == 'text -> code' and source >= 0")
    sources = found.samples.loc[translated.source]
    assert (sources.problem.values == translated.problem.values).all()
    assert set(found.samples.set) == {"train", "test"}
    assert found.samples.question.str.startswith("How many of").all()
    assert found.samples.prompt.str.startswith("Question: ").all()


def test_without_its_ledger_a_run_has_outcomes_and_no_samples(tmp_path):
    folder = made_run(tmp_path / "run", tmp_path / "ledger")
    shutil.rmtree(tmp_path / "ledger")
    found = mmst.load(str(folder))
    assert len(found.samples) == 0
    assert len(found.outcomes) == 3 * 3 * 30


def test_what_is_no_run_is_one_sentence(tmp_path):
    with pytest.raises(DataError, match="finished run"):
        mmst.load(tmp_path)
    with pytest.raises(UserError, match="there is no job 'trian'"):
        mmst.run("trian")
    for overrides in ("method=multi", ["-m", "seed=0,1"], ["sweep=methods"]):
        with pytest.raises(UserError, match="one job's"):
            mmst.run("train", overrides)


def test_a_run_is_that_of_the_command(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    found = mmst.run("train", ["method=code_to_text", *TINY, "arms=[]", "splits=[test]", "dataset.limit=24"])
    assert "results: " in capsys.readouterr().out
    assert found.folder.parent == tmp_path / "runs" / "train"
    assert set(found.results["arms"]) == {"base", *found.models}
    assert {"right", "wrong"} & set(found.outcomes.verdict)
    assert len(found.samples)
    with pytest.raises(UserError, match="trainer"):
        mmst.run("train", ["trainer=nothing"])
