"""Several runs of the same arms under different seeds: means over the seeds, with the seeds' spread.

python -m mmst.reporting.seeds runs/train/seed0 runs/train/seed1 ...  > table.md
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from mmst.errors import DataError, UserError
from mmst.reporting.results import RESULTS
from mmst.reporting.runs import loaded
from mmst.statistics.intervals import seeds_interval

MEAN = "mean of methods"


def read_runs(folders: Sequence[Path]) -> list[dict[str, Any]]:
    """The results of finished runs.

    Raises:
        DataError: a folder holds no results, or the runs have other arms than the first.
    """
    runs = []
    for folder in folders:
        path = folder / RESULTS
        if not path.is_file():
            raise DataError(f"{folder} holds no {RESULTS}; is the run finished?")
        runs.append(loaded(path, ("arms",)))
    if len(runs) < 2:
        raise DataError("seeds: give the folders of at least two runs; one tells nothing of how seeds vary.")
    for folder, run in zip(folders, runs, strict=True):
        if list(run["arms"]) != list(runs[0]["arms"]):
            raise DataError(f"{folder} has the arms {', '.join(run['arms'])}; {folders[0]} has {', '.join(runs[0]['arms'])}.")
    return runs


def accuracy_rows(runs: Sequence[Mapping[str, Any]], heldout: str | None = None) -> list[list[str]]:
    """A row a method, a column an arm: mean accuracy and the lowest and highest seed, in percent."""
    tables = [run["heldout"][heldout]["arms"] if heldout else run["arms"] for run in runs]
    rows = []
    for method in next(iter(tables[0].values())):
        values = {arm: [100 * table[arm][method]["accuracy"] for table in tables] for arm in tables[0]}
        rows.append([method, *(f"{fmean(v):.1f} ({min(v):.1f} to {max(v):.1f})" for v in values.values())])
    return rows


def difference_rows(runs: Sequence[Mapping[str, Any]], heldout: str | None = None) -> list[list[str]]:
    """A row a pair of arms and method: mean paired difference in points, its interval over seeds, and each seed's."""
    tables = [run["heldout"][heldout]["comparisons"] if heldout else run["comparisons"] for run in runs]
    pairs = list(dict.fromkeys((row["a"], row["b"]) for row in tables[0]))
    rows = []
    for a, b in pairs:
        by_method: dict[str, list[float]] = {}
        for row in (row for table in tables for row in table if (row["a"], row["b"]) == (a, b)):
            by_method.setdefault(row["method"], []).append(100 * row["difference"])
        single = [values for method, values in by_method.items() if method != "either"]
        by_method[MEAN] = [fmean(seed) for seed in zip(*single, strict=True)]
        rows += [_difference_row(f"{b} - {a}", method, values) for method, values in by_method.items()]
    return rows


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def report(runs: Sequence[Mapping[str, Any]]) -> str:
    """All tables of several runs, in Markdown."""
    arms = list(runs[0]["arms"])
    header = ["arms", "method", f"difference, mean of {len(runs)} seeds [95%]", "by seed"]
    parts = [markdown(["method", *arms], accuracy_rows(runs)), markdown(header, difference_rows(runs))]
    for name in runs[0]["heldout"]:
        parts.append(f"{name}:\n\n" + markdown(["method", *arms], accuracy_rows(runs, name)))
        parts.append(markdown(header, difference_rows(runs, name)))
    return "\n".join(parts)


def main() -> None:
    """Parse the command line and print the tables."""
    parser = argparse.ArgumentParser(
        prog="python -m mmst.reporting.seeds", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", type=Path, nargs="+", help="folders of finished runs")
    try:
        sys.stdout.write(report(read_runs(parser.parse_args().runs)))
    except UserError as error:
        sys.stderr.write(f"mmst: {error}\n")
        sys.exit(2)


def _difference_row(pair: str, method: str, values: Sequence[float]) -> list[str]:
    low, high = seeds_interval(values)
    return [pair, method, f"{fmean(values):+.1f} [{low:+.1f}, {high:+.1f}]", ", ".join(f"{v:+.1f}" for v in values)]


if __name__ == "__main__":
    main()
