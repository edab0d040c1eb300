"""Install packages into this interpreter's environment: by uv, in seconds; by pip where uv cannot be had.

    .venv/bin/python .ci/install.py --constraint constraints.txt torch --editable '.[dev]'

uv does not read pip's settings, so they are handed on: indexes, folders with wheels, constraints, certificates, trusted hosts.
The environment variable UV names the program; `UV=` (empty) asks for pip.
"""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

FLAGS = {
    "index-url": "--default-index",
    "extra-index-url": "--index",
    "find-links": "--find-links",
    "constraint": "--constraint",
    "trusted-host": "--allow-insecure-host",
}
"""pip's settings that uv has a flag for, which takes one value at a time."""
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check")


def main(packages: list[str]) -> int:
    """Install `packages`, given as to `pip install`; the exit status of what installed them."""
    os.environ.setdefault("DS_BUILD_OPS", "0")  # DeepSpeed compiles nothing while it is installed
    uv = program()
    if uv is None:
        return subprocess.call([*PIP, "install", "--quiet", *packages])
    flags, environment = handed_on(pip_settings())
    command = [uv, "pip", "install", "--quiet", "--python", sys.executable, "--index-strategy", "unsafe-best-match"]
    return subprocess.call([*command, *flags, *packages], env={**os.environ, **environment})


def program() -> str | None:
    """uv: what UV names, the one on the PATH, or the one in this environment, put there by pip if need be; None for pip."""
    named = os.environ.get("UV")
    if named is not None:
        return named.strip() or None
    own = Path(sys.executable).with_name("uv")
    if found := shutil.which("uv"):
        return found
    if not own.exists() and subprocess.run([*PIP, "install", "--quiet", "uv"], capture_output=True, check=False).returncode:
        sys.stderr.write("install: uv cannot be had here; pip installs the same packages, in minutes instead of seconds.\n")
        return None
    return str(own)


def pip_settings() -> dict[str, list[str]]:
    """What pip would go by, from its files and variables; a variable stands above a file."""
    listed = subprocess.run([*PIP, "config", "list"], capture_output=True, text=True, check=True).stdout
    rows = [line.partition("=") for line in listed.splitlines()]
    rows.sort(key=lambda row: row[0].startswith(":env:"))
    return {key.rpartition(".")[2]: str(ast.literal_eval(value)).split() for key, _, value in rows}


def handed_on(settings: dict[str, list[str]]) -> tuple[list[str], dict[str, str]]:
    """Pip's settings as uv's flags and variables."""
    flags = [part for key, flag in FLAGS.items() for value in settings.get(key, []) for part in (flag, value)]
    if settings.get("no-index", ["0"])[0].lower() in ("1", "true", "yes", "on"):
        flags.append("--no-index")
    if certificate := settings.get("cert"):
        return flags, {"SSL_CERT_FILE": certificate[0]}
    return flags, {"UV_NATIVE_TLS": "true"}  # the system's certificates, as pip


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
