"""List the data sets that are known by name: `python -m mmst.datasets [--root FOLDER]`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from mmst.datasets.catalog import catalog, read_split
from mmst.errors import DataError
from mmst.reporting.screen import show_table


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(prog="python -m mmst.datasets", description=__doc__)
    parser.add_argument("--root", type=Path, help="count what is in this folder")
    root = parser.parse_args(arguments).root
    table = Table(*("name", "about", "answers", "licence", "source", "splits"))
    for name, about in catalog().items():
        splits = ", ".join(f"{split} {_count(name, split, about['rows'].get(split), root)}" for split in about["files"])
        table.add_row(
            name, about["about"], about["kind"], about["licence"], about.get("hub", {}).get("id", "folder only"), splits
        )
    table.add_row(
        "arithmetic", "the embedded world", "number", "Apache-2.0", "this package", "train 4000, test 1150, heldout 400"
    )
    table.add_row(
        *("arithmetic_composed", "the composed world", "number", "Apache-2.0", "this package"),
        "train 4000, test 1150, heldout 400",
    )
    table.add_row(
        "sql", "the world of tables", "number or text", "Apache-2.0", "this package", "train 2000, test 800, heldout 300"
    )
    table.add_row(
        "spider", "SQLite databases (arXiv 1809.08887)", "number or text", "CC BY-SA 4.0", "folder only", "train, test"
    )
    table.add_row("logic", "the world of logic", "choice", "Apache-2.0", "this package", "train 3000, test 960, heldout 300")
    table.add_row(
        "functions", "the world of small functions", "tests", "Apache-2.0", "this package", "train 990, test 440, heldout 100"
    )
    table.add_row("gsm_symbolic", "GSM-symbolic, procedural", "number", "Apache-2.0", "reasoning-gym", "as many as asked for")
    table.add_row("reasoning_gym", "any task of it", "number or text", "Apache-2.0", "reasoning-gym", "as many as asked for")
    show_table(table)


def _count(name: str, split: str, official: int | None, root: Path | None) -> str:
    if root is None:
        return "?" if official is None else str(official)
    try:
        return str(len(read_split(name, split, str(root))))
    except DataError:
        return "-"


if __name__ == "__main__":
    main()
