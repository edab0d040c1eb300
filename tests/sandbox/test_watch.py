import os
import signal
import socket
import threading
from pathlib import Path

from mmst.sandbox import watch


def stopped_child():
    pid = os.fork()
    if pid == 0:
        os.kill(os.getpid(), signal.SIGSTOP)
        os._exit(0)
    os.waitid(os.P_PID, pid, os.WSTOPPED)
    return pid


def test_a_stopped_process_is_seen_also_by_its_parent():
    pid = stopped_child()
    try:
        assert watch.is_stopped(pid)
        assert pid in watch._children(os.getpid())
        seconds, waiting = watch.hindrance([pid])
        assert seconds >= 0
        assert not waiting
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    assert not watch.is_stopped(pid)


def test_children_are_found_without_their_file(monkeypatch):
    def read(path):
        if path.endswith("/children"):
            raise FileNotFoundError
        return Path(path).read_text()

    pid = stopped_child()
    monkeypatch.setattr(watch, "_read", read)
    assert pid in watch._children(os.getpid())
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def test_a_kernel_that_does_not_tell_is_unknown(monkeypatch, tmp_path):
    monkeypatch.setattr(watch, "PROC", str(tmp_path))
    assert watch.hindrance([1]) == (watch.UNKNOWN, False)


def test_it_answers_until_nobody_asks():
    ours, theirs = socket.socketpair()
    server = threading.Thread(target=watch.serve, args=(theirs, os.getpid()))
    server.start()
    seconds, waiting = watch.ask(ours)
    assert seconds >= 0
    assert waiting in (True, False)
    ours.close()
    server.join()
    assert watch.ask(ours) == (watch.UNKNOWN, False)
