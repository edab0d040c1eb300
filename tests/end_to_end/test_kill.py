"""`kill -9`, the same command again: the same numbers, the same files, and nothing finished is done twice."""

import signal
import time

import pytest

from tests.commands import Runs

ARGUMENTS = ("debug=tiny", "arms=[]", "trainer.options.steps=12", "trainer.options.save_every=3")
MOMENTS = {
    "while sampling": "sample-*/chunk-00001.jsonl",
    "while translating": "translate-*/chunk-00000.jsonl",
    "while training": "train-*/work/latest",
}


def killed_when(runs, pattern):
    process = runs.start("train.py", *ARGUMENTS)
    deadline = time.monotonic() + 120
    while not list((runs.folder / "ledger").glob(pattern)):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.communicate()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    runs = Runs(tmp_path_factory.mktemp("undisturbed"))
    found = runs.results(runs.run("train.py", *ARGUMENTS))
    return found, runs.ledger_files()


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_killed_run_goes_on_and_ends_alike(runs, undisturbed, moment):
    killed_when(runs, MOMENTS[moment])
    before = runs.ledger_files()
    found = runs.results(runs.run("train.py", *ARGUMENTS))
    expected, files = undisturbed
    assert (found["arms"], found["comparisons"], found["counts"]) == (
        expected["arms"],
        expected["comparisons"],
        expected["counts"],
    )
    after = runs.ledger_files()
    assert after == files
    done = {name: content for name, content in before.items() if name.split("/")[-1].startswith("chunk")}
    assert done
    assert all(after[name] == content for name, content in done.items())


def test_a_run_folder_in_use_is_refused(runs):
    first = runs.start("train.py", "debug=tiny")
    try:
        while not list((runs.folder / "runs").glob("train/*/.lock")):
            assert first.poll() is None
            time.sleep(0.01)
        time.sleep(0.5)
        second = runs.run("train.py", "debug=tiny")
    finally:
        first.kill()
        first.communicate()
    assert second.returncode == 2
    assert "in use by another process" in second.stderr
