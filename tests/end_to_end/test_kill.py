"""`kill -9`, the same command again: the same numbers, the same files, and nothing finished is done twice."""

import csv
import json
import signal

import pytest

from mmst.ledger.ledger import run_folder
from tests.commands import TINY
from tests.waiting import until

ARGUMENTS = ("debug=tiny", "arms=[]", "trainer.options.steps=12", "trainer.options.save_every=3")
MOMENTS = {
    "while sampling": "sample-*/chunk-00001.jsonl",
    "while translating": "translate-*/chunk-00000.jsonl",
    "while training": "train-*/work/latest",
}


def killed_when(runs, pattern):
    process = runs.start("train.py", *ARGUMENTS)
    until(lambda: list((runs.folder / "ledger").glob(pattern)), process)
    process.send_signal(signal.SIGKILL)
    process.communicate()


def curve(runs):
    (path,) = runs.folder.glob("runs/train/*/curves/multi-round1/metrics.csv")
    rows = list(csv.DictReader(path.open()))
    return [(row["step"], row["loss"]) for row in rows]


def at_work(runs):
    """Whether a training tells of its steps."""
    told = [json.loads(path.read_text()) for path in runs.folder.glob("runs/train/*/live.json")]
    return any(event["title"].startswith("train ") and event["done"] for event in told)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_training_that_is_stopped_says_so_in_a_sentence(runs, number, code):
    """Of so many steps that it is long at work; none of them is saved but the one in which SIGTERM comes."""
    long = ("trainer.options.steps=10000", "trainer.options.save_every=10000")
    process = runs.start("train.py", *TINY, "arms=[]", "splits=[test]", *long)
    until(lambda: at_work(runs), process)
    process.send_signal(number)
    _, said = process.communicate()
    assert process.returncode == code
    saved = list((runs.folder / "ledger").glob("train-*/work/step-*.ckpt"))
    assert len(saved) == (number == signal.SIGTERM), "SIGTERM saves the step that it comes in"
    assert said.strip().endswith("what is done is kept, and the same command resumes.")
    assert len(said.strip().splitlines()) == 1


def test_a_run_killed_again_and_again_goes_on_and_ends_alike(runs, more_runs):
    done = {}
    for moment, pattern in MOMENTS.items():
        killed_when(runs, pattern)
        files = runs.ledger_files()
        assert all(files[name] == content for name, content in done.items()), moment
        done = {name: content for name, content in files.items() if name.split("/")[-1].startswith("chunk")}
        assert done, moment
    found = runs.results(runs.run("train.py", *ARGUMENTS))
    undisturbed = more_runs()
    expected = undisturbed.results(undisturbed.run("train.py", *ARGUMENTS))
    for key in ("arms", "comparisons", "counts"):
        assert found[key] == expected[key]
    assert len(curve(runs)) == 12
    assert curve(runs) == curve(undisturbed)
    after = runs.ledger_files()
    assert after == undisturbed.ledger_files()
    assert all(after[name] == content for name, content in done.items())


def test_a_run_folder_in_use_is_refused(runs):
    with run_folder(runs.folder / "runs" / "train" / "debug-tiny"):
        refused = runs.run("train.py", "debug=tiny")
    assert refused.returncode == 2
    assert "in use by another process" in refused.stderr
