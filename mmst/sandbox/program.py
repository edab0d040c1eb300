"""What happens in a child: one program runs, in a module of its own, and its value becomes text.

Standard library only; the zygote imports this with nothing else of the package on its path.
"""

from __future__ import annotations

import builtins
import io
import json
import random
import sys
import types
from typing import Any

INFINITY = float("inf")
DEEPEST = 4
"""Levels of nested lists and dicts that are written out."""
MOST_DIGITS = 100_000
"""Of a whole number that is written out; Python's own limit is 4,300."""
CUT = "[...]"
"""Before output whose head was dropped."""
VARIADIC = 0x04 | 0x08
"""The flags of a function's code that takes `*args` or `**kwargs`."""


class TailText(io.TextIOBase):
    """Standard output that keeps its last `cap` characters: a program's answer is what it prints last."""

    def __init__(self, cap: int) -> None:
        self.cap = cap
        self.parts: list[str] = []
        self.length = self.dropped = 0

    def writable(self) -> bool:
        """See `io.IOBase.writable`."""
        return True

    def write(self, text: str) -> int:
        """See `io.TextIOBase.write`."""
        if not isinstance(text, str):
            raise TypeError("write() argument must be str")
        self.parts.append(text[-self.cap :])
        self.length += len(self.parts[-1])
        self.dropped += len(text) - len(self.parts[-1])
        if self.length > 2 * self.cap or len(self.parts) > 4096:
            self._shorten()
        return len(text)

    def _shorten(self) -> None:
        whole = "".join(self.parts)
        self.parts = [whole[-self.cap :]]
        self.dropped += len(whole) - len(self.parts[0])
        self.length = len(self.parts[0])

    def text(self) -> str:
        """What was kept; where the head is missing, from the first whole line on, or marked as cut."""
        self._shorten()
        kept = self.parts[0]
        if not self.dropped:
            return kept
        _, end, rest = kept.partition("\n")
        return rest if end and rest.strip() else CUT + kept[len(CUT) :]


def canonical(value: Any, depth: int = 0) -> str:
    """A value as text: plain types and nested containers of them; anything else by its own `str`."""
    kind = type(value)
    if kind is float and depth and value in (INFINITY, -INFINITY):
        return "1e999" if value > 0 else "-1e999"  # literals, which `inf` is not
    if value is None or kind in (bool, int, float) or (kind is str and depth):
        return repr(value)
    if kind in (set, frozenset) and not value:
        return "set()"
    if kind in (list, tuple, set, frozenset) and depth < DEEPEST:
        items = [canonical(x, depth + 1) for x in (value if kind in (list, tuple) else sorted(value, key=repr))]
        left, right = "[]" if kind is list else "()" if kind is tuple else "{}"
        return left + ", ".join(items) + ("," if kind is tuple and len(items) == 1 else "") + right
    if kind is dict and depth < DEEPEST:
        return "{" + ", ".join(f"{canonical(k, depth + 1)}: {canonical(v, depth + 1)}" for k, v in value.items()) + "}"
    return str(value)


def plain(value: Any) -> Any:
    """A number of numpy's as Python's, and one of sympy's that stands as an expression (`sqrt(2)`) as a decimal."""
    kind = type(value)
    origin = kind.__module__.partition(".")[0]
    if origin in ("numpy", "pandas") and getattr(value, "size", 0) == 1 and hasattr(value, "item"):
        return value.item()
    if origin == "sympy" and getattr(value, "is_number", False) and not getattr(value, "is_Rational", False):
        return value.evalf()
    return value


class NoSolution(Exception):
    """The program defines neither `solution()` nor `answer`."""


def prepared(name: str, code: str, stdout_cap: int) -> tuple[dict[str, Any], TailText]:
    """The module that a program is to be, with nothing of the zygote's in reach by name, and where its output goes.

    Everything that could give one program two results is fixed: the seeds of `random` and numpy (hashes are
    the zygote's).
    """
    output = TailText(stdout_cap)
    sys.stdout, sys.stderr, sys.stdin = output, TailText(stdout_cap), io.StringIO("")
    sys.argv = ["program.py"]
    sys.set_int_max_str_digits(MOST_DIGITS)
    module = types.ModuleType(name)
    sys.modules["__main__"] = sys.modules[name] = module
    module.__dict__["__builtins__"] = builtins
    random.seed(0)
    if "numpy.random" in sys.modules:
        sys.modules["numpy.random"].seed(0)
    if "async" in code:
        _loops_without_sockets()
    return module.__dict__, output


def _loops_without_sockets() -> None:
    """Give asyncio a loop that is woken by a pipe: its own needs a pair of sockets, which no program may have."""
    import asyncio
    import os
    import selectors

    class Loop(asyncio.SelectorEventLoop):
        def __init__(self) -> None:
            super().__init__(selectors.PollSelector())

        def _make_self_pipe(self) -> None:
            self._ends = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
            self._internal_fds = 1
            self._add_reader(self._ends[0], os.read, self._ends[0], 4096)  # type: ignore[attr-defined]

        def _close_self_pipe(self) -> None:
            self._remove_reader(self._ends[0])  # type: ignore[attr-defined]
            for end in self._ends:
                os.close(end)

        def _write_to_self(self) -> None:
            try:
                os.write(self._ends[1], b"\0")
            except OSError:
                return

    class Policy(asyncio.DefaultEventLoopPolicy):
        def new_event_loop(self) -> asyncio.AbstractEventLoop:
            return Loop()

    asyncio.set_event_loop_policy(Policy())


def run_program(request: dict[str, Any], stdout_cap: int, value_bytes: int) -> dict[str, Any]:
    """Execute one program in this process, and call it. What it raises becomes an error.

    `exit()` is an end like any other: what was set or printed before it counts.
    """
    memory_error, base_error, kind, called, text_of = MemoryError, BaseException, type, _called, canonical
    space, output = prepared("__main__", request["code"], stdout_cap)
    if request.get("given"):
        space["GIVEN"] = request["given"]
    try:
        left = None
        try:
            exec(compile(request["code"], "<program>", "exec", dont_inherit=True), space)
        except SystemExit as error:
            left = error
        _wait_for_threads()
        value = called(space, request.get("entry"), left)
        text = text_of(value)
        result: dict[str, Any] = {"status": "ok", "type": kind(value).__name__, "value": text}
        if len(text.encode("utf-8", "backslashreplace")) > value_bytes:
            result = {"status": "error", "type": "ResultTooLarge"}
    except memory_error:
        result = {"status": "memory", "type": "MemoryError"}
    except base_error as error:
        result = {"status": "error", "type": _type_of(error), "line": line_of(error)}
    result["stdout"] = output.text()
    return result


def _type_of(error: BaseException) -> str:
    """The exception's name; that of a module that is missing says which."""
    name = type(error).__name__
    if isinstance(error, ModuleNotFoundError) and isinstance(error.name, str):
        return f"{name}: {error.name.partition('.')[0][:40]}"
    return name


def _called(space: dict[str, Any], entry: str | None, left: BaseException | None) -> Any:
    if entry is not None:
        return eval(compile(entry, "<entry>", "eval", dont_inherit=True), space)
    solution: Any = space.get("solution")
    value: Any = None
    asked = callable(solution) and _takes_nothing(solution)
    if asked:
        try:
            value = plain(_finished(solution()))
        except SystemExit as error:
            asked, left = False, error
    if value is None and "answer" in space:
        return plain(_finished(space["answer"]))
    if asked:
        return value
    raise left or NoSolution


def _takes_nothing(function: Any) -> bool:
    code = getattr(function, "__code__", None)
    if code is None:
        return True
    defaults, keywords = function.__defaults__ or (), function.__kwdefaults__ or {}
    return not (code.co_flags & VARIADIC or code.co_argcount > len(defaults) or code.co_kwonlyargcount > len(keywords))


def _finished(value: Any) -> Any:
    """The value of a coroutine; any other value is its own."""
    if type(value) is types.CoroutineType:
        import asyncio

        return asyncio.run(value)
    return value


def _wait_for_threads() -> None:
    """As Python does at its end: threads that are no daemons are waited for."""
    threading = sys.modules.get("threading")
    if threading is not None:
        for thread in threading.enumerate():
            if thread is not threading.current_thread() and not thread.daemon:
                thread.join()


def line_of(error: BaseException) -> int | None:
    """The line of the program at which an exception was raised."""
    if isinstance(error, SyntaxError):
        return error.lineno if isinstance(error.lineno, int) else None
    line, trace = None, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<program>":
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def answer(run: Any, fd: int) -> None:
    """Write what `run` returns to a pipe, as JSON, and leave."""
    import os

    dumps, write, leave, base_error = json.dumps, os.write, os._exit, BaseException
    try:
        text = dumps(run(), ensure_ascii=False)
    except base_error as error:
        text = dumps({"status": "error", "type": type(error).__name__})
    view = memoryview(text.encode("utf-8", "backslashreplace"))
    while view:
        view = view[write(fd, view) :]
    leave(0)
