"""The host's side: zygotes over the cores, programs out, results in order.

The host never forks: a zygote is a fresh interpreter with an empty environment, so no thread, lock, GPU context or secret
of the host's is inherited. A zygote that dies is restarted and its programs are tried once more, one at a time, so that only
the one at fault is lost.
"""

from __future__ import annotations

import logging
import os
import selectors
import sys
import sysconfig
import threading
import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

from mmst.errors import ConfigError
from mmst.ledger.progress import Progress, Silent
from mmst.sandbox import host, probe
from mmst.sandbox.host import Zygote, result_of
from mmst.sandbox.result import Program, Result, Status

log = logging.getLogger(__name__)

WINDOW = 4
"""Programs sent to a zygote ahead of its answers."""
MODULES = ("sympy", "math_verify", "latex2sympy2_extended", "antlr4", "numpy", "scipy", "pandas")
"""What programs may import beyond the standard library, where it is installed: the three after sympy are math-verify's."""
NUMERIC = ("numpy", "scipy", "pandas")
"""Modules that are large: programs that name one go to zygotes of their own."""
BESIDE = {"sympy": ("mpmath",), "numpy": ("numpy.libs",), "scipy": ("scipy.libs",),
          "pandas": ("pandas.libs", "dateutil", "pytz", "tzdata", "six.py", "pyarrow")}  # fmt: skip
"""What a module needs, as it lies beside it."""
LOADED = {"scipy": ("scipy.optimize", "scipy.stats"), "numpy": ("numpy.random",)}
"""What is loaded with a module since programs use it."""
LEAST_MEMORY = 1 << 27
LARGEST_PROGRAM, LARGEST_GIVEN = 1 << 16, 1 << 26
"""Characters of a program, and of what it is given; what is longer is refused."""
SYMPY_WARM_UP = (
    "import sympy as s; x, y = s.symbols('x y'); s.solve([x + y - 3, x - y - 1], [x, y]); s.solve(x**2 - 2, x); "
    "s.simplify(x**2 / x); s.factor(x**2 - 1); s.Rational(1, 3); s.Eq(x, 1); s.N(s.sqrt(2))\n"
)
PANDAS_WARM_UP = "import pandas as p; p.DataFrame({'a': [1], 'b': ['x']}).groupby('b').sum(); p.Series(['x'])\n"
MATH_VERIFY_WARM_UP = (
    "from math_verify import parse, verify\n"
    "a, b = (parse(f'${t}$', parsing_timeout=None) for t in (r'\\\\frac{1}{2}', 'x^2+1'))\n"
    "verify(a, b, timeout_seconds=None)\n"
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


class _Slot:
    """A place for a zygote of one kind; it starts at its first program, and again after a death."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = settings
        self.zygote: Zygote | None = None

    def started(self) -> Zygote:
        if self.zygote is None:
            self.zygote = Zygote(self.settings)
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

    version: ClassVar[int] = 2
    """Raised with every change of what a program gives."""
    apart: ClassVar[bool] = True

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
        self.limits = limits or Limits()
        settings = _settings(self.limits, confine, features)
        if workers < 0:
            raise ConfigError(f"sandbox.workers={workers} must be 0 (one a core) or above.")
        count = workers or len(os.sched_getaffinity(0))
        self.modules = tuple(name for name in modules if find_spec(name))
        exact = tuple(name for name in self.modules if name not in NUMERIC)
        numeric = tuple(name for name in self.modules if name in NUMERIC)
        self._plain = [_Slot(settings) for _ in range(count)]
        self._loaded = [_Slot(_with_modules(settings, exact)) for _ in range(count if exact else 0)]
        self._numeric = [_Slot(_with_modules(settings, (*exact[:1], *numeric))) for _ in range(count if numeric else 0)]
        self._kinds = ((numeric, self._numeric), (exact, self._loaded))
        self._in_use = threading.Lock()
        self._told: set[str] = set()

    @property
    def settings(self) -> dict[str, Any]:
        """See `Executor.settings`."""
        return {"limits": asdict(self.limits), "modules": list(self.modules)}

    def execute(self, programs: Sequence[Program]) -> list[Result]:
        """See `Executor.execute`. One call at a time: a second thread waits for the first."""
        with self._in_use:
            return self._execute(programs)

    def _execute(self, programs: Sequence[Program]) -> list[Result]:
        results: dict[int, Result] = {}
        waiting: dict[int, tuple[list[_Slot], deque[int]]] = {}
        for number, program in enumerate(programs):
            if len(program.code) > LARGEST_PROGRAM or len(program.given) > LARGEST_GIVEN:
                results[number] = Result(program.name, Status.ERROR, "ProgramTooLarge")
                continue
            slots = self._slots(program)
            waiting.setdefault(id(slots), (slots, deque()))[1].append(number)
        batch = _Batch(programs, results, self.limits.stdout_chars)
        for slots, numbers in waiting.values():
            batch.run(slots, numbers)
        found = [results[number] for number in range(len(programs))]
        self.warn(found)
        return found

    def _slots(self, program: Program) -> list[_Slot]:
        """Where a program runs: by the modules that it or its tests name."""
        text = program.code + (program.tests or "")
        return next((slots for names, slots in self._kinds if any(name in text for name in names)), self._plain)

    def warn(self, results: Sequence[Result]) -> None:
        """Say how many programs were lost, and once of each known module that programs asked for it in vain."""
        lost = sum(result.status is Status.LOST for result in results)
        if lost:
            log.warning(
                "sandbox: %d of %d programs were lost twice (a machine too busy, or a worker that died)", lost, len(results)
            )
        missing = {result.type.partition(": ")[2] for result in results if result.type.startswith("ModuleNotFoundError: ")}
        for name in sorted(missing & set(MODULES) - self._told):
            self._told.add(name)
            log.warning(
                "sandbox: programs import %s, which they cannot: install it (pip install %s), and name it in sandbox.modules",
                name,
                name,
            )

    def close(self) -> None:
        """See `Executor.close`."""
        for slot in [*self._plain, *self._loaded, *self._numeric]:
            slot.stop()

    def __enter__(self) -> SandboxPool:
        """The pool itself; it is closed when the block ends."""
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


class _Batch:
    """One call of `execute`: which program is where, and what came back."""

    def __init__(self, programs: Sequence[Program], results: dict[int, Result], stdout_chars: int) -> None:
        self.programs = programs
        self.results = results
        self.stdout_chars = stdout_chars
        self.suspects: deque[int] = deque()
        """What was lost once: it runs again alone, when the others are done and the machine is calmer."""
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
                begun = time.monotonic()
                for key, _ in selector.select(timeout=host.LOOK_SECONDS):
                    self._serve(key.data, numbers, window, selector)
                seconds = min(time.monotonic() - begun, host.LOOK_SECONDS)  # a host that was kept waiting counts none of it
                for slot in used:
                    if slot.zygote is not None and slot.zygote.hangs(seconds):
                        self._bury(slot, numbers, window, selector)

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
        for number, text in frames:
            zygote.in_hand.remove(number)
            result = result_of(self.programs[number], text, self.stdout_chars)
            if result.status is Status.LOST and number not in self.lost_once:
                self._try_again(number)
            else:
                self.results[number] = result
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
                self._try_again(number)
        if numbers:
            self._attach(slot, numbers, window, selector)

    def _try_again(self, number: int) -> None:
        self.lost_once.add(number)
        self.suspects.append(number)


def _settings(limits: Limits, confine: bool, features: dict[str, str | None]) -> dict[str, Any]:
    return {
        "cpu_seconds": limits.cpu_seconds,
        "wall_factor": limits.wall_factor,
        "memory_bytes": limits.memory_bytes,
        "stdout_chars": limits.stdout_chars,
        "result_bytes": limits.result_bytes,
        "answer_bytes": 6 * (limits.result_bytes + limits.stdout_chars) + 1024,  # what JSON may make of them
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
    base = Path(sys.base_prefix) / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    names = [
        str(entry)
        for folder in {base, *(Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib"))}
        if folder.is_dir()
        for entry in folder.iterdir()
        if entry.name not in ("site-packages", "dist-packages")
    ]
    return sorted(names) + list(LIBRARY_FOLDERS)


def _with_modules(settings: dict[str, Any], modules: Sequence[str]) -> dict[str, Any]:
    """Settings of a zygote that has these modules loaded, and warmed where a first use is slow."""
    folders = {name: Path(place).parent for name in modules if (place := _place(name))}
    beside = [folders[name] / other for name in folders for other in (name, *BESIDE.get(name, ()))]
    warm_ups = {"sympy": SYMPY_WARM_UP, "math_verify": MATH_VERIFY_WARM_UP, "pandas": PANDAS_WARM_UP}
    return {
        **settings,
        "preload": [*settings["preload"], *modules, *(part for name in modules for part in LOADED.get(name, ()))],
        "warm_up": "".join(warm_ups.get(name, "") for name in modules),
        "module_path": sorted({str(folder) for folder in folders.values()}),
        "readable": [*settings["readable"], *(str(path) for path in beside if path.exists())],
    }


def _place(module: str) -> str | None:
    spec = find_spec(module)
    return spec.submodule_search_locations[0] if spec and spec.submodule_search_locations else None
