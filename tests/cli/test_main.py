"""The command in this process: what it prints, and how it ends."""

import json
import re
import shutil
import subprocess
import sys

import pytest

from mmst.cli.help import COMMANDS, JOBS
from mmst.cli.main import main, options_first
from mmst.cli.places import groups
from mmst.ledger.chunking import Chunking
from mmst.ledger.ledger import Ledger, Work
from mmst.types import Problem
from tests.conftest import ROOT

HEAVY = ("torch", "transformers", "scipy", "lightning", "matplotlib", "pandas", "pyarrow", "statsmodels", "datasets", "sympy")
ASKED = """
import json, os, runpy, sys
sys.argv = json.loads(sys.argv[1])
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
except SystemExit as end:
    sys.stderr.write(f"exit {end.code}")
print(json.dumps(sorted(sys.modules)))
"""


def refused(capsys, *words):
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    return line


@pytest.fixture(autouse=True)
def _no_signals(monkeypatch):
    monkeypatch.setattr("mmst.cli.ending.signal.signal", lambda *_: None)
    monkeypatch.setattr(sys, "argv", ["mmst"])
    monkeypatch.setenv("COLUMNS", "200")


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"], ["help"]])
def test_the_overview_lists_every_command(capsys, words):
    main(words)
    lines = capsys.readouterr().out.splitlines()
    for name in (*JOBS, *COMMANDS):
        assert any(line.split()[:1] == [name] for line in lines), name


def test_a_command_that_there_is_not_is_one_sentence(capsys):
    assert refused(capsys, "trian") == f"mmst: 'trian' is no command; there are {', '.join([*JOBS, *COMMANDS])}."


@pytest.mark.parametrize("job", JOBS)
def test_a_jobs_help_lists_groups_and_shows_the_configuration_with_its_overrides(capsys, job):
    main([job, "--help", "seed=77"])
    shown = capsys.readouterr().out
    assert f"mmst {job}" in shown
    assert f"python {job}.py" in shown
    assert "\nseed: 77\n" in shown
    for group, names in groups().items():
        assert f"\n{group}: {names[0]}" in shown


@pytest.mark.parametrize("flag", [["--config-dir", "{}"], ["--config-dir={}"], ["-cd", "{}"]])
def test_help_honours_a_folder_of_ones_own(capsys, tmp_path, flag):
    (tmp_path / "dataset").mkdir()
    (tmp_path / "dataset" / "mine.yaml").write_text("name: my_own_data\n")
    main(["train", *(word.format(tmp_path) for word in flag), "dataset=mine", "--help"])
    shown = capsys.readouterr().out
    assert "mine" in shown.partition("\ndataset:")[2].partition("\nexperiment:")[0]
    assert "name: my_own_data" in shown


@pytest.mark.parametrize(
    ("words", "ordered"),
    [
        (["debug=tiny", "-m", "seed=0,1"], ["-m", "debug=tiny", "seed=0,1"]),
        (["seed=1", "--cfg", "job", "method=multi"], ["--cfg", "job", "seed=1", "method=multi"]),
        (["-m"], ["-m"]),
    ],
)
def test_an_option_may_stand_between_overrides(words, ordered):
    assert options_first(words) == ordered


def test_an_option_that_there_is_not_is_one_sentence(capsys):
    assert refused(capsys, "eval", "--limit=3") == (
        "mmst: there is no option --limit=3; keys are set without dashes, as limit=VALUE, and --help lists them."
    )


def test_help_with_a_typo_is_one_sentence(capsys):
    assert "Did you mean model=nano?" in refused(capsys, "train", "--help", "model=nanoo")


@pytest.mark.parametrize(("command", "words"), [(name, "usage: mmst") for name in ("report", "runs", "ledger", "models")])
def test_every_other_command_has_a_help_of_its_own(capsys, command, words):
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert words in capsys.readouterr().out


def test_models_and_data_sets_are_listed_by_name(capsys):
    main(["models"])
    shown = capsys.readouterr().out
    for name in groups()["model"]:
        assert re.search(rf"^(│ )?{name}[ :]", shown, re.MULTILINE), name
    main(["datasets"])
    assert "gsm8k" in capsys.readouterr().out


def test_runs_are_listed_with_their_state_and_scores(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done, failed, begun = (tmp_path / "train" / name for name in ("done", "failed", "begun"))
    for folder in (done, failed, begun):
        (folder / ".hydra").mkdir(parents=True)
        (folder / ".hydra" / "config.yaml").touch()
    (done / "job.json").write_text(json.dumps({"failed": False}))
    (done / "results.json").write_text(json.dumps({"arms": {"multi": {"text": {"accuracy": 0.5}, "code": {"accuracy": 0.25}}}}))
    (failed / "job.json").write_text(json.dumps({"failed": True, "why": "rounds=0 [sic]."}))
    main(["runs", "."])
    shown = capsys.readouterr().out
    rows = {line.split("│")[1].strip().rpartition("/")[2]: line for line in shown.splitlines() if line.startswith("│")}
    assert set(rows) == {"done", "failed", "begun"}
    assert "multi text 50.0, code 25.0" in rows["done"]
    assert "failed: rounds=0 [sic]." in rows["failed"]
    assert "not finished" in rows["begun"]


def test_the_ledgers_stages_are_listed_with_their_rows(capsys, tmp_path):
    rows = [Problem(str(i), "1?", "1") for i in range(7)]
    made = Ledger(tmp_path).chain(rows, [Work("problems", {}, lambda part, task: part, Problem)], Chunking(5), "problems")
    main(["ledger", str(tmp_path)])
    shown = capsys.readouterr().out
    assert made.folder.name in shown
    assert "│ 7 " in shown
    assert "done" in shown
    assert shown.strip().splitlines()[-1].startswith("1 stages, ")


@pytest.mark.parametrize("command", ["runs", "ledger", "report"])
def test_a_folder_that_is_not_there_is_one_sentence(capsys, tmp_path, command):
    assert "there is no folder" in refused(capsys, command, str(tmp_path / "nothing"))


@pytest.mark.parametrize(
    ("words", "printed"),
    [
        (["train.py", "--help"], "What can be chosen"),
        (["train.py", "--cfg", "job", "debug=tiny"], "per_problem: 2"),
        (["generate.py", "--cfg", "job"], "decontaminate:"),
        (["eval.py", "--cfg", "job"], "checkpoints:"),
        (["train.py", "method=mutli"], "Did you mean method=multi?"),
        (["train.py", "trainr=cpu"], "Did you mean trainer?"),
        (["train.py", "seed=abc"], "seed=abc is not usable: expected `int`"),
    ],
    ids=" ".join,
)
def test_what_needs_no_work_imports_nothing_heavy(tmp_path, words, printed):
    words = [str(ROOT / words[0]), *words[1:]]
    done = subprocess.run(
        [sys.executable, "-c", ASKED, json.dumps(words)], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    shown, _, modules = done.stdout.strip().rpartition("\n")
    assert printed in shown + done.stderr
    assert not set(HEAVY) & set(json.loads(modules))
    assert "Traceback" not in done.stderr


def test_the_shells_completion_imports_nothing_heavy(tmp_path):
    """What bash asks for at a TAB, by Hydra's own variables."""
    import os

    line = f"python {ROOT / 'train.py'} method="
    asked = {"COMP_LINE": line, "COMP_POINT": str(len(line)), "COMP_CWORD": "2"}
    code = "import atexit, json, sys; atexit.register(lambda: sys.stderr.write(json.dumps(sorted(sys.modules))));" + (
        "sys.argv = json.loads(sys.argv[1]); import runpy; runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    words = json.dumps([str(ROOT / "train.py"), "-sc", "query=bash"])
    done = subprocess.run(
        [sys.executable, "-c", code, words],
        cwd=tmp_path, env={**os.environ, **asked}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert {"method=multi", "method=code_to_text"} <= set(done.stdout.split())
    assert not set(HEAVY) & set(json.loads(done.stderr.strip().splitlines()[-1]))


@pytest.mark.parametrize("door", ["train.py", "generate.py", "eval.py", "report.py"])
def test_a_door_is_a_command_of_the_same_name(tmp_path, door):
    shutil.copy(ROOT / door, tmp_path)
    done = subprocess.run([sys.executable, door, "--help"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert door.removesuffix(".py") in done.stdout


def test_the_package_is_a_command_too(tmp_path):
    done = subprocess.run([sys.executable, "-m", "mmst"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("mmst makes a language model better")
