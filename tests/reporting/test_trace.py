import json

import pytest

from mmst.cli.trace import main
from mmst.errors import DataError
from mmst.reporting.trace import trace
from tests.reporting.made import made_run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    root = tmp_path_factory.mktemp("traced")
    made_run(root / "run", root / "ledger", ("seed=0",), 0)
    return root / "run"


def test_a_problem_tells_what_was_answered(run):
    (said,) = trace(run, "train0-3")
    assert said.startswith("problem train0-3: How many of 3?\n  gold answer: 3\n")
    assert "by text, train problems, by the model base" in said
    assert "code -> text, train problems" in said


def test_a_sample_tells_its_prompt_its_translations_and_what_was_trained_on_it(run):
    (said,) = [text for text in trace(run, "train0-3/text/0") if "train problems" in text]
    assert "problem: train0-3; answer: " in said
    assert "translated, text -> code: train0-3/text/0>code" in said


def test_a_translation_tells_its_source(run):
    (said,) = trace(run, "train0-3/text/0>code")
    assert said.startswith("translation train0-3/text/0>code, text -> code")
    assert "translated from: train0-3/text/0" in said


def test_an_arm_tells_its_checkpoint(run):
    (said,) = trace(run, "multi")
    assert said.startswith("checkpoint ")
    assert "multi, round 1" in said
    key = said.split()[1].rstrip(":")
    assert trace(run, key) == [said]
    assert key in {row["checkpoint_key"] for row in json.loads((run / "results.json").read_text())["rounds"]}


def test_what_is_not_there_is_one_sentence(run, capsys):
    with pytest.raises(DataError, match="has nothing called nothing; samples are called PROBLEM/METHOD/INDEX"):
        main(["nothing", str(run)])
    main(["train0-3", str(run)])
    assert "How many of 3?" in capsys.readouterr().out
