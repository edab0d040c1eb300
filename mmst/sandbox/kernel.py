"""What Linux offers to confine a process: seccomp, landlock, namespaces, capabilities. Standard library only.

The zygote imports this with nothing else of the package on its path. Numbers are the kernel's own, by architecture.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import signal
import struct
import time
from collections.abc import Callable, Iterable

LIBC = ctypes.CDLL(None, use_errno=True)

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 4, 24, 38
NAMESPACES = 0x10000000 | 0x20000000 | 0x40000000 | 0x08000000 | 0x04000000  # user, pid, net, ipc, uts
SECCOMP_SET_MODE_FILTER, SECCOMP_GET_ACTION_AVAIL = 1, 2
ALLOW, KILL, ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
LANDLOCK_CREATE, LANDLOCK_ADD, LANDLOCK_RESTRICT = 444, 445, 446
CAPABILITY_VERSION = 0x20080522
LANDLOCK_READ_FILE, LANDLOCK_READ_DIR = 1 << 2, 1 << 3
WRITE_FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
THREAD_FLAGS = 0x003D0F00
"""Of clone, as pthread_create has them: memory, files, signals and the process itself are shared."""
FCNTL_COMMANDS = (1, 2, 3, 1030)  # F_GETFD, F_SETFD, F_GETFL, F_DUPFD_CLOEXEC

# Harmless calls that CPython and sympy make. Calls under special rules (openat, prlimit64, fcntl, ioctl) are listed apart.
X86_64 = dict(
    read=0, write=1, close=3, stat=4, fstat=5, lstat=6, poll=7, lseek=8, mmap=9, mprotect=10, munmap=11, brk=12,
    rt_sigaction=13, rt_sigprocmask=14, rt_sigreturn=15, pread64=17, readv=19, writev=20, access=21, select=23,
    sched_yield=24, mremap=25, madvise=28, dup=32, nanosleep=35, getitimer=36, alarm=37, setitimer=38, getpid=39, exit=60,
    uname=63, getcwd=79, readlink=89, gettimeofday=96, getrlimit=97, getrusage=98, sysinfo=99, times=100, getuid=102,
    getgid=104, geteuid=107, getegid=108, getppid=110, sigaltstack=131, arch_prctl=158, gettid=186, time=201, futex=202,
    sched_getaffinity=204, getdents64=217, restart_syscall=219, clock_gettime=228, clock_getres=229, clock_nanosleep=230,
    exit_group=231, newfstatat=262, readlinkat=267, faccessat=269, pselect6=270, ppoll=271, set_robust_list=273,
    getrandom=318, statx=332, rseq=334, faccessat2=439, pipe=22, pipe2=293,
)  # fmt: skip
AARCH64 = dict(
    getcwd=17, dup=23, faccessat=48, close=57, getdents64=61, lseek=62, read=63, write=64, readv=65, writev=66, pread64=67,
    pselect6=72, ppoll=73, readlinkat=78, newfstatat=79, fstat=80, exit=93, exit_group=94, futex=98, set_robust_list=99,
    nanosleep=101, getitimer=102, setitimer=103, clock_gettime=113, clock_getres=114, clock_nanosleep=115,
    sched_getaffinity=123, sched_yield=124, restart_syscall=128, sigaltstack=132, rt_sigaction=134, rt_sigprocmask=135,
    rt_sigreturn=139, times=153, uname=160, getrlimit=163, getrusage=165, gettimeofday=169, getpid=172, getppid=173,
    getuid=174, geteuid=175, getgid=176, getegid=177, gettid=178, sysinfo=179, brk=214, munmap=215, mremap=216, mmap=222,
    mprotect=226, madvise=233, getrandom=278, statx=291, rseq=293, faccessat2=439, pipe2=59,
)  # fmt: skip


class Architecture:
    """The syscall table of one processor architecture."""

    def __init__(self, audit: int, calls: dict[str, int], special: dict[str, int]) -> None:
        self.audit = audit
        self.calls = calls
        self.special = special


ARCHITECTURES = {
    "x86_64": Architecture(
        0xC000003E, X86_64, dict(openat=257, prlimit64=302, fcntl=72, ioctl=16, clone=56, clone3=435, seccomp=317, capset=126)
    ),
    "aarch64": Architecture(
        0xC00000B7, AARCH64, dict(openat=56, prlimit64=261, fcntl=25, ioctl=29, clone=220, clone3=435, seccomp=277, capset=91)
    ),
}


def architecture() -> Architecture | None:
    """This machine's table, or None where there is none."""
    return ARCHITECTURES.get(platform.machine())


class SeccompFilter:
    """An allow-list of syscalls as a BPF program. Everything else fails with EPERM; a foreign architecture is killed."""

    def __init__(self, arch: Architecture) -> None:
        self._number = arch.special["seccomp"]
        program = _bpf(arch)
        self._code = ctypes.create_string_buffer(program, len(program))
        self._header = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(program) // 8, ctypes.addressof(self._code)))

    def install(self) -> None:
        """Confine this process; needs no_new_privs. There is no way back."""
        check(LIBC.syscall(self._number, SECCOMP_SET_MODE_FILTER, 0, self._header), "seccomp")


def seccomp_available() -> bool:
    """Whether the kernel takes filters that return an errno."""
    arch = architecture()
    if arch is None:
        return False
    action = ctypes.c_uint32(ERRNO)
    return bool(LIBC.syscall(arch.special["seccomp"], SECCOMP_GET_ACTION_AVAIL, 0, ctypes.byref(action)) == 0)


def landlock_version() -> int:
    """The version of landlock's interface; 0 where the kernel has none."""
    return max(0, int(LIBC.syscall(LANDLOCK_CREATE, None, 0, 1)))


def restrict_files(readable: Iterable[str]) -> int:
    """Leave this process only reading, below the given paths; no TCP, no outer signals or abstract sockets where known."""
    version = landlock_version()
    check(version - 1, "landlock")
    files = (1 << 13) - 1
    files |= (1 << 13) * (version >= 2) | (1 << 14) * (version >= 3) | (1 << 15) * (version >= 5)
    attributes = struct.pack("QQQ", files, 3 if version >= 4 else 0, 3 if version >= 6 else 0)
    size = 8 if version < 4 else 16 if version < 6 else 24
    ruleset = check(LIBC.syscall(LANDLOCK_CREATE, attributes, size, 0), "landlock_create_ruleset")
    for path in readable:
        try:
            handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            continue
        access = LANDLOCK_READ_FILE | (LANDLOCK_READ_DIR if os.path.isdir(path) else 0)
        check(LIBC.syscall(LANDLOCK_ADD, ruleset, 1, struct.pack("=Qi", access, handle), 0), "landlock_add_rule")
        os.close(handle)
    check(LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
    check(LIBC.syscall(LANDLOCK_RESTRICT, ruleset, 0), "landlock_restrict_self")
    os.close(ruleset)
    return version


def enter_namespaces(meanwhile: Callable[[int], None], keep: int) -> bool:
    """Become process 1 of namespaces of our own; False where the kernel or an administrator forbids them.

    The outer process calls `meanwhile` with the id of process 1, keeps the descriptor `keep`, and waits. When process 1 dies,
    the kernel kills everything in the namespace.
    """
    uid, gid = os.getuid(), os.getgid()
    if LIBC.unshare(NAMESPACES) != 0:
        return False
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)
    die_with_parent()
    child = os.fork()
    if child:
        os.closerange(3, keep)
        os.closerange(keep + 1, 1024)
        meanwhile(child)
        os.waitpid(child, 0)
        os._exit(0)
    die_with_parent()
    return True


def namespaces_available() -> bool:
    """Whether a throw-away process may make the namespaces."""
    child = os.fork()
    if child == 0:
        os._exit(0 if LIBC.unshare(NAMESPACES) == 0 else 1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent dies."""
    check(LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "pdeathsig")


def drop_privileges() -> None:
    """No new privileges, no capabilities, and no peeking at this process's memory."""
    check(LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
    check(LIBC.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0), "dumpable")
    arch = architecture()
    if arch is None:
        return
    for capability in range(64):
        if LIBC.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0:
            break
    header = struct.pack("Ii", CAPABILITY_VERSION, 0)
    check(LIBC.syscall(arch.special["capset"], header, struct.pack("IIIIII", *(0,) * 6)), "capset")


def cpu_seconds(pid: int) -> float:
    """CPU time of a process so far, by its own clock: it does not depend on how busy the machine is."""
    return time.clock_gettime((~pid << 3) | 2)


def check(result: int, what: str) -> int:
    """Raise OSError for a failed call."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


Instruction = tuple[int, int, int, int]
"""(operation, jump if yes, jump if no, value)."""
LOAD, EQUAL, AT_LEAST, ABOVE, ANY_BIT, GIVE = 0x20, 0x15, 0x35, 0x25, 0x45, 0x06
NUMBER, MACHINE = 0, 4
"""Where the kernel puts the syscall's number and its architecture."""


def _bpf(arch: Architecture) -> bytes:
    special = {
        arch.special["openat"]: [*_argument(2), (ANY_BIT, 0, 1, WRITE_FLAGS), _denied(errno.EACCES), _allowed()],
        # a limit is only asked for where the new one, a pointer of two words, is NULL
        arch.special["prlimit64"]: [
            *_argument(2), (EQUAL, 0, 3, 0), *_argument(2, high=True), (EQUAL, 0, 1, 0), _allowed(), _denied(errno.EPERM),
        ],
        arch.special["fcntl"]: [
            *_argument(1),
            *((EQUAL, len(FCNTL_COMMANDS) - i, 0, command) for i, command in enumerate(FCNTL_COMMANDS)),
            _denied(errno.EPERM),
            _allowed(),
        ],
        arch.special["ioctl"]: [_denied(errno.ENOTTY)],
        # a thread of this very process, by the flags of the C library, and no other child; clone3 hides its flags in memory
        arch.special["clone"]: [*_argument(0), (EQUAL, 0, 1, THREAD_FLAGS), _allowed(), _denied(errno.EPERM)],
        arch.special["clone3"]: [_denied(errno.ENOSYS)],
    }  # fmt: skip
    leaves = [(first, last, [_allowed()]) for first, last in _runs(arch.calls.values())]
    leaves += [(number, number, list(rule)) for number, rule in special.items()]
    code = [
        (LOAD, 0, 0, MACHINE),
        (EQUAL, 1, 0, arch.audit),
        (GIVE, 0, 0, KILL),
        (LOAD, 0, 0, NUMBER),
        *_tree(sorted(leaves)),
    ]
    return b"".join(struct.pack("HBBI", *instruction) for instruction in code)


def _tree(leaves: list[tuple[int, int, list[Instruction]]]) -> list[Instruction]:
    """A binary search over runs of numbers (first, last, what to do); every other number is denied.

    The kernel tries a filter on every syscall number when it is installed, which here is once a program: a list of
    comparisons would cost more than the fork does.
    """
    if len(leaves) == 1:
        first, last, rule = leaves[0]
        if first == last:
            return [(EQUAL, 1, 0, first), _denied(errno.EPERM), *rule]
        return [(AT_LEAST, 0, 1, first), (ABOVE, 0, 1, last), _denied(errno.EPERM), *rule]
    middle = (leaves[0][0] + leaves[-1][1]) / 2
    half = min(range(1, len(leaves)), key=lambda i: abs(leaves[i][0] - middle))
    left, right = _tree(leaves[:half]), _tree(leaves[half:])
    return [(AT_LEAST, len(left), 0, leaves[half][0]), *left, *right]


def _runs(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Numbers as runs of neighbours: (first, last)."""
    runs: list[tuple[int, int]] = []
    for number in sorted(numbers):
        if runs and runs[-1][1] == number - 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return runs


def _argument(index: int, high: bool = False) -> list[Instruction]:
    """Load the low (or the high) word of a syscall's argument."""
    return [(LOAD, 0, 0, 16 + 8 * index + 4 * high)]


def _allowed() -> Instruction:
    return (GIVE, 0, 0, ALLOW)


def _denied(error: int) -> Instruction:
    return (GIVE, 0, 0, ERRNO | error)
