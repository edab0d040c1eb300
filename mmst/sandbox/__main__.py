"""Run a file of programs in the sandbox, or say what protects this machine.

    python -m mmst.sandbox PROGRAMS.jsonl RESULTS.jsonl
    python -m mmst.sandbox --check

A program is {"name", "code", "entry"?} or {"name", "code", "tests", "entry_point"}; a result, in the same order, is
{"name", "status", "type", "value", "stdout", "line", "seconds"}.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import msgspec

from mmst.errors import DataError, UserError
from mmst.ledger.files import atomic_write
from mmst.sandbox import probe
from mmst.sandbox.pool import Limits, SandboxPool
from mmst.sandbox.result import Program


def read_programs(path: Path) -> list[Program]:
    """The programs of a file.

    Raises:
        DataError: names the line that is no program.
    """
    if not path.is_file():
        raise DataError(f"sandbox: there is no file {path}.")
    programs = []
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        try:
            programs.append(msgspec.convert(json.loads(line), type=Program))
        except (msgspec.ValidationError, ValueError) as error:
            raise DataError(f"{path}, line {number}: not a program ({error}).") from error
        if (programs[-1].tests is None) != (programs[-1].entry_point is None):
            raise DataError(f"{path}, line {number}: 'tests' and 'entry_point' go together.")
    return programs


def check() -> bool:
    """Print what protects the user; returns whether programs may run."""
    found = probe.features()
    for name, word in found.items():
        sys.stdout.write(f"{name:11} {word or 'MISSING':24} {probe.MEANING[name]}\n")
    return all(found[name] for name in probe.REQUIRED)


def main() -> None:
    """Parse the command line, and run."""
    parser = argparse.ArgumentParser(
        prog="python -m mmst.sandbox", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("programs", type=Path, nargs="?")
    parser.add_argument("results", type=Path, nargs="?")
    parser.add_argument("--check", action="store_true", help="say what protects this machine, and stop")
    parser.add_argument("--workers", type=int, default=0, help="programs at a time; 0: one a core")
    parser.add_argument("--cpu-seconds", type=float, default=2.0)
    parser.add_argument("--memory-bytes", type=int, default=1 << 30)
    parser.add_argument("--accept-missing", nargs="*", default=[], choices=probe.REQUIRED, help="risks that you accept")
    options = parser.parse_args()
    if not options.check and options.results is None:
        parser.error("give a file of programs and a file for the results, or --check")
    try:
        if options.check:
            sys.exit(0 if check() else 2)
        programs = read_programs(options.programs)
        limits = Limits(cpu_seconds=options.cpu_seconds, memory_bytes=options.memory_bytes)
        with SandboxPool(options.workers, limits, accept_missing=options.accept_missing) as pool:
            results = pool.execute(programs)
        atomic_write(options.results, b"".join(msgspec.json.encode(result) + b"\n" for result in results))
    except UserError as error:
        sys.stderr.write(f"mmst: {error}\n")
        sys.exit(2)
    except OSError as error:
        sys.stderr.write(f"mmst: {error.filename or options.results}: {error.strerror}.\n")
        sys.exit(2)


if __name__ == "__main__":
    main()
