"""The whole of `benchmarks/grpo.py`, and what it takes from a run."""

import json
import subprocess
import sys

import pytest

from mmst.errors import ConfigError, DataError
from mmst.methods.prompt import PromptWriter
from mmst.nano.__main__ import bare_methods
from mmst.pipeline import ProblemSet
from mmst.sandbox.result import Result, Status
from mmst.types import Problem, Verdict
from tests.conftest import ROOT

TRAIN = ProblemSet("train", (Problem("a", "3 bags of 4 nuts?", "12"), Problem("b", "5 bags of 2 nuts?", "10")))


class Sandbox:
    """Returns 12, or loses the program where it says so."""

    settings = {}  # noqa: RUF012

    def execute(self, programs):
        return [Result(p.name, Status.LOST) if "lost" in p.code else Result(p.name, Status.OK, "int", "12") for p in programs]

    def close(self):
        pass


@pytest.fixture(scope="module")
def runs_of(script):
    return script("grpo_run")


@pytest.fixture
def run(runs_of):
    return runs_of.Beside("r", None, None, bare_methods(), PromptWriter(), Sandbox(), None, TRAIN, TRAIN, {}, 1)


def test_each_completion_is_judged_by_its_method_and_its_problem(run):
    rows = [
        (" 3 * 4 = 12. The answer is 12.\nQuestion: and now?", "a", "text"),
        ("\ndef solution():\n    return 12", "a", "code"),
        (" The answer is 12.", "b", "text"),
        ("\ndef solution():\n    lost", "b", "code"),
        (" Nuts.", "b", "text"),
    ]
    found = run.verdicts(*zip(*rows, strict=True))
    assert found == [Verdict.RIGHT, Verdict.RIGHT, Verdict.WRONG, Verdict.UNJUDGED, Verdict.NO_ANSWER]


def test_prompts_are_the_runs_own(run):
    assert run.prompts(TRAIN.problems[0])["code"] == "Question: 3 bags of 4 nuts?\nProgram:"


def test_differences_are_paired_and_of_the_mean_as_well(runs_of):
    ids = [str(number) for number in range(40)]
    base = {"text": dict.fromkeys(ids, False), "code": dict.fromkeys(ids, True)}
    better = {"text": {id: int(id) < 20 for id in ids}, "code": {**base["code"], "0": None}}
    rows = runs_of.differences({"base": base, "grpo": better}, [("base", "grpo")], ["text", "code"])
    by_method = {row["method"]: row for row in rows}
    assert by_method["text"]["difference"] == pytest.approx(0.5)
    assert by_method["code"]["n"] == by_method["mean"]["n"] == 39
    assert by_method["mean"]["difference"] == pytest.approx(19 / 39 / 2)
    assert by_method["mean"]["low"] < 19 / 39 / 2 < by_method["mean"]["high"]
    assert runs_of.with_mean(better, ["text", "code"])["mean"].accuracy == pytest.approx((19 * 1 + 20 * 0.5) / 39)


def test_tables_and_sentences_are_made_of_what_is_written(script):
    tables, tally = script("grpo_tables"), script("grpo_tally").Tally(("text", "code"), budget=20, least=0.4, window=1)
    tally.add([script("grpo_tally").Drawn("text", 30, Verdict.RIGHT)])
    assert "step 1, 30 of 20 tokens, 100% right; of the completions text 100%, code 0%" in tables.progress_line(tally, "g", 2.0)
    told = {"seconds": 2.0, **tally.plain(), "start": {"shares": {"text": 0.5, "code": 0.5}, "mass": 1e-7}}
    line = tables.shares_line("grpo choose", told)
    assert "1 steps, 30 tokens of 20, 2 s" in line
    assert "text 50.0% -> 100.0%, code 50.0% -> 0.0%" in line
    assert line.endswith("alarms: code at step 1.")
    gap = {"difference": 0.25, "low": 0.0, "high": 0.5, "n": 8}
    own = {"scores": {"end": {"accuracy": 0.5}}, "picks": {"end": {"code": 7, "text": 1}}, "difference": gap}
    assert "end 50.0% (7 by code, 1 by text); +25.0 [+0.0, +50.0], n = 8" in tables.chosen_line("grpo choose", own)
    cell = {"accuracy": 0.5, "low": 0.25, "high": 0.75, "n": 8}
    table = tables.accuracy_table({"base": {"text": cell, "mean": cell}}, "nano")
    assert table.title == "nano (% right [95% interval], n = 8)"
    assert list(table.columns[1].cells) == ["50.0 [25.0, 75.0]"]


def test_a_choice_is_worth_what_the_chosen_method_solves(runs_of):
    outcomes = {"text": {"a": True, "b": False}, "code": {"a": False, "b": None}}
    assert runs_of.chosen_outcomes(outcomes, {"a": "text", "b": "code"}) == {"chosen": {"a": True, "b": None}}


def test_what_cannot_be_is_said_before_any_training(script, tmp_path):
    main = script("grpo").main
    with pytest.raises(ConfigError, match="--group 1 must be at least 2"):
        main(["--group", "1"])
    with pytest.raises(DataError, match="is no finished run"):
        main(["--run", str(tmp_path)])


@pytest.mark.soak
def test_every_setting_runs_beside_a_finished_run(runs, tmp_path):
    assert runs.run("train.py", "debug=tiny", "name=tiny").returncode == 0
    run = next(runs.folder.rglob("results.json")).parent
    words = f"--tokens 600 --prompts 2 --group 4 --window 1 --every 1 --least 0.4 --run {run} --out {tmp_path / 'out'}".split()
    command = [sys.executable, "benchmarks/grpo.py", *words, "--settings", "both", "choose", "choose-even"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads((tmp_path / "out" / "grpo.json").read_text())
    told = found["settings"]
    assert set(told) == {"grpo both", "grpo choose", "grpo choose-even"}
    assert all(600 <= row["tokens"] < 600 + 8 * 65 for row in told.values())
    assert {row["a"] for row in found["differences"]} == {"base", "self_both", "multi"}
    assert told["grpo choose"]["start"]["mass"] < 1e-3  # nano was not made to write cues
    assert told["grpo choose-even"]["start"]["shares"]["text"] == pytest.approx(0.5, abs=1e-3)
    assert told["grpo choose"]["alarms"][0]["sentence"] in done.stdout
    assert not told["grpo both"]["alarms"]
    assert sum(found["chosen"]["grpo choose"]["picks"]["base"].values()) == found["scores"]["base"]["mean"]["n"]
