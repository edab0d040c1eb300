"""Arms side by side: the same numbers and the same files as one after the other, also after a kill."""

import os
import signal
from pathlib import Path

import pytest

from tests.commands import TINY, Finished
from tests.executors.test_local import alive
from tests.processes import descendants
from tests.waiting import until

WORDS = (*TINY, "policy=[one]", "splits=[test]")
LOCAL = ("executor.arms=2",)
RAY = ("executor=ray", "executor.arms=2", "executor.cpus=0.5")


def told(found):
    return {key: value for key, value in found.items() if key not in ("seconds", "ledger", "rounds", "config", "commit")}


@pytest.fixture(scope="module")
def in_turn(more_runs):
    runs = more_runs()
    return runs.results(runs.run("train.py", *WORDS)), runs.ledger_files()


@pytest.mark.soak
@pytest.mark.parametrize("executor", [LOCAL, RAY], ids=["local", "ray"])
def test_arms_side_by_side_are_those_one_after_the_other(runs, in_turn, executor):
    finished = runs.run("train.py", *WORDS, *executor)
    found, files = in_turn
    assert told(runs.results(finished)) == told(found)
    assert runs.ledger_files() == files
    for arm in ("base", "self_both", "multi"):
        assert f"[{arm}] " in finished.stdout
    assert "sample test by" not in finished.stdout.split("[multi]")[-1].split("\n", 1)[1], "the run itself finds all"
    assert not finished.stderr.strip()


@pytest.mark.soak
@pytest.mark.parametrize(("executor", "worker"), [(LOCAL, "LokyProcess"), (RAY, "ray::compute")], ids=["local", "ray"])
def test_a_driver_that_is_killed_leaves_no_process_and_the_same_command_goes_on(runs, in_turn, executor, worker):
    process = runs.start("train.py", *WORDS, *executor)
    until(lambda: list((runs.folder / "ledger").glob("train-*/.lock")), process)
    below = commands_below(process)
    assert sum(worker in name for name in below.values()) >= 1, below
    process.send_signal(signal.SIGKILL)
    process.communicate()
    until(lambda: not any(map(alive, below)))
    found, files = in_turn
    assert told(runs.results(runs.run("train.py", *WORDS, *executor))) == told(found)
    assert runs.ledger_files() == files


@pytest.mark.soak
def test_an_arms_process_that_is_killed_is_a_warning_and_the_run_ends_alike(runs, in_turn):
    process = runs.start("train.py", *WORDS, "executor.arms=2")
    until(lambda: list((runs.folder / "ledger").glob("train-*/.lock")), process)
    below = commands_below(process)
    os.kill(next(pid for pid, command in below.items() if "LokyProcess" in command), signal.SIGKILL)
    said, stderr = process.communicate()
    assert "its process ended" in said
    assert not stderr.strip()
    found, files = in_turn
    assert told(runs.results(Finished(process.returncode, said, stderr))) == told(found)
    assert runs.ledger_files() == files


def commands_below(process):
    """Process -> its command line, of all below this command."""
    return {pid: command_line(pid) for pid in descendants(process.process.pid)}


def command_line(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
