"""`mmst runs [FOLDER]`: the runs and sweeps that there are, with their scores."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from mmst.cli.record import JOB
from mmst.errors import DataError
from mmst.reporting.screen import show_table

if TYPE_CHECKING:
    from mmst.reporting.index import Indexed

REPORT = "report.html"
RESULTS = "results.json"
"""As `mmst.reporting.results` names it, whose import takes seconds."""


def main(arguments: Sequence[str]) -> None:
    """Print a line for each run below the folder, newest last."""
    parser = argparse.ArgumentParser(prog="mmst runs", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=Path("runs"), help="where to look (default runs)")
    parser.add_argument(
        "--page", action="store_true", help="write them as a page, FOLDER/index.html, with links to their pages"
    )
    options = parser.parse_args(arguments)
    folder: Path = options.folder
    if not folder.is_dir():
        raise DataError(f"runs: there is no folder {folder}; runs are made by mmst train, eval and generate.")
    if options.page:
        write_index(folder)
        return
    table = Table("run", "state", "what it found")
    for run in found_runs(folder):
        table.add_row(*(Text(cell) for cell in (str(run), state(run), findings(run))))
    show_table(table)


def write_index(folder: Path) -> None:
    """Write the index of runs and sweeps, newest first; any two of them can be chosen for a page that compares them."""
    from mmst.ledger.files import atomic_write
    from mmst.reporting.index import INDEX, index_page
    from mmst.reporting.progress import say

    rows = index_rows(folder)
    atomic_write(folder / INDEX, index_page(f"Runs and sweeps in {folder.resolve().name}", rows).encode())
    say(f"index: {folder / INDEX}")


def index_rows(folder: Path) -> list[Indexed]:
    """Sweeps and runs of their own, newest first."""
    from mmst.reporting.index import Indexed, facts_of

    found: dict[Path, list[Path]] = {}
    for run in found_runs(folder):
        found.setdefault(run.parent if run.parent.parent.name == "sweep" else run, []).append(run)
    rows = []
    for place, runs in reversed(found.items()):
        page = place / REPORT
        question, answer = facts_of(page) if page.is_file() else ("", findings(runs[0]) if len(runs) == 1 else "")
        states = Counter(state(run).partition(":")[0] for run in runs)
        told = ", ".join(f"{count} {name}" for name, count in states.items()) if len(runs) > 1 else state(runs[0])
        link = page.relative_to(folder).as_posix() if page.is_file() else None
        comparable = any((run / RESULTS).is_file() for run in runs)
        name = str(place.relative_to(folder))
        rows.append(Indexed(name, link, question, answer, told, str(place) if comparable else ""))
    return rows


def found_runs(folder: Path) -> list[Path]:
    """The folders of runs below a folder, by their age."""
    names = ("train", "eval", "generate", "sweep")
    runs = {path.parent for path in folder.rglob(JOB) if "ledger" not in path.parts}
    runs |= {path.parents[1] for path in folder.rglob(".hydra/config.yaml") if "ledger" not in path.parts}
    return sorted((run for run in runs if run.name not in names), key=lambda run: run.stat().st_mtime)


def state(run: Path) -> str:
    """`done`, `failed: WHY`, or `not finished`."""
    job = read_json(run / JOB)
    if job is None:
        return "not finished"
    return f"failed: {job.get('why')}" if job.get("failed") else "done"


def findings(run: Path) -> str:
    """The accuracy of each arm by each method on the first data set."""
    results = read_json(run / RESULTS)
    return "; ".join(_arms(results)) if results else ""


def _arms(results: dict[str, Any]) -> Iterator[str]:
    for arm, methods in results.get("arms", {}).items():
        yield f"{arm} " + ", ".join(f"{name} {_points(score['accuracy'])}" for name, score in methods.items())


def _points(accuracy: float | None) -> str:
    return "-" if accuracy is None else f"{100 * accuracy:.1f}"


def read_json(path: Path) -> dict[str, Any] | None:
    """A JSON file that holds an object; None where there is none such."""
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None
