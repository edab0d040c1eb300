import os
import signal
import subprocess
import sys
from concurrent.futures import BrokenExecutor
from pathlib import Path

import pytest

from mmst.errors import ConfigError
from mmst.executors.local import Local
from tests.commands import LIMIT, ROOT
from tests.waiting import until

OWNER = """
import os, sys, time
from pathlib import Path
from mmst.executors.local import Local

def work(path):
    Path(path).write_text(str(os.getpid()))
    time.sleep(1000)

with Local(2) as executor:
    executor.at_once(2, None)
    futures = [executor.start(work, path) for path in sys.argv[1:]]
    {then}
"""


@pytest.fixture
def cores(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)))


def test_auto_takes_the_cores_that_parts_of_so_many_threads_leave(cores):
    assert [Local().at_once(3, threads) for threads in (1, 4, 8, None)] == [3, 2, 1, 1]
    assert Local().at_once(100, 1) == 8
    assert Local(2).at_once(100, None) == 2
    assert [Local(1).at_once(3, 1), Local(5).at_once(3, 1)] == [1, 3]
    assert Local(2).threads(2) == 4


def test_what_omp_num_threads_allows_is_for_the_whole_run(cores, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    executor = Local()
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert executor.at_once(3, 1) == 1
    assert executor.threads(1) is None


def test_a_job_that_is_open_has_set_omp_num_threads_itself(cores, monkeypatch):
    executor = Local()
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert executor.at_once(3, 1) == 3


def test_only_a_choice_of_several_is_one():
    assert [Local(arms).chosen for arms in ("auto", 1, 2)] == [False, False, True]


@pytest.mark.parametrize(("arms", "words"), [(0, "arms=0 must be at least 1"), ("all", "arms=all must be a number, or auto")])
def test_what_arms_cannot_be(arms, words):
    with pytest.raises(ConfigError, match=words):
        Local(arms)


def test_parts_are_computed_in_other_processes_which_end_with_the_block():
    with Local(1) as executor:
        executor.at_once(1, None)
        there = executor.start(os.getpid).result()
        assert there != os.getpid()
        assert os.getpgid(there) == there, "Ctrl-C in a terminal is for the run alone"
    with pytest.raises(ProcessLookupError):
        os.kill(there, 0)


def test_a_process_that_dies_takes_no_later_part_with_it():
    with Local(1) as executor:
        executor.at_once(1, None)
        with pytest.raises(BrokenExecutor):
            executor.start(os._exit, 1).result()
        assert executor.start(os.getpid).result() != os.getpid()


@pytest.mark.parametrize("then", ["os.kill(os.getpid(), 9)", "raise SystemExit"])
def test_processes_end_with_the_one_that_started_them_killed_or_not(tmp_path, then):
    paths = [tmp_path / "one", tmp_path / "two"]
    wait = "while not all(os.path.exists(p) and os.path.getsize(p) for p in sys.argv[1:]): time.sleep(0.01)"
    script = tmp_path / "owner.py"
    script.write_text(OWNER.format(then=f"{wait}\n    {then}"))
    here = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run([sys.executable, script, *paths], check=False, timeout=LIMIT, env=here).returncode
    assert ended == (-signal.SIGKILL if "kill" in then else 0)
    pids = [int(path.read_text()) for path in paths]
    until(lambda: not any(map(alive, pids)))


def alive(pid):
    """Whether a process runs; one that ended and that nobody has asked for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
