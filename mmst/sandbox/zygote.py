"""The process that runs programs: it confines itself once, then forks one locked-down child for each program.

Run by the host as `python -I -S -B zygote.py SETTINGS FD` with an empty environment; standard library only, none of its
own names in reach of a program. Programs come over the socket FD, one at a time, in frames: a length (4 bytes), then JSON.

What a child has: no environment, no network, no writable file, no other process, a fixed amount of memory and CPU time, and
one pipe for one bounded answer. What it has not is kept from it twice where the kernel allows, by landlock or namespaces and
by seccomp. Not covered: side channels such as timing, and what the CPU itself leaks.
"""

from __future__ import annotations

import ast
import builtins
import fcntl
import gc
import io
import json
import os
import resource
import socket
import struct
import sys
from typing import Any

RESULT_FD = 3
INFINITY = float("inf")
DEEPEST = 4
"""Levels of nested lists and dicts that are written out."""


class CappedText(io.TextIOBase):
    """Standard output that keeps its first `cap` characters."""

    def __init__(self, cap: int) -> None:
        self.cap = cap
        self.parts: list[str] = []
        self.length = 0

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError("write() argument must be str")
        if self.length < self.cap:
            self.parts.append(text[: self.cap - self.length])
        self.length += len(text)
        return len(text)


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


def run_program(request: dict[str, Any], stdout_cap: int) -> dict[str, Any]:
    """Execute one program in this process, and call it. What it raises becomes an error."""
    memory_error, base_error, kind = MemoryError, BaseException, type
    output = CappedText(stdout_cap)
    sys.stdout = sys.stderr = output
    sys.stdin = None
    space: dict[str, Any] = {"__name__": "__main__", "__builtins__": builtins}
    try:
        exec(compile(request["code"], "<program>", "exec"), space)
        value = _called(space, request.get("entry"))
        result: dict[str, Any] = {"status": "ok", "type": kind(value).__name__, "value": canonical(value)}
    except memory_error:
        result = {"status": "memory", "type": "MemoryError"}
    except base_error as error:
        result = {"status": "error", "type": kind(error).__name__, "line": _line(error)}
    result["stdout"] = "".join(output.parts)
    return result


def _called(space: dict[str, Any], entry: str | None) -> Any:
    if entry is not None:
        return eval(compile(entry, "<entry>", "eval"), space)
    if callable(space.get("solution")):
        return space["solution"]()
    if "answer" in space:
        return space["answer"]
    raise NoSolution


class NoSolution(Exception):
    """The program defines neither `solution()` nor `answer`."""


def _line(error: BaseException) -> int | None:
    if isinstance(error, SyntaxError):
        return error.lineno if isinstance(error.lineno, int) else None
    line, trace = None, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<program>":
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def child(request: dict[str, Any], pipe: int, settings: dict[str, Any], seccomp: Any) -> None:
    """Confine this fork for good, run the program, and leave with one bounded answer on the pipe."""
    confine_child((pipe,), settings, seccomp)
    _answer(lambda: run_program(request, settings["stdout_chars"]), settings["result_bytes"])


def judge_child(
    request: dict[str, Any], control: socket.socket, pipes: tuple[int, int, int], settings: dict[str, Any], seccomp: Any
) -> None:
    """Run unit tests on a program that is in another process: each call of its entry point goes there and back as text.

    The tests are read off the socket here and nowhere else: neither the zygote nor, hence, any program that is ever forked
    from it has them in its memory. All that a program can do is give its own values.
    """
    frame = receive(control)
    tests = frame["tests"] if frame else ""
    confine_child(pipes, settings, seccomp)
    calls, answers = RESULT_FD + 1, RESULT_FD + 2
    made = []

    def entry_point(*args: Any, **kwargs: Any) -> Any:
        made.append(1)
        _send_line(calls, repr((args, kwargs)), settings["result_bytes"])
        reply = _read_line(answers, settings["result_bytes"])
        kind, _, text = reply.partition(" ")
        if kind != "value":
            raise _raised(text)
        return ast.literal_eval(text)

    space = {"__name__": "__main__", request["entry_point"]: entry_point, "candidate": entry_point}

    def run() -> dict[str, Any]:
        result = run_tests(tests, space, settings["stdout_chars"])
        return result if made or result["status"] != "ok" else {"status": "error", "type": "NothingTested"}

    _answer(run, settings["result_bytes"])


def _raised(name: str) -> BaseException:
    """What a program raised, as tests that expect an exception know it."""
    kind = getattr(builtins, name, None)
    return kind() if isinstance(kind, type) and issubclass(kind, Exception) else ProgramFailed(name)


def served_child(request: dict[str, Any], pipes: tuple[int, int], settings: dict[str, Any], seccomp: Any) -> None:
    """Run a program, then answer calls of its entry point until the judge hangs up."""
    confine_child(pipes, settings, seccomp)
    calls, answers, most = RESULT_FD + 1, RESULT_FD, settings["result_bytes"]
    evaluate, literal, base_error, send_line, read_line = canonical, ast.literal_eval, BaseException, _send_line, _read_line
    sys.stdout = sys.stderr = CappedText(settings["stdout_chars"])
    sys.stdin = None
    space: dict[str, Any] = {"__name__": "__main__", "__builtins__": builtins}
    failure = ""
    try:
        exec(compile(request["code"], "<program>", "exec"), space)
    except base_error as error:
        failure = type(error).__name__
    while call := read_line(calls, most):
        try:
            args, kwargs = literal(call)
            reply = f"error {failure}" if failure else f"value {evaluate(space[request['entry_point']](*args, **kwargs), 1)}"
        except base_error as error:
            reply = f"error {type(error).__name__}"
        send_line(answers, reply, most)


def run_tests(tests: str, space: dict[str, Any], stdout_cap: int) -> dict[str, Any]:
    """Execute the tests; where they define `check`, as HumanEval's do, call it with the entry point."""
    sys.stdout = sys.stderr = CappedText(stdout_cap)
    try:
        exec(compile(tests, "<tests>", "exec"), space)
        if callable(space.get("check")):
            space["check"](space["candidate"])
    except ProgramFailed as error:
        return {"status": "error", "type": str(error) or "ProgramFailed"}
    except BaseException as error:
        return {"status": "error", "type": type(error).__name__, "line": _line(error)}
    return {"status": "ok", "type": "tests", "value": "passed"}


class ProgramFailed(Exception):
    """The program under test raised, died, or gave a value that is no literal."""


def confine_child(pipes: tuple[int, ...], settings: dict[str, Any], seccomp: Any) -> None:
    """Take the last rights from a fork: it keeps `pipes`, as the descriptors from RESULT_FD on, and no other."""
    os.setsid()
    high = [fcntl.fcntl(pipe, fcntl.F_DUPFD, 64) for pipe in pipes]
    for number, fd in enumerate(high):
        os.dup2(fd, RESULT_FD + number)
    os.closerange(RESULT_FD + len(pipes), 1024)
    cpu = int(settings["cpu_seconds"]) + 2
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu))
    resource.setrlimit(resource.RLIMIT_AS, (settings["memory_bytes"],) * 2)
    if seccomp is not None:
        seccomp.install()
    gc.set_threshold(50_000, 20, 1000)
    gc.enable()


def _answer(run: Any, most: int) -> None:
    dumps, write, leave, base_error = json.dumps, os.write, os._exit, BaseException
    try:
        answer = dumps(run()).encode("ascii", "backslashreplace")
        if len(answer) > most:
            answer = b'{"status": "error", "type": "ResultTooLarge"}'
    except base_error as error:
        answer = dumps({"status": "error", "type": type(error).__name__}).encode("ascii", "backslashreplace")
    view = memoryview(answer)
    while view:
        view = view[write(RESULT_FD, view) :]
    leave(0)


def _send_line(fd: int, text: str, most: int) -> None:
    data = text.encode("utf-8", "backslashreplace").replace(b"\n", b" ")
    if len(data) > most:
        data = b"error ResultTooLarge"
    view = memoryview(data + b"\n")
    while view:
        view = view[os.write(fd, view) :]


def _read_line(fd: int, most: int) -> str:
    """One line, without its end; empty at the end of the file, or where the line is longer than `most`."""
    data = b""
    while not data.endswith(b"\n"):
        block = os.read(fd, 1 << 16)
        data += block
        if not block or len(data) > most + 1:
            return ""
    return data[:-1].decode("utf-8", "replace")


def send(control: socket.socket, message: dict[str, Any]) -> None:
    """One frame to the host."""
    body = json.dumps(message).encode()
    control.sendall(struct.pack("I", len(body)) + body)


def receive(control: socket.socket) -> dict[str, Any] | None:
    """One frame from the host; None when it has hung up."""
    head = _exactly(control, 4)
    if head is None:
        return None
    body = _exactly(control, struct.unpack("I", head)[0])
    return None if body is None else json.loads(body)


def _exactly(control: socket.socket, count: int) -> bytes | None:
    data = b""
    while len(data) < count:
        block = control.recv(count - len(data))
        if not block:
            return None
        data += block
    return data


def watched(kernel: Any, watch: Any, namespaces: bool) -> tuple[socket.socket, bool]:
    """Start the process that sees how long programs are kept waiting: (how to ask it, whether namespaces were entered).

    Where there are namespaces it is the one that waits outside of them.
    """
    ours, theirs = socket.socketpair()
    if namespaces and kernel.enter_namespaces(lambda inner: watch.serve(theirs, inner), theirs.fileno()):
        theirs.close()
        return ours, True
    zygote = os.getpid()
    if os.fork() == 0:
        kernel.die_with_parent()
        os.closerange(3, theirs.fileno())
        os.closerange(theirs.fileno() + 1, 1024)
        watch.serve(theirs, zygote)
        os._exit(0)
    theirs.close()
    return ours, False


def confine(settings: dict[str, Any], kernel: Any) -> dict[str, Any]:
    """Everything that is done once: devices, preloaded modules, limits, privileges, files."""
    null = os.open("/dev/null", os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    os.environ.clear()
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    done: dict[str, Any] = {}
    kernel.die_with_parent()
    sys.path[:0] = settings["module_path"]
    for name in settings["preload"]:
        __import__(name)
    exec(settings["warm_up"], {})
    sys.path[:] = [path for path in sys.path if path not in settings["module_path"]]
    os.chdir("/")
    limits = (resource.RLIMIT_CORE, 0), (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_NOFILE, 256), (resource.RLIMIT_MEMLOCK, 0)
    for what, most in limits:
        resource.setrlimit(what, (most, most))
    if settings["confine"]:
        kernel.drop_privileges()
        if settings["landlock"]:
            done["landlock"] = kernel.restrict_files(settings["readable"])
    return done


class Zygote:
    """What stays the same from program to program."""

    def __init__(self, settings: dict[str, Any], seccomp: Any, limited: Any, supervise: Any) -> None:
        self.settings, self.seccomp, self.limited, self.supervise = settings, seccomp, limited, supervise

    def serve_program(self, request: dict[str, Any]) -> dict[str, Any]:
        """Run one program in a child."""
        reader, writer = os.pipe2(os.O_CLOEXEC)
        pid = _forked(lambda: child(request, writer, self.settings, self.seccomp))
        os.close(writer)
        return self._outcome((pid,), reader)

    def serve_tests(self, request: dict[str, Any], control: socket.socket) -> dict[str, Any]:
        """Run unit tests in one child on a program in another."""
        reader, writer = os.pipe2(os.O_CLOEXEC)
        calls_out, calls_in = os.pipe2(os.O_CLOEXEC)
        answers_out, answers_in = os.pipe2(os.O_CLOEXEC)
        pipes = writer, calls_in, answers_out
        program = _forked(lambda: served_child(request, (answers_in, calls_out), self.settings, self.seccomp))
        judge = _forked(lambda: judge_child(request, control, pipes, self.settings, self.seccomp))
        for fd in (writer, calls_out, calls_in, answers_out, answers_in):
            os.close(fd)
        return self._outcome((judge, program), reader)

    def _outcome(self, pids: tuple[int, ...], reader: int) -> dict[str, Any]:
        result: dict[str, Any] = self.supervise(self.limited(pids), reader, self.settings["result_bytes"])
        os.close(reader)
        return result


def main() -> None:
    """Confine, say so, and serve until the host hangs up."""
    settings, control = json.loads(sys.argv[1]), socket.socket(fileno=int(sys.argv[2]))
    sys.path.insert(0, settings["home"])
    import kernel  # type: ignore[import-not-found]
    import supervise  # type: ignore[import-not-found]
    import watch  # type: ignore[import-not-found]

    sys.path.remove(settings["home"])
    for name in ("kernel", "supervise", "watch"):
        sys.modules.pop(name)
    arch = kernel.architecture()
    seccomp = kernel.SeccompFilter(arch) if settings["confine"] and settings["seccomp"] and arch else None
    wire, namespaces = watched(kernel, watch, settings["confine"] and settings["namespaces"])
    send_ready = {"namespaces": namespaces, **confine(settings, kernel)}

    def limited(pids: tuple[int, ...]) -> Any:
        return supervise.Limited(pids, settings, kernel.cpu_seconds, lambda: watch.ask(wire))

    zygote = Zygote(settings, seccomp, limited, supervise.supervise)
    gc.collect()
    gc.freeze()
    gc.disable()
    send(control, {"ready": send_ready, "pid": os.getpid()})
    while (request := receive(control)) is not None:
        tested = "entry_point" in request  # the tests are the next frame, for the judge to read
        result = zygote.serve_tests(request, control) if tested else zygote.serve_program(request)
        send(control, {"id": request["id"], **result})


def _forked(run: Any) -> int:
    pid = os.fork()
    if pid == 0:
        try:
            run()
        finally:
            os._exit(70)
    return pid


if __name__ == "__main__":
    main()
