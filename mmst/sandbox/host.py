"""The host's end of one zygote: starts it, sends it programs, and reads what became of them."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from mmst.errors import SandboxUnavailableError
from mmst.sandbox import supervise, watch
from mmst.sandbox.frames import READY, REPLY, REQUEST
from mmst.sandbox.result import Program, Result, Status

START_SECONDS = 600
"""In which a zygote must be ready: only one that hangs takes minutes, however busy the machine is."""
LOOK_SECONDS = 5.0
"""Between two looks at a zygote that is silent."""
SPARE_SECONDS = 60.0
"""How much longer than its most patient program may take a zygote may be silent."""
FEWEST_FILES = 128
"""Open files that the user's limit must leave to a zygote."""
OF_CHILD = frozenset([Status.OK, Status.ERROR, Status.MEMORY, Status.REFUSED])
"""What a child may say of itself."""


_starters: dict[int, ThreadPoolExecutor] = {}
"""Process id -> the thread of it that starts zygotes, and lives as long: the kernel kills a zygote when the thread that started
it ends."""


class Zygote:
    """One running zygote and what it has in hand."""

    def __init__(self, settings: dict[str, Any]) -> None:
        _require_files()
        ours, theirs = socket.socketpair()
        script = str(Path(__file__).with_name("zygote.py"))
        command = [sys.executable, "-s", "-S", *_compiled(), script, json.dumps(settings), str(theirs.fileno())]
        self.process = _started(command, theirs.fileno())
        theirs.close()
        self.settings = settings
        self.socket = ours
        self.incoming = bytearray()
        self.outgoing: deque[tuple[bytes, list[int]]] = deque()
        self.in_hand: deque[int] = deque()
        self.silent = 0.0
        """Seconds since it last said something, while it had programs in hand."""
        self.patience = supervise.PATIENCE * settings["wall_factor"] * settings["cpu_seconds"] + SPARE_SECONDS
        self.ready = self._await_ready()
        ours.setblocking(False)

    def _await_ready(self) -> dict[str, Any]:
        self.socket.settimeout(START_SECONDS)
        frames: list[tuple[int, bytes]] = []
        try:
            while not frames and (block := self.socket.recv(1 << 16)):
                self.incoming += block
                frames = self._frames()
        except (TimeoutError, ConnectionError):
            frames = []
        if not frames or frames[0][0] != READY:
            self.stop()
            said = self.process.stderr.read().decode(errors="replace").strip() if self.process.stderr else ""
            raise SandboxUnavailableError(f"sandbox: the process that runs programs did not start: {_why(said)}.")
        return dict(json.loads(frames[0][1]))

    def send(self, number: int, program: Program) -> None:
        """Queue one program. Its texts lie behind descriptors: the zygote hands them on unread."""
        texts: list[dict[str, Any]] = [{"code": program.code, "entry": program.entry, "given": program.given}]
        if program.tests is not None:
            texts.append({"tests": program.tests, "entry_point": program.entry_point})
        self.outgoing.append((REQUEST.pack(number, len(texts)), [_behind(text) for text in texts]))
        self.in_hand.append(number)

    def flush(self) -> None:
        """Send what the socket takes."""
        while self.outgoing:
            header, fds = self.outgoing[0]
            try:
                socket.send_fds(self.socket, [header], fds)
            except BlockingIOError:
                return
            self.outgoing.popleft()
            for fd in fds:
                os.close(fd)

    def receive(self) -> list[tuple[int, bytes]] | None:
        """The results that have come, as (number, text); None when the zygote is gone."""
        try:
            block = self.socket.recv(1 << 20)
        except BlockingIOError:
            return []
        except OSError:
            return None
        if not block:
            return None
        self.silent = 0.0
        self.incoming += block
        return self._frames()

    def hangs(self, seconds: float) -> bool:
        """Whether it will not answer, after `seconds` more of silence: it was stopped, or is later than any program may be."""
        if not self.in_hand:
            self.silent = 0.0
            return False
        self.silent += seconds
        return self.silent > self.patience or (self.silent >= LOOK_SECONDS and watch.is_stopped(self.process.pid))

    def _frames(self) -> list[tuple[int, bytes]]:
        frames = []
        while len(self.incoming) >= REPLY.size:
            number, length = REPLY.unpack_from(self.incoming)
            end = REPLY.size + length
            if len(self.incoming) < end:
                break
            frames.append((number, bytes(self.incoming[REPLY.size : end])))
            del self.incoming[:end]
        return frames

    def stop(self) -> None:
        """Hang up and kill. The kernel kills the children with their process 1."""
        self.socket.close()
        self.process.kill()
        self.process.wait()
        for _, fds in self.outgoing:
            for fd in fds:
                os.close(fd)
        self.outgoing.clear()


def _started(command: list[str], control: int) -> subprocess.Popen[bytes]:
    """A process that keeps one descriptor. No Ctrl-C reaches it: that is for this process, which ends it."""
    start = _starters.setdefault(os.getpid(), ThreadPoolExecutor(1, "zygotes")).submit(
        subprocess.Popen, command, env={"PYTHONHASHSEED": "0"}, close_fds=True, pass_fds=[control],
        stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    return start.result()


def _behind(text: dict[str, Any]) -> int:
    """A descriptor of memory that holds a text."""
    fd = os.memfd_create("program", os.MFD_CLOEXEC)
    view = memoryview(json.dumps(text).encode())
    while view:
        view = view[os.write(fd, view) :]
    return fd


def _compiled() -> list[str]:
    """Options by which a zygote keeps compiled modules where this process does, if it does: an import is several times faster.

    It writes them before it is confined, and runs no program until then.
    """
    where = ["-X", f"pycache_prefix={sys.pycache_prefix}"] if sys.pycache_prefix else []
    return [*(["-B"] if sys.dont_write_bytecode else []), *where]


def _require_files() -> None:
    import resource  # which Windows lacks: the sentence about that comes first

    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if 0 <= files < FEWEST_FILES:
        raise SandboxUnavailableError(
            f"sandbox: this user may open {files} files, and running programs needs {FEWEST_FILES}; `ulimit -n {FEWEST_FILES}` "
            "in this shell allows that, or whoever set the limit can."
        )


def _why(said: str) -> str:
    """The last line of what a zygote said before it died."""
    lines = said.splitlines()
    return lines[-1][-300:].rstrip(".") if lines else "no message; it may have been killed, as where memory ran out"


def result_of(program: Program, text: bytes, stdout_chars: int) -> Result:
    """What a zygote said of a program, then what its child answered, if that is an answer."""
    head, _, answer = text.partition(b"\n")
    outcome = json.loads(head)
    seconds, status = float(outcome["seconds"]), str(outcome["status"])
    if status != "answered":
        return Result(program.name, Status(status), str(outcome["type"]), seconds=seconds)
    try:
        found = json.loads(answer)
        own = Status(found["status"])
        if own not in OF_CHILD or (own is Status.REFUSED and program.tests is None):
            raise ValueError
        line = found.get("line")
        plain = {key: _plain(str(found.get(key, ""))) for key in ("type", "value", "stdout")}
        plain["stdout"] = plain["stdout"][-stdout_chars:]
        return Result(program.name, own, **plain, line=line if type(line) is int else None, seconds=seconds)
    except (ValueError, TypeError, KeyError, RecursionError, AttributeError):
        return Result(program.name, Status.CRASHED, "exit 0", seconds=seconds)


def _plain(text: str) -> str:
    """A text that every encoder takes: lone surrogates become escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
