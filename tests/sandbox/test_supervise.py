import os
import signal

import pytest

from mmst.sandbox import supervise
from mmst.sandbox.supervise import PATIENCE, Limited, Supervised

LIMITS = {"cpu_seconds": 2.0, "wall_factor": 4.0}


def limited(used, kept, waiting=False):
    return Limited((1,), LIMITS, lambda pid: used, lambda: (kept, waiting))


@pytest.mark.parametrize(
    ("passed", "used", "kept", "waiting", "verdict"),
    [
        (2.0, 2.0, 0.0, False, "timeout"),  # its CPU time is used up
        (7.9, 0.1, 0.0, False, None),
        (8.0, 0.1, 0.0, False, "timeout"),  # it slept
        (8.0, 1.9, 0.0, False, "timeout"),  # it slept and worked in turns
        (8.0, 0.1, 6.0, False, None),  # others had the processor for most of the time
        (14.1, 0.1, 6.0, False, "timeout"),  # it slept through the rest
        (14.1, 0.1, 6.0, True, None),  # it is kept waiting now
        (119.0, 0.1, 118.0, True, None),
        (120.0, 0.1, 118.0, True, "lost"),
        (9.0, 0.05, -1.0, False, "timeout"),  # the kernel does not tell: it used less than a hundredth
        (9.0, 0.5, -1.0, False, None),
        (120.0, 1.9, -1.0, False, "lost"),
    ],
)
def test_what_ends_a_program_is_what_it_used_itself(passed, used, kept, waiting, verdict):
    assert limited(used, kept, waiting).verdict(passed) == verdict


def test_the_next_look_is_before_it_can_have_used_up_its_time():
    program = limited(1.5, 0.0)
    program.verdict(3.0)
    assert program.next_look == pytest.approx(3.5)
    program = limited(0.5, 0.0)
    program.verdict(7.0)
    assert program.next_look == pytest.approx(8.0)


def test_a_look_that_comes_late_counts_as_if_it_had_been_on_time(monkeypatch):
    now = iter([100.0, 101.0, 4000.0])
    monkeypatch.setattr(supervise.time, "monotonic", lambda: next(now))
    spent = Supervised()
    spent.tick(2.0)
    assert spent.passed == 1.0
    spent.tick(2.0)
    assert spent.passed == 3.0
    assert PATIENCE > 1


def outcome(child):
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        child(writer)
        os._exit(0)
    os.close(writer)
    buffer = bytearray(1001)
    result, used = supervise.supervise(Limited((pid,), LIMITS, lambda pid: 0.0, lambda: (0.0, False)), reader, buffer)
    os.close(reader)
    with pytest.raises(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    return result["status"], result["type"], bytes(buffer[:used])


ANSWER = b'{"status": "ok", "type": "int", "value": "1"}'


@pytest.mark.parametrize(
    ("child", "status", "kind"),
    [
        (lambda pipe: os.write(pipe, ANSWER), "answered", ""),
        (lambda pipe: (os.write(pipe, ANSWER), os._exit(3)), "crashed", "exit 3"),
        (lambda pipe: os.kill(os.getpid(), signal.SIGUSR1), "crashed", "signal 10"),
        (lambda pipe: os.kill(os.getpid(), signal.SIGXCPU), "timeout", ""),
        (lambda pipe: os.kill(os.getpid(), signal.SIGKILL), "lost", "killed from outside"),
        (lambda pipe: os.write(pipe, b"x" * 2000), "crashed", ""),
        (lambda pipe: None, "answered", ""),
    ],
)
def test_ends(child, status, kind):
    assert outcome(child)[:2] == (status, kind)


def test_an_end_long_after_its_pipe_was_closed_is_an_end_like_any_other():
    def child(pipe):
        os.write(pipe, ANSWER)
        os.close(pipe)
        for _ in range(200):
            os.sched_yield()

    assert outcome(child) == ("answered", "", ANSWER)
