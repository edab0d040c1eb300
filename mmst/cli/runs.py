"""`mmst runs [FOLDER]`: the runs and sweeps that there are, with their scores."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from mmst.cli.record import JOB
from mmst.errors import DataError
from mmst.reporting.screen import show_table

RESULTS = "results.json"
"""As `mmst.reporting.results` names it, whose import takes seconds."""


def main(arguments: Sequence[str]) -> None:
    """Print a line for each run below the folder, newest last."""
    parser = argparse.ArgumentParser(prog="mmst runs", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=Path("runs"), help="where to look (default runs)")
    folder: Path = parser.parse_args(arguments).folder
    if not folder.is_dir():
        raise DataError(f"runs: there is no folder {folder}; runs are made by mmst train, eval and generate.")
    table = Table("run", "state", "what it found")
    for run in found_runs(folder):
        table.add_row(*(Text(cell) for cell in (str(run), state(run), findings(run))))
    show_table(table)


def found_runs(folder: Path) -> list[Path]:
    """The folders of runs below a folder, by their age."""
    names = ("train", "eval", "generate", "sweep")
    runs = {path.parent for path in folder.rglob(JOB) if "ledger" not in path.parts}
    runs |= {path.parents[1] for path in folder.rglob(".hydra/config.yaml") if "ledger" not in path.parts}
    return sorted((run for run in runs if run.name not in names), key=lambda run: run.stat().st_mtime)


def state(run: Path) -> str:
    """`done`, `failed: WHY`, or `not finished`."""
    job = _read(run / JOB)
    if job is None:
        return "not finished"
    return f"failed: {job.get('why')}" if job.get("failed") else "done"


def findings(run: Path) -> str:
    """The accuracy of each arm by each method on the first data set."""
    results = _read(run / RESULTS)
    return "; ".join(_arms(results)) if results else ""


def _arms(results: dict[str, Any]) -> Iterator[str]:
    for arm, methods in results.get("arms", {}).items():
        yield f"{arm} " + ", ".join(f"{name} {_points(score['accuracy'])}" for name, score in methods.items())


def _points(accuracy: float | None) -> str:
    return "-" if accuracy is None else f"{100 * accuracy:.1f}"


def _read(path: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None
