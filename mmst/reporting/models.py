"""The trained models of a run, where the run is: `RUN/models/ARM/`, each with a card, fit for `from_pretrained`.

The files are hard links to the ledger's checkpoints where the file system has them, and copies elsewhere: they stay when the
ledger is deleted.
"""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from mmst.ledger.files import atomic_write
from mmst.rounds import ArmResult, final_results
from mmst.samplers.secrets import MASK, SECRET, masked_address

MODELS = "models"
CARD = "README.md"
OVERRIDES = Path(".hydra", "overrides.yaml")
"""In a run's folder: what its command line set."""
LICENCES = {
    name: {"license": "apache-2.0"}
    for name in ("nano", "nano_three", "nano_composed", "nano_logic", "nano_sql", "smollm2_135m")
}
"""What a card says of models whose licence is known here; of others, that it is the base's."""


def leave_models(results: Sequence[ArmResult], found: Mapping[str, Any], folder: Path) -> dict[str, Path]:
    """Put each arm's last checkpoint into the run's folder, with a card; returns the arms' folders.

    Args:
        results: of all arms and rounds; the base, which was not trained, is left where it is.
        found: the run's results as plain data, for the card.
        folder: the run's.
    """
    trained = {arm: result for arm, result in final_results(results).items() if result.round}
    places = {arm: folder / MODELS / arm for arm in trained}
    for arm, result in trained.items():
        place_files(result.checkpoint.path, places[arm])
        atomic_write(places[arm] / CARD, card(arm, found, folder).encode())
        (places[arm] / CARD).chmod(0o666 & ~_umask())
    return places


def place_files(source: Path, target: Path) -> None:
    """Make `target` hold the files of `source` and no others; files get the user's umask."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for path in sorted(source.iterdir()):
        if path.is_file():
            try:
                os.link(path, target / path.name)
            except OSError:
                shutil.copyfile(path, target / path.name)
            (target / path.name).chmod(0o666 & ~_umask())


def card(arm: str, found: Mapping[str, Any], run: Path) -> str:
    """The model card: base, data, recipe, scores with intervals, and how it was made. run: the run's folder."""
    config = found["config"]
    base, dataset = config["model"]["name"], config["dataset"]["name"]
    head = {
        "library_name": "transformers",
        **LICENCES.get(base, {"license": "other", "license_name": "that-of-the-base-model"}),
        "base_model": base,
        "datasets": [dataset],
        "tags": ["mmst", "self-training"],
    }
    counts = found["counts"].get(arm, {})
    edges = ", ".join(f"`{edge}` ({tally['examples']} examples)" for edge, tally in counts.items())
    return "\n".join(
        [
            "---",
            yaml.safe_dump(head, sort_keys=False).strip(),
            "---",
            f"# {base}, trained as `{arm}` on {dataset}",
            "",
            "Made by multi-method self-training (arXiv 2307.10633) with mmst: the model's own right solutions, and its",
            f"verified translations of them, were its training data. Edges: {edges or 'none'}.",
            f"Rounds: {config.get('rounds', 1)}.",
            "",
            *_scores(arm, found),
            *_command(run, str(config.get("job", "train"))),
            "",
            f"Commit {found['commit']}; "
            + ", ".join(f"{name} {version}" for name, version in found["versions"].items())
            + f"; seed {config['seed']}. The licence of the base model applies.",
            "",
        ]
    )


def _scores(arm: str, found: Mapping[str, Any]) -> list[str]:
    """A row for each data set and method: base and arm, percent right with 95% intervals."""
    rows = ["| data set | method | base | this model | n |", "| --- | --- | --- | --- | --- |"]
    sets = {found["dataset"]: found, **found["heldout"]}
    for name, table in sets.items():
        for method, cell in table["arms"][arm].items():
            base = table["arms"]["base"][method]
            rows.append(f"| {name} | {method} | {_percent(base)} | {_percent(cell)} | {cell['n']} |")
    return rows


def _command(run: Path, job: str) -> list[str]:
    """The command line that made it, without secrets; nothing where no command line did."""
    path = run / OVERRIDES
    if not path.is_file():
        return []
    words = [str(word) for word in yaml.safe_load(path.read_text(encoding="utf-8")) or []]
    told = [_told(*word.partition("=")) for word in words]
    return ["", "```", shlex.join(["mmst", job, *told]), "```"]


def _told(key: str, sign: str, value: str) -> str:
    """An override as it may be shown; what is in braces may hold anything."""
    hidden = SECRET.search(key.rpartition(".")[2]) or "{" in value
    return f"{key}{sign}{MASK if hidden else masked_address(value) if '://' in value else value}"


def _percent(cell: Mapping[str, Any]) -> str:
    if cell["accuracy"] is None:
        return "none judged"
    return f"{100 * cell['accuracy']:.1f} [{100 * cell['low']:.1f}, {100 * cell['high']:.1f}]"


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
