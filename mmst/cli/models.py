"""`mmst models`: the models that are known by name."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import yaml
from rich.table import Table
from rich.text import Text

from mmst.cli.places import CONFIGS
from mmst.reporting.screen import show_table


def main(arguments: Sequence[str]) -> None:
    """Print the presets of the group `model`: what each is, as its file's first line says."""
    parser = argparse.ArgumentParser(prog="mmst models", description=__doc__)
    parser.parse_args(arguments)
    table = Table("model=", "name", "what it is")
    for path in sorted((CONFIGS / "model").glob("*.yaml")):
        text = path.read_text(encoding="utf-8")
        name = yaml.safe_load(text).get("name", "")
        table.add_row(
            path.stem, Text("model.name=..." if name == "???" else str(name)), Text(text.splitlines()[0].lstrip("# "))
        )
    show_table(table)
