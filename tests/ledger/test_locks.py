import errno
import fcntl
import multiprocessing
import os
import shutil
import threading
import time

import pytest

from mmst.errors import RunInUseError, UserError
from mmst.ledger import locks
from mmst.ledger.locks import if_free, run_folder, turn
from tests.commands import LIMIT

NUMBERS = [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ESTALE, errno.EIO]
NAMES = [errno.errorcode[number] for number in NUMBERS]


def refuse(number=errno.ENOLCK):
    """A file system that does not lock files."""

    def flock(*_):
        raise OSError(number, "no locks here")

    fcntl.flock = flock


def quick(renewed=0.02, forgotten=0.5):
    """Leases that are renewed, and taken over, sooner."""
    locks.RENEWED, locks.FORGOTTEN, locks.ASKED = renewed, forgotten, 0.02


@pytest.fixture
def no_flock(monkeypatch):
    for name in ("RENEWED", "FORGOTTEN", "ASKED"):
        monkeypatch.setattr(locks, name, getattr(locks, name))
    monkeypatch.setattr(fcntl, "flock", fcntl.flock)
    refuse()
    quick()


def holds(path, ready):
    """A process that holds a stage, until it is killed."""
    refuse()
    quick()
    with turn(path):
        ready.set()
        time.sleep(600)


def adds(path, counter, times):
    """A process that adds one to a file's number, again and again: a turn that two have at once loses some."""
    refuse()
    quick(renewed=1, forgotten=60)
    for _ in range(times):
        with turn(path):
            counter.write_text(str(int(counter.read_text()) + 1))


def started(target, *arguments):
    process = multiprocessing.get_context("spawn").Process(target=target, args=arguments)
    process.start()
    return process


@pytest.mark.parametrize("number", NUMBERS, ids=NAMES)
@pytest.mark.parametrize("held", ["run", "stage"])
def test_a_lease_stands_for_a_lock_that_the_file_system_has_not(tmp_path, no_flock, number, held):
    refuse(number)
    folder = tmp_path / "x"
    with run_folder(folder) if held == "run" else turn(folder / ".lock"), if_free(folder / ".lock") as free:
        assert not free
    with if_free(folder / ".lock") as free:
        assert free


@pytest.mark.parametrize("held", ["run", "stage"])
def test_a_file_system_that_has_neither_is_one_sentence(tmp_path, no_flock, monkeypatch, held):
    def no_link(*_, **__):
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", no_link)
    hold = run_folder(tmp_path / "x") if held == "run" else turn(tmp_path / "x" / ".lock")
    with (
        pytest.raises(UserError, match=rf"{tmp_path}/x lies on .* does not lock files, nor takes a lease .*another disk"),
        hold,
    ):
        pass


def test_processes_take_turns_by_leases(tmp_path):
    counter = tmp_path / "counter"
    counter.write_text("0")
    processes = [started(adds, tmp_path / ".lock", counter, 10) for _ in range(2)]
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    assert counter.read_text() == "20"


def test_the_lease_of_a_killed_process_is_taken_over_by_one_of_those_that_wait(tmp_path, no_flock):
    ready = multiprocessing.get_context("spawn").Event()
    holder = started(holds, tmp_path / ".lock", ready)
    assert ready.wait(LIMIT)
    holder.kill()
    holder.join()
    inside, most = [], []

    def waits():
        with turn(tmp_path / ".lock"):
            inside.append(1)
            most.append(len(inside))
            inside.pop()

    threads = [threading.Thread(target=waits) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1, 1, 1]
    with run_folder(tmp_path):
        pass


def test_the_lease_of_a_living_process_is_not_taken_over(tmp_path, no_flock, monkeypatch):
    with run_folder(tmp_path):
        (record,) = (tmp_path / ".lock.rw" / "holders").iterdir()
        renewals = set()

        def clock():  # goes on by a tenth of a second at each renewal, however slow the machine is
            renewals.add(record.read_bytes())
            return len(renewals) / 10

        monkeypatch.setattr(time, "monotonic", clock)
        monkeypatch.setattr(time, "perf_counter", clock)
        with pytest.raises(RunInUseError, match="in use"), run_folder(tmp_path):
            pass
        assert clock() > locks.FORGOTTEN


@pytest.mark.soak  # it waits for a minute
def test_a_process_that_lost_its_lease_is_stopped_and_says_so(tmp_path, no_flock):
    def work():
        with turn(tmp_path / ".lock"):
            shutil.rmtree(tmp_path / ".lock.rw" / "holders")  # as a waiting one does that takes over
            threading.Event().wait(60)

    with pytest.raises(UserError, match=rf"{tmp_path} was taken over by another process"):
        work()


def test_a_lock_heeds_the_leases_of_others(tmp_path, no_flock, monkeypatch):
    with turn(tmp_path / ".lock"):
        monkeypatch.undo()
        with if_free(tmp_path / ".lock") as free:
            assert not free
    with if_free(tmp_path / ".lock") as free:
        assert free


def test_who_waited_for_a_folder_that_was_removed_holds_the_one_that_is_there(tmp_path):
    path, waiting, done = tmp_path / "stage" / ".lock", threading.Event(), []

    def waits():
        waiting.set()
        with turn(path), if_free(path) as free:
            done.append(free)

    thread = threading.Thread(target=waits)
    with turn(path):
        thread.start()
        waiting.wait()
        shutil.rmtree(path.parent)
    thread.join()
    assert done == [False]


def test_a_folder_in_use_is_refused(tmp_path):
    with run_folder(tmp_path), pytest.raises(RunInUseError, match="in use"), run_folder(tmp_path):
        pass
