import struct

import pytest

from mmst.sandbox import kernel

ALLOW, KILL = 0x7FFF0000, 0x80000000


def verdict(arch, number, *arguments, audit=None):
    """Run a filter as the kernel does; returns its action."""
    data = struct.pack("<iIQ6Q", number, arch.audit if audit is None else audit, 0, *arguments, *[0] * (6 - len(arguments)))
    code = kernel._bpf(arch)
    program = [struct.unpack_from("HBBI", code, i) for i in range(0, len(code), 8)]
    at, accumulator = 0, 0
    while True:
        operation, yes, no, k = program[at]
        at += 1
        if operation == 0x20:
            accumulator = struct.unpack_from("<I", data, k)[0]
        elif operation == 0x06:
            return k
        else:
            hit = {0x15: accumulator == k, 0x35: accumulator >= k, 0x25: accumulator > k, 0x45: bool(accumulator & k)}[
                operation
            ]
            at += yes if hit else no


@pytest.fixture(params=sorted(kernel.ARCHITECTURES))
def arch(request):
    return kernel.ARCHITECTURES[request.param]


def test_what_is_listed_is_allowed_and_nothing_else(arch):
    listed = set(arch.calls.values())
    special = {arch.special[name] for name in ("openat", "prlimit64", "fcntl", "ioctl", "clone", "clone3")}
    for number in range(500):
        if number not in special:
            assert (verdict(arch, number) == ALLOW) == (number in listed), number


def test_files_are_opened_for_reading_only(arch):
    for flags, allowed in (
        (0, True),
        (0o2000000, True),
        (1, False),
        (2, False),
        (0o100, False),
        (0o1000, False),
        (0o2000, False),
    ):
        assert (verdict(arch, arch.special["openat"], 0, 0, flags) == ALLOW) is allowed


def test_limits_are_only_asked_for(arch):
    assert verdict(arch, arch.special["prlimit64"], 0, 0, 0) == ALLOW
    assert verdict(arch, arch.special["prlimit64"], 0, 0, 0x1000) != ALLOW
    assert verdict(arch, arch.special["prlimit64"], 0, 0, 1 << 32) != ALLOW


def test_descriptors_are_asked_about_or_copied(arch):
    assert verdict(arch, arch.special["fcntl"], 0, 1) == ALLOW
    assert verdict(arch, arch.special["fcntl"], 0, 4) != ALLOW


def test_a_clone_may_be_a_thread_and_nothing_else(arch):
    clone = arch.special["clone"]
    assert verdict(arch, clone, kernel.THREAD_FLAGS) == ALLOW
    for flags in (0, 17, 0x4111, kernel.THREAD_FLAGS & ~0x10000, kernel.THREAD_FLAGS | 0x10000000):
        assert verdict(arch, clone, flags) != ALLOW
    assert verdict(arch, arch.special["clone3"]) != ALLOW


def test_a_foreign_architecture_is_killed(arch):
    assert verdict(arch, 0, audit=0x40000003) == KILL
    assert verdict(arch, 0x40000000) != ALLOW


def test_dangerous_calls_are_in_no_table():
    names = {name for arch in kernel.ARCHITECTURES.values() for name in arch.calls}
    assert not names & {
        "clone", "clone3", "fork", "vfork", "execve", "execveat", "socket", "connect", "kill", "tkill", "tgkill", "ptrace",
        "unshare", "setns", "mount", "bpf", "io_uring_setup", "keyctl", "open", "creat", "unlink", "prctl", "seccomp",
    }  # fmt: skip


def test_a_failed_call_raises_with_its_name():
    with pytest.raises(OSError, match="name"):
        kernel.check(-1, "name")
