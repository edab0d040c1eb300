"""The process that runs programs: it confines itself once, then forks one locked-down child for each program.

Run by the host as `python -I -S -B zygote.py SETTINGS FD` with an empty environment; standard library only, none of its
own names in reach of a program. Programs come over the socket FD, one at a time, in frames: a length (4 bytes), then JSON.

What a child has: no environment, no network, no writable file, no other process, a fixed amount of memory and CPU time, and
one pipe for one bounded answer. What it has not is kept from it twice where the kernel allows, by landlock or namespaces and
by seccomp. Not covered: side channels such as timing, and what the CPU itself leaks.
"""

from __future__ import annotations

import builtins
import gc
import io
import json
import os
import resource
import select
import signal
import socket
import struct
import sys
import time
from typing import Any

RESULT_FD = 3
GRACE = 0.05
"""Seconds that a program which closed its pipe has to leave."""
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
    if value is None or kind in (bool, int, float) or (kind is str and depth):
        return repr(value)
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
    dumps, write, leave, base_error = json.dumps, os.write, os._exit, BaseException
    os.setsid()
    os.dup2(pipe, RESULT_FD)
    os.closerange(RESULT_FD + 1, 1024)
    cpu = int(settings["cpu_seconds"]) + 2
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu))
    resource.setrlimit(resource.RLIMIT_AS, (settings["memory_bytes"],) * 2)
    if seccomp is not None:
        seccomp.install()
    gc.set_threshold(50_000, 20, 1000)
    gc.enable()
    try:
        answer = dumps(run_program(request, settings["stdout_chars"])).encode("ascii", "backslashreplace")
        if len(answer) > settings["result_bytes"]:
            answer = b'{"status": "error", "type": "ResultTooLarge"}'
    except base_error as error:
        answer = dumps({"status": "error", "type": type(error).__name__}).encode("ascii", "backslashreplace")
    view = memoryview(answer)
    while view:
        view = view[write(RESULT_FD, view) :]
    leave(0)


def supervise(pid: int, pipe: int, settings: dict[str, Any], cpu_seconds: Any) -> dict[str, Any]:
    """Wait for a child within its CPU time and its wall-clock time; returns its result."""
    limit, started = settings["cpu_seconds"], time.monotonic()
    wall = started + settings["wall_factor"] * limit
    most = settings["result_bytes"]
    data, verdict, watch = b"", None, select.poll()
    watch.register(pipe, select.POLLIN)
    wait = limit
    while verdict is None:
        ready = watch.poll(max(1.0, wait * 1000))
        if ready:
            block = os.read(pipe, 1 << 16)
            data += block
            if not block:
                verdict = "closed"
            elif len(data) > most:
                verdict = "crashed"
            continue
        used = cpu_seconds(pid)
        now = time.monotonic()
        if used >= limit or now >= wall:
            verdict = "timeout"
        wait = min(max(limit - used, 0.005), wall - now)
    return _collect(pid, verdict, data, cpu_seconds)


def _collect(pid: int, verdict: str, data: bytes, cpu_seconds: Any) -> dict[str, Any]:
    if verdict == "closed":
        deadline = time.monotonic() + GRACE
        while _running(pid) and time.monotonic() < deadline:
            time.sleep(0.0002)
        verdict = "crashed" if _running(pid) else "left"
    os.kill(pid, signal.SIGKILL)
    _, status, usage = os.wait4(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    result: dict[str, Any] = {"status": verdict}
    if verdict == "left":
        result = _parsed(data) if code == 0 else {"status": "timeout"} if code == -signal.SIGXCPU else {"status": "crashed"}
        if result["status"] == "crashed":
            result["type"] = f"signal {-code}" if code < 0 else f"exit {code}"
    result["seconds"] = round(usage.ru_utime + usage.ru_stime, 4)
    return result


def _parsed(data: bytes) -> dict[str, Any]:
    try:
        result = json.loads(data)
        if result["status"] not in ("ok", "error", "memory"):
            raise ValueError
        plain = {key: str(result.get(key, "")) for key in ("status", "type", "value", "stdout")}
        line = result.get("line")
        return {**plain, "line": line if type(line) is int else None}
    except (ValueError, TypeError, KeyError, RecursionError, AttributeError):
        return {"status": "crashed"}


def _running(pid: int) -> bool:
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None


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


def confine(settings: dict[str, Any], kernel: Any) -> dict[str, Any]:
    """Everything that is done once: devices, namespaces, preloaded modules, limits, privileges, files."""
    null = os.open("/dev/null", os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    os.environ.clear()
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    done = {"namespaces": settings["confine"] and kernel.enter_namespaces()}
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


def main() -> None:
    """Confine, say so, and serve until the host hangs up."""
    settings, control = json.loads(sys.argv[1]), socket.socket(fileno=int(sys.argv[2]))
    sys.path.insert(0, settings["home"])
    import kernel  # type: ignore[import-not-found]

    sys.path.remove(settings["home"])
    sys.modules.pop("kernel")
    arch = kernel.architecture()
    seccomp = kernel.SeccompFilter(arch) if settings["confine"] and settings["seccomp"] and arch else None
    send_ready = confine(settings, kernel)
    gc.collect()
    gc.freeze()
    gc.disable()
    send(control, {"ready": send_ready, "pid": os.getpid()})
    while (request := receive(control)) is not None:
        reader, writer = os.pipe2(os.O_CLOEXEC)
        pid = os.fork()
        if pid == 0:
            try:
                child(request, writer, settings, seccomp)
            finally:
                os._exit(70)
        os.close(writer)
        result = supervise(pid, reader, settings, kernel.cpu_seconds)
        os.close(reader)
        send(control, {"id": request["id"], **result})


if __name__ == "__main__":
    main()
