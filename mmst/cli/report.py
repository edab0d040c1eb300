"""`mmst report FOLDER`: a run, or all jobs of a sweep, as one HTML page."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from mmst.errors import DataError

SAMPLES = 20_000


def main(arguments: Sequence[str]) -> None:
    """Parse the command line, and write the page."""
    parser = argparse.ArgumentParser(prog="mmst report", description=__doc__)
    parser.add_argument(
        "folder", type=Path, nargs="+", help="of a run (runs/train/NAME), of a sweep (runs/sweep/NAME), or several of these"
    )
    parser.add_argument("--out", type=Path, help="the page; report.html in the (first) folder by default")
    parser.add_argument("--samples", type=int, default=SAMPLES, help=f"about how many to look through (default {SAMPLES:,})")
    options = parser.parse_args(arguments)
    if gone := [folder for folder in options.folder if not folder.is_dir()]:
        raise DataError(
            f"report: there is no folder {gone[0]}; give that of a run (runs/train/...) or a sweep (runs/sweep/...)."
        )
    write(options.folder, options.out or options.folder[0] / "report.html", options.samples)


def write(folders: Sequence[Path], out: Path, samples: int) -> None:
    """Write the page, and print the answer. What makes pages takes seconds to import: a mistake is told before."""
    from mmst.ledger.files import atomic_write
    from mmst.reporting.arms import data_sets, headline
    from mmst.reporting.page import page
    from mmst.reporting.progress import say
    from mmst.reporting.runs import read_runs

    try:
        sweep = read_runs(folders)
        atomic_write(out, page(sweep, max(0, samples)).encode())
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
    for sentence in headline(sweep, data_sets(sweep)[0]):
        say(f"  {sentence}")
    say(f"report: {out}")
