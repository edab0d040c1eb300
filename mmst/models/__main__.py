"""Examine a model: `python -m mmst.models check MODEL`, a folder, a GGUF file, or a name of the Hugging Face Hub."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from mmst.errors import UserError
from mmst.models.check import examined
from mmst.training.checkpoint import hub_checkpoint


def main() -> int:
    """Print a line for each check; 1 where one fails, 2 where there is no such model."""
    parser = argparse.ArgumentParser(prog="python -m mmst.models", description=__doc__)
    parser.add_argument("what", choices=["check"])
    parser.add_argument("model", help="a folder, a file that ends in .gguf, or a name of the Hub")
    parser.add_argument("--cache", type=Path, default=Path("runs/models"), help="where GGUF files are converted to")
    arguments = parser.parse_args()
    failed = False
    try:
        folder = hub_checkpoint(arguments.model.removeprefix("model.name="), arguments.cache)
    except UserError as error:
        sys.stderr.write(f"mmst: {error}\n")
        return 2
    for finding in examined(folder):
        failed = failed or not finding.ok
        sys.stdout.write(f"{'ok' if finding.ok else 'FAILS':6} {finding.name:12} {finding.sentence}\n")
        sys.stdout.flush()
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
