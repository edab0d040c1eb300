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
    parser.add_argument("folder", type=Path, help="of a run (runs/train/NAME), or of a sweep (runs/sweep/NAME)")
    parser.add_argument("--out", type=Path, help="the page; report.html in the folder by default")
    parser.add_argument("--samples", type=int, default=SAMPLES, help=f"about how many to look through (default {SAMPLES:,})")
    options = parser.parse_args(arguments)
    if not options.folder.is_dir():
        raise DataError(
            f"report: there is no folder {options.folder}; give that of a run (runs/train/...) or a sweep (runs/sweep/...)."
        )
    write(options.folder, options.out or options.folder / "report.html", options.samples)


def write(folder: Path, out: Path, samples: int) -> None:
    """Write the page, and print the answer. What makes pages takes seconds to import: a mistake is told before."""
    from mmst.ledger.files import atomic_write
    from mmst.reporting.arms import data_sets, headline
    from mmst.reporting.page import page
    from mmst.reporting.progress import say
    from mmst.reporting.runs import read_sweep

    try:
        sweep = read_sweep(folder)
        atomic_write(out, page(sweep, max(0, samples)).encode())
    except OSError as error:
        raise DataError(
            f"report: {error.filename or out} cannot be used ({error.strerror}); give another file by --out."
        ) from error
    say(sweep.question)
    for sentence in headline(sweep, data_sets(sweep)[0]):
        say(f"  {sentence}")
    say(f"report: {out}")
