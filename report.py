"""A run, or all jobs of a sweep, as one HTML page: `python report.py runs/sweep/main`."""

import argparse
import sys
from pathlib import Path

from mmst.errors import UserError
from mmst.ledger.files import atomic_write
from mmst.reporting.arms import data_sets, headline
from mmst.reporting.page import page
from mmst.reporting.progress import say
from mmst.reporting.runs import read_sweep

SAMPLES = 20_000


def main() -> None:
    """Parse the command line, write the page, and print the answer."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="of a run (runs/train/NAME), or of a sweep (runs/sweep/NAME)")
    parser.add_argument("--out", type=Path, help="the page; report.html in the folder by default")
    parser.add_argument("--samples", type=int, default=SAMPLES, help=f"about so many to look through (default {SAMPLES:,})")
    options = parser.parse_args()
    out: Path = options.out or options.folder / "report.html"
    try:
        sweep = read_sweep(options.folder)
        atomic_write(out, page(sweep, max(0, options.samples)).encode())
    except UserError as error:
        sys.stderr.write(f"mmst: {error}\n")
        sys.exit(2)
    except OSError as error:
        sys.stderr.write(
            f"mmst: report: {error.filename or out} cannot be used ({error.strerror}); give another file by --out.\n"
        )
        sys.exit(2)
    say(sweep.question)
    for sentence in headline(sweep, data_sets(sweep)[0]):
        say(f"  {sentence}")
    say(f"report: {out}")


if __name__ == "__main__":
    main()
