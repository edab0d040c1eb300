"""The host's side: zygotes over the cores, programs out, results in order.

The host never forks: a zygote is a fresh interpreter with an empty environment, so no thread, lock, GPU context or secret
of the host's is inherited. A zygote that dies is restarted and its programs are tried once more, one at a time, so that only
the one at fault is lost.
"""

from __future__ import annotations

import json
import logging
import os
import selectors
import socket
import struct
import subprocess
import sys
import sysconfig
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

from mmst.errors import ConfigError, SandboxUnavailableError
from mmst.ledger.progress import Progress, Silent
from mmst.sandbox import probe
from mmst.sandbox.result import Program, Result, Status

log = logging.getLogger(__name__)

WINDOW = 4
"""Programs sent to a zygote ahead of its answers."""
MODULES = ("sympy", "math_verify", "latex2sympy2_extended", "antlr4")
"""What programs may import beyond the standard library, where it is installed: the last three are math-verify's."""
START_SECONDS = 60
LEAST_MEMORY = 1 << 27
LARGEST_PROGRAM = 1 << 16
"""Characters; a longer program is refused."""
SYMPY_WARM_UP = (
    "import sympy as s; x, y = s.symbols('x y'); s.solve([x + y - 3, x - y - 1], [x, y]); s.solve(x**2 - 2, x); "
    "s.simplify(x**2 / x); s.factor(x**2 - 1); s.Rational(1, 3); s.Eq(x, 1); s.N(s.sqrt(2))"
)
LIBRARY_FOLDERS = ("/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib/aarch64-linux-gnu", "/usr/lib/aarch64-linux-gnu",
                   "/lib64", "/usr/lib64", "/etc/ld.so.cache", "/dev/null", "/dev/urandom", "/usr/share/zoneinfo")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Limits:
    """What one program may use."""

    cpu_seconds: float = 2.0
    wall_factor: float = 4.0
    """Wall-clock seconds per CPU second, for programs that sleep."""
    memory_bytes: int = 1 << 30
    stdout_chars: int = 10_000
    result_bytes: int = 1 << 16

    def __post_init__(self) -> None:
        for key in ("cpu_seconds", "wall_factor", "memory_bytes", "stdout_chars", "result_bytes"):
            if not 0 < getattr(self, key) < float("inf"):
                raise ConfigError(f"sandbox.limits.{key}={getattr(self, key)} must be above 0, and finite.")
        if self.memory_bytes < LEAST_MEMORY:
            raise ConfigError(f"sandbox.limits.memory_bytes={self.memory_bytes} is less than Python needs ({LEAST_MEMORY}).")


class _Zygote:
    """One running zygote and what it has in hand."""

    def __init__(self, settings: dict[str, Any]) -> None:
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-I", "-S", "-B", str(Path(__file__).with_name("zygote.py")), json.dumps(settings)]
        self.process = subprocess.Popen(
            [*command, str(theirs.fileno())], env={}, close_fds=True, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )  # fmt: skip
        theirs.close()
        self.socket = ours
        self.incoming = bytearray()
        self.outgoing = bytearray()
        self.in_hand: deque[int] = deque()
        self.ready = self._await_ready()
        ours.setblocking(False)

    def _await_ready(self) -> dict[str, Any]:
        self.socket.settimeout(START_SECONDS)
        try:
            while not (frames := self._frames()):
                block = self.socket.recv(1 << 16)
                if not block:
                    break
                self.incoming += block
        except TimeoutError:
            frames = []
        if not frames:
            self.stop()
            said = self.process.stderr.read().decode(errors="replace").strip() if self.process.stderr else ""
            raise SandboxUnavailableError(
                f"sandbox: the process that runs programs did not start: {said[-300:] or 'no message'}"
            )
        return dict(frames[0]["ready"])

    def send(self, number: int, program: Program) -> None:
        """Queue one program."""
        if program.tests is None:
            self._frame({"id": number, "code": program.code, "entry": program.entry})
        else:
            self._frame({"id": number, "code": program.code, "entry_point": program.entry_point})
            self._frame({"tests": program.tests})
        self.in_hand.append(number)

    def _frame(self, message: dict[str, Any]) -> None:
        body = json.dumps(message).encode()
        self.outgoing += struct.pack("I", len(body)) + body

    def flush(self) -> None:
        """Write what the socket takes."""
        while self.outgoing:
            try:
                del self.outgoing[: self.socket.send(self.outgoing)]
            except BlockingIOError:
                return

    def receive(self) -> list[dict[str, Any]] | None:
        """The results that have come; None when the zygote is gone."""
        try:
            block = self.socket.recv(1 << 20)
        except BlockingIOError:
            return []
        except OSError:
            return None
        if not block:
            return None
        self.incoming += block
        return self._frames()

    def _frames(self) -> list[dict[str, Any]]:
        frames = []
        while len(self.incoming) >= 4:
            end = 4 + struct.unpack_from("I", self.incoming)[0]
            if len(self.incoming) < end:
                break
            frames.append(json.loads(self.incoming[4:end]))
            del self.incoming[:end]
        return frames

    def stop(self) -> None:
        """Hang up and kill. The kernel kills the children with their process 1."""
        self.socket.close()
        self.process.kill()
        self.process.wait()


class _Slot:
    """A place for a zygote of one kind; it starts at its first program, and again after a death."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = settings
        self.zygote: _Zygote | None = None

    def started(self) -> _Zygote:
        if self.zygote is None:
            self.zygote = _Zygote(self.settings)
        return self.zygote

    def stop(self) -> None:
        if self.zygote is not None:
            self.zygote.stop()
            self.zygote = None


class SandboxPool:
    """Runs programs in confined children of zygotes; see `zygote.py` for what confines them.

    Args:
        workers: how many programs run at a time; 0 for one a core.
        limits: what one program may use.
        modules: packages beyond the standard library that programs may import. Programs that name one go to a zygote that
            has them loaded.
        accept_missing: kernel features (`seccomp`, `landlock`) whose absence the user accepts.
        confine: False runs programs without any isolation, for measuring its cost.

    Raises:
        SandboxUnavailableError: the machine lacks a feature that isolation needs, and it was not accepted.
    """

    version: ClassVar[int] = 1
    """Raised with every change of what a program gives."""

    def __init__(
        self,
        workers: int = 0,
        limits: Limits | None = None,
        modules: Sequence[str] = MODULES,
        accept_missing: Iterable[str] = (),
        confine: bool = True,
        progress: Progress | None = None,
    ) -> None:
        self.progress: Progress = progress or Silent()
        unknown = set(accept_missing) - set(probe.REQUIRED)
        if unknown:
            raise ConfigError(f"sandbox.accept_missing: '{min(unknown)}' is none of {', '.join(probe.REQUIRED)}.")
        features = probe.features()
        probe.require(features, set(accept_missing))
        installed = tuple(name for name in modules if find_spec(name))
        settings = _settings(limits or Limits(), confine, features)
        loaded = {
            **settings,
            "preload": list(installed),
            "warm_up": SYMPY_WARM_UP if "sympy" in installed else "",
            **_module_places(installed, settings["readable"]),
        }
        self.modules = installed
        self.limits = limits or Limits()
        if workers < 0:
            raise ConfigError(f"sandbox.workers={workers} must be 0 (one a core) or above.")
        count = workers or len(os.sched_getaffinity(0))
        self._plain = [_Slot(settings) for _ in range(count)]
        self._loaded = [_Slot(loaded) for _ in range(count if installed else 0)]

    @property
    def settings(self) -> dict[str, Any]:
        """See `Executor.settings`."""
        return {"limits": asdict(self.limits), "modules": list(self.modules)}

    def execute(self, programs: Sequence[Program]) -> list[Result]:
        """See `Executor.execute`."""
        results: dict[int, Result] = {}
        waiting: dict[bool, deque[int]] = {False: deque(), True: deque()}
        for number, program in enumerate(programs):
            if len(program.code) > LARGEST_PROGRAM:
                results[number] = Result(program.name, Status.ERROR, "ProgramTooLarge")
                continue
            waiting[bool(self._loaded) and any(name in program.code for name in self.modules)].append(number)
        batch = _Batch(programs, results)
        for slots, numbers in ((self._plain, waiting[False]), (self._loaded, waiting[True])):
            batch.run(slots, numbers)
        return [results[number] for number in range(len(programs))]

    def close(self) -> None:
        """See `Executor.close`."""
        for slot in [*self._plain, *self._loaded]:
            slot.stop()

    def __enter__(self) -> SandboxPool:
        """The pool itself; it is closed when the block ends."""
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


class _Batch:
    """One call of `execute`: which program is where, and what came back."""

    def __init__(self, programs: Sequence[Program], results: dict[int, Result]) -> None:
        self.programs = programs
        self.results = results
        self.suspects: deque[int] = deque()
        self.lost_once: set[int] = set()

    def run(self, slots: Sequence[_Slot], numbers: deque[int]) -> None:
        """Run all of `numbers` over the slots; those that were in a zygote's hand when it died come again, alone."""
        if numbers:
            self._drain(slots, numbers, WINDOW)
        while self.suspects:
            self._drain(slots[:1], deque([self.suspects.popleft()]), 1)

    def _drain(self, slots: Sequence[_Slot], numbers: deque[int], window: int) -> None:
        with selectors.DefaultSelector() as selector:
            used = list(slots[: len(numbers)])
            window = min(window, -(-len(numbers) // len(used)))  # few programs: all workers get their share
            for slot in used:
                self._attach(slot, numbers, window, selector)
            while any(slot.zygote is not None and slot.zygote.in_hand for slot in used):
                for key, _ in selector.select(timeout=START_SECONDS):
                    self._serve(key.data, numbers, window, selector)

    def _attach(self, slot: _Slot, numbers: deque[int], window: int, selector: selectors.BaseSelector) -> None:
        zygote = slot.started()
        selector.register(zygote.socket, selectors.EVENT_READ, slot)
        self._feed(slot, numbers, window, selector)

    def _feed(self, slot: _Slot, numbers: deque[int], window: int, selector: selectors.BaseSelector) -> None:
        zygote = slot.started()
        while numbers and len(zygote.in_hand) < window:
            number = numbers.popleft()
            zygote.send(number, self.programs[number])
        try:
            zygote.flush()
        except OSError:
            return
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if zygote.outgoing else 0)
        selector.modify(zygote.socket, events, slot)

    def _serve(self, slot: _Slot, numbers: deque[int], window: int, selector: selectors.BaseSelector) -> None:
        zygote = slot.started()
        frames = zygote.receive()
        if frames is None:
            self._bury(slot, numbers, window, selector)
            return
        for frame in frames:
            number = frame["id"]
            zygote.in_hand.remove(number)
            self.results[number] = _result(self.programs[number], frame)
        self._feed(slot, numbers, window, selector)

    def _bury(self, slot: _Slot, numbers: deque[int], window: int, selector: selectors.BaseSelector) -> None:
        zygote = slot.started()
        selector.unregister(zygote.socket)
        in_hand = list(zygote.in_hand)
        slot.stop()
        log.warning("sandbox: a worker died with %d programs in hand; they are tried once more", len(in_hand))
        for number in in_hand:
            if number in self.lost_once:
                self.results[number] = Result(self.programs[number].name, Status.LOST)
            else:
                self.lost_once.add(number)
                self.suspects.append(number)
        if numbers:
            self._attach(slot, numbers, window, selector)


def _settings(limits: Limits, confine: bool, features: dict[str, str | None]) -> dict[str, Any]:
    return {
        "cpu_seconds": limits.cpu_seconds,
        "wall_factor": limits.wall_factor,
        "memory_bytes": limits.memory_bytes,
        "stdout_chars": limits.stdout_chars,
        "result_bytes": limits.result_bytes,
        "confine": confine,
        "seccomp": bool(features["seccomp"]),
        "landlock": bool(features["landlock"]),
        "namespaces": bool(features["namespaces"]),
        "home": str(Path(__file__).parent),
        "readable": _standard_library(),
        "module_path": [],
        "preload": [
            "math",
            "fractions",
            "decimal",
            "datetime",
            "itertools",
            "functools",
            "collections",
            "re",
            "random",
            "statistics",
        ],
        "warm_up": "",
    }


def _standard_library() -> list[str]:
    """The readable paths: the standard library without its site-packages, and the system's shared libraries."""
    folders = {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")}
    base = Path(sys.base_prefix) / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    names = [
        str(entry)
        for folder in {base, *map(Path, folders)}
        if folder.is_dir()
        for entry in folder.iterdir()
        if entry.name not in ("site-packages", "dist-packages")
    ]
    return sorted(names) + list(LIBRARY_FOLDERS)


def _module_places(modules: Sequence[str], readable: list[str]) -> dict[str, list[str]]:
    needed = [*modules, *(["mpmath"] if "sympy" in modules else [])]
    places = [
        Path(spec.submodule_search_locations[0])
        for name in needed
        if (spec := find_spec(name)) and spec.submodule_search_locations
    ]
    return {"module_path": sorted({str(place.parent) for place in places}), "readable": [*readable, *map(str, places)]}


def _result(program: Program, frame: dict[str, Any]) -> Result:
    return Result(
        name=program.name,
        status=Status(frame["status"]),
        type=_plain(frame.get("type", "")),
        value=_plain(frame.get("value", "")),
        stdout=_plain(frame.get("stdout", "")),
        line=frame.get("line"),
        seconds=frame.get("seconds", 0.0),
    )


def _plain(text: str) -> str:
    """A text that every encoder takes: lone surrogates become escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
