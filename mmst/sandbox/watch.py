"""How long programs were kept waiting by others: what the kernel's scheduler says of them in /proc.

A program and its zygote are confined and cannot read /proc. A process beside them, which never runs anything of a model's,
does it for them. Standard library only; the zygote imports this with nothing else of the package on its path.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct

PROC = "/proc"
WAITING_STATES = ("R", "D")
"""Runnable, or waiting for a disk: not asleep by its own will."""
REPLY = struct.Struct("=d?")
UNKNOWN = -1.0


def serve(wire: socket.socket, parent: int) -> None:
    """Answer each byte that comes with how long the children of a process have been kept waiting, until nobody asks."""
    with contextlib.suppress(OSError):
        while wire.recv(1):
            wire.sendall(REPLY.pack(*hindrance(_children(parent))))


def ask(wire: socket.socket) -> tuple[float, bool]:
    """The zygote's side: (seconds that its children were kept waiting, whether one is now); `UNKNOWN` without an answer."""
    try:
        wire.sendall(b"?")
        reply = wire.recv(REPLY.size)
    except OSError:
        reply = b""
    if len(reply) != REPLY.size:
        return UNKNOWN, False
    seconds, waiting = REPLY.unpack(reply)
    return seconds, waiting


def hindrance(pids: list[int]) -> tuple[float, bool]:
    """Seconds that processes could have run and did not, all their threads together, and whether one could run now."""
    seconds, waiting = 0.0, False
    for pid in pids:
        try:
            for thread in os.listdir(f"{PROC}/{pid}/task"):
                place = f"{PROC}/{pid}/task/{thread}"
                seconds += int(_read(f"{place}/schedstat").split()[1]) / 1e9
                waiting |= _state(place)[0] in WAITING_STATES
        except (FileNotFoundError, ProcessLookupError):
            if not os.path.exists(f"{PROC}/self/schedstat"):
                return UNKNOWN, False
        except (OSError, IndexError, ValueError):
            return UNKNOWN, False
    return seconds, waiting


def is_stopped(pid: int) -> bool:
    """Whether a process, or a child of it, was stopped by a signal."""
    try:
        return any(_state(f"{PROC}/{one}")[0] in ("T", "t") for one in (pid, *_children(pid)))
    except (OSError, IndexError):
        return False


def _children(parent: int) -> list[int]:
    """Process ids, but this process's own."""
    try:
        found = [int(word) for word in _read(f"{PROC}/{parent}/task/{parent}/children").split()]
    except OSError:  # a kernel without that file: all of /proc has to be looked at
        found = [int(name) for name in os.listdir(PROC) if name.isdigit() and _parent(f"{PROC}/{name}") == parent]
    return [pid for pid in found if pid != os.getpid()]


def _parent(place: str) -> int:
    try:
        return int(_state(place)[1])
    except (OSError, IndexError, ValueError):
        return 0


def _state(place: str) -> list[str]:
    """The fields of `stat` after the command's name: the state, the parent's id, ..."""
    return _read(f"{place}/stat").rpartition(")")[2].split()


def _read(path: str) -> str:
    with open(path, encoding="ascii", errors="replace") as file:
        return file.read()
