"""The process that programs are forked from: it confines itself once, then forks one locked-down child for each program.

Run by the host as `python -s -S zygote.py SETTINGS FD` with an environment that fixes the hashes and holds nothing else;
standard library only, none of its own names in reach of a program. Over the socket FD come, one at a time, a number, a kind and
descriptors; the texts are behind these, and only the children read them. What a child answers goes to the host through one
buffer that is emptied afterwards. So no program, test or answer is ever in a memory that another program is forked from.

What a child has: no environment, no network, no writable file, no other process, a fixed amount of memory and CPU time, and
one pipe for one bounded answer. What it has not is kept from it twice where the kernel allows, by landlock or namespaces and
by seccomp. Not covered: side channels such as timing, and what the CPU itself leaks.
"""

from __future__ import annotations

import fcntl
import gc
import json
import os
import resource
import socket
import sys
from typing import Any

RESULT_FD = 3
PARTS = ("frames", "kernel", "supervise", "watch", "program", "exchange", "judge", "served")


def content(fd: int) -> dict[str, Any]:
    """What the host put behind a descriptor."""
    size, data = os.fstat(fd).st_size, bytearray()
    while len(data) < size:
        data += os.pread(fd, size - len(data), len(data))
    request: dict[str, Any] = json.loads(data)
    return request


class Children:
    """What the forks do: confine themselves for good, and then run what a model or a data set wrote.

    Args:
        settings: the limits.
        parts: the modules of this folder that run in them, by name.
        seccomp: the filter; None to do without.
        memory: bytes of address space that this process has before any program.
    """

    def __init__(self, settings: dict[str, Any], parts: dict[str, Any], seccomp: Any, memory: int) -> None:
        self.settings, self.parts, self.seccomp, self.memory = settings, parts, seccomp, memory

    def program(self, text: int, pipe: int) -> None:
        """Run one program."""
        program, request = self.parts["program"], content(text)
        self._confine(pipe)
        most = self.settings["stdout_chars"], self.settings["result_bytes"]
        program.answer(lambda: program.run_program(request, *most), RESULT_FD)

    def judge(self, text: int, pipes: tuple[int, int, int]) -> None:
        """Run unit tests on a program that is in another process. Nothing but this process ever holds the tests."""
        program, request = self.parts["program"], content(text)
        self._confine(*pipes)
        program.prepared("tests", request["tests"], self.settings["stdout_chars"])
        judge = self.parts["judge"].Judge(
            request["tests"], request["entry_point"], self.parts["exchange"], (RESULT_FD + 2, RESULT_FD + 1)
        )
        program.answer(judge.run, RESULT_FD)

    def served(self, text: int, pipes: tuple[int, int]) -> None:
        """Run a program, then answer what its judge asks until that hangs up."""
        program, request, exchange = self.parts["program"], content(text), self.parts["exchange"]
        self._confine(*pipes)
        space, _ = program.prepared("program", request["code"], self.settings["stdout_chars"])
        serve, base_error, failure = self.parts["served"].Served, BaseException, ""
        try:
            exec(compile(request["code"], "<program>", "exec", dont_inherit=True), space)
        except SystemExit:
            failure = ""  # an end like any other
        except base_error as error:
            failure = type(error).__name__
        serve(space, failure, exchange, (RESULT_FD + 1, RESULT_FD)).serve()

    def _confine(self, *pipes: int) -> None:
        """Take the last rights from a fork: it keeps `pipes`, as the descriptors from RESULT_FD on, and no other."""
        os.setsid()
        high = [fcntl.fcntl(pipe, fcntl.F_DUPFD, 64) for pipe in pipes]
        for number, fd in enumerate(high):
            os.dup2(fd, RESULT_FD + number)
        os.closerange(RESULT_FD + len(pipes), 1024)
        cpu = int(self.settings["cpu_seconds"]) + 2
        resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu))
        resource.setrlimit(resource.RLIMIT_AS, (self.memory + self.settings["memory_bytes"],) * 2)
        if self.seccomp is not None:
            self.seccomp.install()
        gc.set_threshold(50_000, 20, 1000)
        gc.enable()


class Zygote:
    """Serves programs until the host hangs up.

    Args:
        control: the socket to the host.
        children: what the forks do.
        supervise: the module `supervise`.
        limited: makes a program's limits from the ids of its processes.
        most: bytes of one answer.
    """

    def __init__(self, control: socket.socket, children: Children, supervise: Any, limited: Any, most: int) -> None:
        self.control, self.children, self.supervise, self.limited = control, children, supervise, limited
        self.frames = children.parts["frames"]
        self.buffer = bytearray(most + 1)

    def serve(self) -> bool:
        """Take one program; False when the host has hung up."""
        header, fds, _, _ = socket.recv_fds(self.control, self.frames.REQUEST.size, 2)
        if len(header) < self.frames.REQUEST.size:
            return False
        number, count = self.frames.REQUEST.unpack(header)
        if len(fds) != count:  # none to spare: the host starts another zygote
            return False
        self._tested(number, *fds) if count > 1 else self._run(number, *fds)
        for fd in fds:
            os.close(fd)
        return True

    def _run(self, number: int, text: int) -> None:
        """Run one program in a child."""
        reader, writer = os.pipe2(os.O_CLOEXEC)
        pid = _forked(lambda: self.children.program(text, writer))
        os.close(writer)
        self._reply(number, (pid,), reader)

    def _tested(self, number: int, text: int, tests: int) -> None:
        """Run unit tests in one child on a program in another."""
        reader, writer = os.pipe2(os.O_CLOEXEC)
        calls_out, calls_in = os.pipe2(os.O_CLOEXEC)
        answers_out, answers_in = os.pipe2(os.O_CLOEXEC)
        program = _forked(lambda: self.children.served(text, (answers_in, calls_out)))
        judge = _forked(lambda: self.children.judge(tests, (writer, calls_in, answers_out)))
        for fd in (writer, calls_out, calls_in, answers_out, answers_in):
            os.close(fd)
        self._reply(number, (judge, program), reader)

    def _reply(self, number: int, pids: tuple[int, ...], reader: int) -> None:
        """Send what became of a program, and forget it."""
        outcome, used = self.supervise(self.limited(pids), reader, self.buffer)
        os.close(reader)
        head = json.dumps(outcome).encode() + b"\n"
        start, answer = self.frames.REPLY.pack(number, len(head) + used) + head, memoryview(self.buffer)[:used]
        sent = self.control.sendmsg([start, answer])  # one message, for the host to wake up once
        if sent < len(start) + used:
            self.control.sendall(start[sent:])
            self.control.sendall(answer[max(sent - len(start), 0) :])
        self.buffer[:used] = bytes(used)


def _forked(run: Any) -> int:
    pid = os.fork()
    if pid == 0:
        try:
            run()
        finally:
            os._exit(70)
    return pid


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
    for fd in (0, 1):
        os.dup2(null, fd)
    os.environ.clear()
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    done: dict[str, Any] = {}
    kernel.die_with_parent()
    _preload(settings)
    os.dup2(null, 2)
    os.chdir("/")
    limits = (resource.RLIMIT_CORE, 0), (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_NOFILE, 256), (resource.RLIMIT_MEMLOCK, 0)
    for what, most in limits:
        resource.setrlimit(what, (min(most, resource.getrlimit(what)[1]),) * 2 if most else (0, 0))
    done["memory"] = int(_statm().split()[0]) * resource.getpagesize()
    if settings["confine"]:
        kernel.drop_privileges()
        if settings["landlock"]:
            done["landlock"] = kernel.restrict_files(settings["readable"])
    return done


def _preload(settings: dict[str, Any]) -> None:
    """Import what programs will import, and leave its place out of what they can import from."""
    import _sitebuiltins
    import builtins

    for name in ("exit", "quit"):
        setattr(builtins, name, _sitebuiltins.Quitter(name, ""))
    sys.path[:0] = settings["module_path"]
    for name in settings["preload"]:
        __import__(name)
    exec(settings["warm_up"], {})
    sys.dont_write_bytecode = True
    sys.path[:] = [path for path in sys.path if path not in settings["module_path"]]


def _statm() -> str:
    with open("/proc/self/statm") as file:
        return file.read()


def _parts(home: str) -> dict[str, Any]:
    """The modules of this folder, which no program can import."""
    sys.path[:] = [home, *(path for path in sys.path if path != home)]
    parts = {name: __import__(name) for name in PARTS}
    sys.path.remove(home)
    for name in PARTS:
        sys.modules.pop(name)
    return parts


def main() -> None:
    """Confine, say so, and serve until the host hangs up."""
    settings, control = json.loads(sys.argv[1]), socket.socket(fileno=int(sys.argv[2]))
    parts = _parts(settings["home"])
    kernel, supervise, watch = (parts[name] for name in ("kernel", "supervise", "watch"))
    arch = kernel.architecture()
    seccomp = kernel.SeccompFilter(arch) if settings["confine"] and settings["seccomp"] and arch else None
    wire, namespaces = watched(kernel, watch, settings["confine"] and settings["namespaces"])
    ready = {"namespaces": namespaces, **confine(settings, kernel)}

    def limited(pids: tuple[int, ...]) -> Any:
        return supervise.Limited(pids, settings, kernel.cpu_seconds, lambda: watch.ask(wire))

    children = Children(settings, parts, seccomp, ready["memory"])
    zygote = Zygote(control, children, supervise.supervise, limited, settings["answer_bytes"])
    gc.collect()
    gc.freeze()
    gc.disable()
    head = json.dumps(ready).encode() + b"\n"
    frames = parts["frames"]
    control.sendall(frames.REPLY.pack(frames.READY, len(head)) + head)
    while zygote.serve():
        pass


if __name__ == "__main__":
    main()
