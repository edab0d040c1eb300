"""`mmst ledger [FOLDER]`: the stages in the ledger, with their sizes; `--prompt HASH`: what a model was asked."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table
from rich.text import Text

from mmst.errors import DataError
from mmst.ledger.ledger import MANIFEST
from mmst.reporting.progress import CONSOLE, say
from mmst.reporting.screen import show_table
from mmst.stages.asked import found_prompts

MIB = 1 << 20


def main(arguments: Sequence[str]) -> None:
    """Print a line for each stage, largest last, and the whole; or the prompts of a hash."""
    parser = argparse.ArgumentParser(prog="mmst ledger", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=Path("runs/ledger"), help="the ledger (default runs/ledger)")
    parser.add_argument("--prompt", metavar="HASH", help="print the prompts whose hash, or whose id, begins so")
    asked = parser.parse_args(arguments)
    folder: Path = asked.folder
    if not folder.is_dir():
        raise DataError(f"ledger: there is no folder {folder}; give that of a run's paths.ledger.")
    if asked.prompt:
        _print_prompts(folder, asked.prompt)
        return
    stages = sorted((size_of(path), path) for path in folder.iterdir() if path.is_dir())
    table = Table("stage", "rows", "MiB", "state")
    for size, path in stages:
        rows = _rows(path)
        table.add_row(Text(path.name), rows, f"{size / MIB:.2f}", "done" if (path / MANIFEST).is_file() else "half done")
    show_table(table)
    say(f"{len(stages)} stages, {sum(size for size, _ in stages) / MIB:.1f} MiB")


def _print_prompts(folder: Path, hash: str) -> None:
    found = list(found_prompts(folder, hash))
    if not found:
        raise DataError(f"ledger: no prompt in {folder} has a hash or an id that begins with {hash}.")
    for row in found:
        CONSOLE.rule(Text(f"{row.hash} {row.id}"), align="left")
        CONSOLE.print(Text(row.text), soft_wrap=True)


def size_of(folder: Path) -> int:
    """The bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _rows(stage: Path) -> str:
    try:
        return f"{json.loads((stage / MANIFEST).read_text()).get('rows', ''):,}"
    except (OSError, ValueError, AttributeError):
        return ""
