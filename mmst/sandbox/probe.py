"""What protects the user on this machine, found by asking the kernel."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from mmst.errors import SandboxUnavailableError

REQUIRED = ("seccomp", "landlock")
MEANING = {
    "seccomp": "programs can make only harmless system calls (no processes, sockets or writes)",
    "landlock": "programs can read the standard library and allowed modules, and no other file",
    "namespaces": "programs have a process tree and a network of their own, and die with the host",
}
RISK = {
    "seccomp": "programs can start processes and open network connections",
    "landlock": "programs can read every file that this user can read",
}


def features() -> dict[str, str | None]:
    """What the kernel offers: a word on each feature, None where it is missing.

    The questions are asked in a process of their own, since one of them forks.

    Raises:
        SandboxUnavailableError: this is not Linux.
    """
    if sys.platform != "linux":
        raise SandboxUnavailableError(
            f"sandbox: model-written programs are confined by Linux kernel features, which {sys.platform} does not have; "
            "run mmst on Linux, in WSL 2, or in a Linux virtual machine."
        )
    question = (
        "import kernel as k; a = k.architecture(); "
        "print(int(k.seccomp_available()), k.landlock_version(), int(k.namespaces_available()))"
    )
    answer = subprocess.run(
        [sys.executable, "-B", "-S", "-c", question], cwd=Path(__file__).parent, capture_output=True, text=True, check=False
    )
    seccomp, landlock, namespaces = (int(word) for word in answer.stdout.split()) if answer.stdout.split() else (0, 0, 0)
    return {
        "seccomp": "filters" if seccomp else None,
        "landlock": f"version {landlock}" if landlock else None,
        "namespaces": "user, pid, net, ipc, uts" if namespaces else None,
    }


def require(found: dict[str, str | None], accepted: set[str]) -> None:
    """Refuse to run programs without isolation, unless the user accepted the risk by name.

    Raises:
        SandboxUnavailableError: names the missing feature and the option that accepts its absence.
    """
    for name in REQUIRED:
        if found[name] is None and name not in accepted:
            raise SandboxUnavailableError(
                f"sandbox: {name} is not available on this kernel, so model-written programs are refused; "
                f"sandbox.accept_missing=[{name}] accepts the risk that {RISK[name]}."
            )
