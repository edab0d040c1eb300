"""`mmst trace ID RUN`: where a problem, sample, translation or checkpoint of a run is from, and what became of it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from rich.text import Text

from mmst.errors import DataError
from mmst.reporting.progress import CONSOLE


def main(arguments: Sequence[str]) -> None:
    """Print what the run's ledger holds of the id.

    Raises:
        DataError: it holds nothing of it.
    """
    parser = argparse.ArgumentParser(prog="mmst trace", description=__doc__)
    parser.add_argument("id", help="of a problem, a sample (PROBLEM/METHOD/INDEX), a translation, an arm or a checkpoint's key")
    parser.add_argument("run", type=Path, help="the folder of a run, such as runs/train/default")
    asked = parser.parse_args(arguments)
    from mmst.reporting.trace import trace

    found = trace(asked.run, asked.id)
    if not found:
        raise DataError(
            f"trace: {asked.run} has nothing called {asked.id}; samples are called PROBLEM/METHOD/INDEX, and the page of "
            "`mmst report` shows them, as results.json shows arms and checkpoints."
        )
    for text in found:
        CONSOLE.print(Text(text), soft_wrap=True)
