"""The tables of a card of the Hub, as lines of Markdown, all from what `results.json` holds."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from mmst.datasets.catalog import catalog
from mmst.methods.edge import BASE_ARM
from mmst.reporting.results import tables_of
from mmst.samplers.secrets import MASK, SECRET, masked, masked_address

OVERRIDES = Path(".hydra", "overrides.yaml")
"""In a run's folder: what its command line set."""
EMBEDDED = ("arithmetic", "arithmetic_composed", "logic", "sql")
"""Data sets that mmst makes itself."""
TAGS = ("mmst", "self-training")
"""What cards are found by; a repository without the first is not one that mmst filled."""
HUB_ID = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")
UNTOLD = ("push",)
"""Overrides that say where a run was sent, and not how it was made."""


def head_of(values: Mapping[str, Any]) -> list[str]:
    """The YAML that a card begins with, which the Hub reads."""
    return ["---", yaml.safe_dump(dict(values), sort_keys=False).strip(), "---"]


def score_rows(found: Mapping[str, Any], arms: Sequence[str]) -> list[str]:
    """A row for each data set and method: percent right of some arms, with 95% intervals, and the number of problems."""
    rows = []
    for name, table in tables_of(found).items():
        for method in table["arms"][arms[-1]]:
            cells = [table["arms"][arm][method] for arm in arms]
            sizes = sorted({int(cell["n"]) for cell in cells})
            n = "-".join(map(str, dict.fromkeys((sizes[0], sizes[-1]))))
            rows.append([name, method, *map(_percent, cells), n])
    return table_of(["data set", "method", *arms, "n"], rows)


def difference_rows(found: Mapping[str, Any], arm: str | None = None) -> list[str]:
    """A row for each paired comparison: points with a 95% interval, and p after Holm's correction. arm: of it alone."""
    rows = [
        [name, row["method"], f"{row['b']} - {row['a']}", _points(row), f"{row['p_holm']:.2g}", row["n"]]
        for name, table in tables_of(found).items()
        for row in table["comparisons"]
        if arm is None or arm in (row["a"], row["b"])
    ]
    return table_of(["data set", "method", "arms", "difference (points)", "p (Holm)", "n"], rows) if rows else []


def count_rows(counts: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> list[str]:
    """A row for each arm and edge: what was sampled, kept and dropped in its last round, and why."""
    kept = ("samples", "pseudo_labels", "translations", "verified", "examples")
    rows = [
        [arm, edge, *(tally[name] for name in kept), dropped_words(tally["dropped"])]
        for arm, edges in counts.items()
        for edge, tally in edges.items()
    ]
    return table_of(["arm", "edge", "samples", "pseudo-labels", "translations", "verified", "examples", "dropped"], rows)


def dropped_words(dropped: Mapping[str, int]) -> str:
    """Why rows were left out, and how many."""
    return ", ".join(f"{reason} {count}" for reason, count in sorted(dropped.items()))


def table_of(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[str]:
    """A table in Markdown."""
    lines = [" | ".join(str(cell).replace("|", "\\|") for cell in row) for row in rows]
    return [f"| {' | '.join(header)} |", f"|{' --- |' * len(header)}", *(f"| {line} |" for line in lines)]


def origin_lines(found: Mapping[str, Any], run: Path) -> list[str]:
    """How a run was made: base, data sets with their licences where these are known, filter, seed, versions, command."""
    config = found["config"]
    lines = [
        f"- base model: {config['model']['name']}, whose licence applies to what was made of it",
        *(f"- data set: {line}" for line in data_set_lines(config)),
        f"- rounds: {config.get('rounds', 1)}; seed: {config.get('seed', 0)}; {made_by(found)}",
    ]
    if chosen := config.get("filter"):
        lines += ["- filter:", "", "```yaml", yaml.safe_dump(masked(dict(chosen)), sort_keys=False).strip(), "```"]
    return [*lines, *command_lines(run, str(config.get("job", "train")))]


def on_the_hub(model: str) -> bool:
    """Whether a model's name is one of the Hub, and no file or folder of this machine."""
    return bool(HUB_ID.fullmatch(model)) and not model.lower().endswith(".gguf") and not Path(model).exists()


def made_by(found: Mapping[str, Any]) -> str:
    """The commit of mmst, where it is known, and the versions of what it ran with."""
    versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    return f"commit {found['commit']}; {versions}" if found["commit"] else versions


def data_set_lines(config: Mapping[str, Any]) -> list[str]:
    """Each data set of a run, with its licence."""
    names = [str(config["dataset"]["name"]), *(str(entry).split()[0] for entry in config.get("datasets") or ())]
    return [f"{name} ({licence_of(name)})" for name in dict.fromkeys(names)]


def licence_of(dataset: str) -> str:
    """What is known of the licence of a data set's problems."""
    if dataset in EMBEDDED:
        return "made by mmst, Apache-2.0"
    known = catalog().get(dataset)
    return f"licence: {known['licence']}" if known else "licence: that of its source, not known here"


def command_lines(run: Path, job: str) -> list[str]:
    """The command line that made a run, without secrets; nothing where no command line did."""
    path = run / OVERRIDES
    if not path.is_file():
        return []
    words = [str(word) for word in yaml.safe_load(path.read_text(encoding="utf-8")) or []]
    told = [_told(*word.partition("=")) for word in words if word.lstrip("+~").partition("=")[0].split(".")[0] not in UNTOLD]
    return ["", "```", shlex.join(["mmst", job, *told]), "```"]


def arms_of(found: Mapping[str, Any]) -> list[str]:
    """The arms of a run as columns: the base first."""
    names = list(found["arms"])
    return [name for name in names if name == BASE_ARM] + [name for name in names if name != BASE_ARM]


def _told(key: str, sign: str, value: str) -> str:
    """An override as it may be shown; what is in braces may hold anything."""
    hidden = SECRET.search(key.rpartition(".")[2]) or "{" in value
    return f"{key}{sign}{MASK if hidden else masked_address(value) if '://' in value else value}"


def _percent(cell: Mapping[str, Any]) -> str:
    if cell["accuracy"] is None:
        return "none judged"
    return f"{100 * cell['accuracy']:.1f} [{100 * cell['low']:.1f}, {100 * cell['high']:.1f}]"


def _points(row: Mapping[str, Any]) -> str:
    return f"{100 * row['difference']:+.1f} [{100 * row['low']:+.1f}, {100 * row['high']:+.1f}]"
