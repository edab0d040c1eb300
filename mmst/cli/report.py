"""`mmst report FOLDER`: a run, or all jobs of a sweep, as one HTML page."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mmst.cli.places import SWEEPS
from mmst.errors import DataError

if TYPE_CHECKING:
    from mmst.reporting.runs import Sweep

SAMPLES = 4_000
PAGES = "Each page answers its question first, with an interval; then come all tables, and problems to look into."


def main(arguments: Sequence[str]) -> None:
    """Parse the command line, and write the page."""
    parser = argparse.ArgumentParser(prog="mmst report", description=__doc__)
    parser.add_argument(
        "folder", type=Path, nargs="+", help="of a run (runs/train/NAME), of a sweep (runs/sweep/NAME), or several of these"
    )
    parser.add_argument("--out", type=Path, help="the page; report.html in the (first) folder by default")
    parser.add_argument(
        "--samples", type=int, default=SAMPLES, help=f"about how many the page itself holds (default {SAMPLES:,})"
    )
    parser.add_argument("--alone", action="store_true", help="write the page only, without the folder that holds all samples")
    parser.add_argument("--each", type=Path, help="a page for each folder, alone, into this folder, with an index of its pages")
    parser.add_argument("--watch", action="store_true", help="serve the page of what is at work in the folder, and go on")
    parser.add_argument(
        "--host", default="127.0.0.1", help="with --watch: who is listened to (default 127.0.0.1: this machine)"
    )
    parser.add_argument("--port", type=int, default=8642, help="with --watch (default 8642; 0 takes a free one)")
    options = parser.parse_args(arguments)
    if gone := [folder for folder in options.folder if not folder.is_dir()]:
        raise DataError(
            f"report: there is no folder {gone[0]}; give that of a run (runs/train/...) or a sweep (runs/sweep/...)."
        )
    if options.watch:
        watch(options.folder[0], options.host, options.port, max(0, options.samples))
        return
    if options.each:
        write_each(options.folder, options.each, options.samples)
        return
    write(options.folder, options.out or options.folder[0] / "report.html", options.samples, options.alone)


def watch(folder: Path, host: str, port: int, samples: int) -> None:
    """Serve the page of what is at work in a folder, until the process is stopped."""
    from mmst.cli.runs import index_rows
    from mmst.jobs.watch import run
    from mmst.reporting.index import index_page
    from mmst.reporting.page import page
    from mmst.reporting.runs import read_runs

    def listed(place: Path) -> tuple[str, list[str]]:
        rows = [replace(row, page=None) for row in index_rows(place)]
        return index_page(f"Runs in {place.resolve().name}", rows), [row.folder for row in rows if row.folder]

    run(folder, host, port, lambda folders: page(asked_as_now(read_runs(folders)), samples), listed)


def write_each(folders: Sequence[Path], into: Path, samples: int) -> None:
    """Write a page for each folder, and the index of all pages that lie beside them."""
    from mmst.ledger.files import atomic_write
    from mmst.reporting.index import INDEX, index_of_pages, index_page, texts_of
    from mmst.reporting.progress import say

    into.mkdir(parents=True, exist_ok=True)
    for folder in folders:
        write([folder], into / f"{folder.resolve().name}.html", samples, alone=True)
    atomic_write(
        into / INDEX, index_page("Questions, and what was found", index_of_pages(into), PAGES, texts_of(into)).encode()
    )
    say(f"index: {into / INDEX}")


def asked_as_now(sweep: Sweep) -> Sweep:
    """A sweep whose runs are older than `sweep.answer`, as the file of its name asks the same question now."""
    import yaml

    path = SWEEPS / f"{sweep.settings.get('name')}.yaml"
    if "answer" in sweep.settings or not path.is_file():
        return sweep
    now = (yaml.safe_load(path.read_text()) or {}).get("sweep") or {}
    return replace(sweep, settings=now) if now.get("question") == sweep.question else sweep


def write(folders: Sequence[Path], out: Path, samples: int, alone: bool = False) -> None:
    """Write the page, and print the answer. What makes pages takes seconds to import: a mistake is told before."""
    from mmst.ledger.files import atomic_write
    from mmst.reporting.headline import headline
    from mmst.reporting.page import page
    from mmst.reporting.progress import say
    from mmst.reporting.runs import read_runs

    try:
        sweep = asked_as_now(read_runs(folders))
        atomic_write(out, page(sweep, max(0, samples), None if alone else out).encode())
    except OSError as error:
        raise DataError(
            f"report: {error.filename or out} cannot be used ({error.strerror}); give another file by --out."
        ) from error
    if len(folders) == 1 and len(sweep.runs) > 1 and not sweep.settings:
        say(
            f"{folders[0]} holds {len(sweep.runs)} runs that are no named sweep, and all of them are pooled here: those that "
            "have nothing to do with one another are better left out, as in `mmst report FOLDER/RUN FOLDER/RUN`."
        )
    say(sweep.question)
    for sentence in headline(sweep):
        say(f"  {sentence}")
    say(f"report: {out}")
