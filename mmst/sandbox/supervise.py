"""Wait for a program's end, within its limits. No clock on the wall decides between right and wrong.

What a program uses is its own: CPU time by its own clock, and time asleep. What others take is not: neither the time in which
it could have run and did not, nor that in which this process itself was kept from looking. Standard library only; the zygote
imports this with nothing else of the package on its path.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import time
from collections.abc import Callable
from typing import Any

PATIENCE = 15
"""How many times its wall-clock limit a program may take that others keep waiting. It is lost then, which is not wrong."""
BUSY_SHARE = 0.01
"""Where the kernel does not tell how long a program was kept waiting, one that uses less of its time than this sleeps."""
SHORTEST_WAIT = 0.005
"""Seconds between two looks at a program, at the least."""


class Supervised:
    """Seconds for which this process looked after a program; a look that comes late counts as if it had been on time."""

    def __init__(self) -> None:
        self.passed = 0.0
        self._last = time.monotonic()

    def tick(self, asked: float) -> None:
        """Count the time since the last call, at most what was asked for."""
        now = time.monotonic()
        self.passed += min(now - self._last, asked)
        self._last = now


class Limited:
    """One program's limits, and what it has used of them.

    Args:
        pids: the processes that run it.
        limits: `cpu_seconds`, and `wall_factor` wall-clock seconds for each of them.
        cpu_seconds: CPU seconds of a process so far.
        hindrance: see `watch.ask`.
    """

    def __init__(
        self,
        pids: tuple[int, ...],
        limits: dict[str, Any],
        cpu_seconds: Callable[[int], float],
        hindrance: Callable[[], tuple[float, bool]],
    ) -> None:
        self.pids, self.cpu_seconds, self.hindrance = pids, cpu_seconds, hindrance
        self.cpu = float(limits["cpu_seconds"])
        self.wall = self.cpu * limits["wall_factor"]
        self.next_look = self.cpu

    def verdict(self, passed: float) -> str | None:
        """`timeout` or `lost` after `passed` seconds; None while it may go on, and `next_look` says until when."""
        used = sum(map(self.cpu_seconds, self.pids))
        if used >= self.cpu:
            return "timeout"
        own = passed
        if passed >= self.wall:
            own, waiting = self._own(passed, used)
            if own >= self.wall and not waiting:
                return "timeout"
            if passed >= PATIENCE * self.wall:
                return "lost"
        self.next_look = passed + max(SHORTEST_WAIT, min(self.cpu - used, self.wall - own))
        return None

    def _own(self, passed: float, used: float) -> tuple[float, bool]:
        """Seconds of `passed` that were the program's own doing, and whether others keep it waiting now."""
        kept, waiting = self.hindrance()
        if kept < 0:
            return (passed, False) if used < BUSY_SHARE * passed else (0.0, True)
        return passed - kept, waiting


def supervise(limited: Limited, pipe: int, buffer: bytearray) -> tuple[dict[str, Any], int]:
    """What became of the first process, and how many bytes it answered by the pipe into the buffer; no process is left.

    An answer that fills the buffer is too long.
    """
    ended = os.pidfd_open(limited.pids[0])
    watch, time_spent = select.poll(), Supervised()
    watch.register(ended, select.POLLIN)
    answer, verdict = Answer(pipe, buffer), None
    while verdict is None:
        wait = max(limited.next_look - time_spent.passed, 0.001)
        left = watch.poll(wait * 1000)
        time_spent.tick(wait)
        if left or time_spent.passed >= limited.next_look:
            answer.drain()
            verdict = "crashed" if answer.too_long() else "left" if left else limited.verdict(time_spent.passed)
    os.close(ended)
    outcome = _collected(limited, verdict)
    return outcome, answer.used


class Answer:
    """What a process wrote into its pipe, which is made to hold all of it: to be woken at each write would take time."""

    def __init__(self, pipe: int, buffer: bytearray) -> None:
        self.pipe, self.view, self.used = pipe, memoryview(buffer), 0
        with contextlib.suppress(OSError):  # a limit on all pipes of this user: what does not fit is taken at the next look
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, len(buffer))

    def read(self) -> bool:
        """Take what is there; False at the end of the file."""
        count = os.readv(self.pipe, [self.view[self.used :]])
        self.used += count
        return count > 0

    def too_long(self) -> bool:
        """Whether the buffer is full."""
        return self.used >= len(self.view)

    def drain(self) -> None:
        """Take what is there."""
        rest = select.poll()
        rest.register(self.pipe, select.POLLIN)
        while not self.too_long() and rest.poll(0) and self.read():
            pass


def _collected(limited: Limited, verdict: str) -> dict[str, Any]:
    others = 0.0
    for pid in limited.pids[1:]:
        os.kill(pid, signal.SIGKILL)
        _, _, usage = os.wait4(pid, 0)
        others += usage.ru_utime + usage.ru_stime
    if verdict != "left":
        os.kill(limited.pids[0], signal.SIGKILL)
    _, status, usage = os.wait4(limited.pids[0], 0)
    seconds = others + usage.ru_utime + usage.ru_stime
    if verdict == "left":
        verdict, kind = _of_exit(os.waitstatus_to_exitcode(status), seconds >= limited.cpu)
    else:
        kind = "starved" if verdict == "lost" else ""
    return {"status": verdict, "type": kind, "seconds": round(seconds, 4)}


def _of_exit(code: int, out_of_time: bool) -> tuple[str, str]:
    """What an end by itself says. Nothing that a program may do sends SIGKILL: the kernel does, at a limit or out of memory."""
    if code == 0:
        return "answered", ""
    if code == -signal.SIGXCPU or (code == -signal.SIGKILL and out_of_time):
        return "timeout", ""
    if code == -signal.SIGKILL:
        return "lost", "killed from outside"
    return "crashed", f"signal {-code}" if code < 0 else f"exit {code}"
