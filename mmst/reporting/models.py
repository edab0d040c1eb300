"""The trained models of a run, where the run is: `RUN/models/ARM/`, each with a card, fit for `from_pretrained`.

The files are hard links to the ledger's checkpoints where the file system has them, and copies elsewhere: they stay when the
ledger is deleted.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmst.datasets.catalog import catalog
from mmst.ledger.files import atomic_write
from mmst.methods.edge import BASE_ARM
from mmst.reporting.card import TAGS, difference_rows, head_of, on_the_hub, origin_lines, score_rows
from mmst.rounds import ArmResult, final_results

MODELS = "models"
CARD = "README.md"
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
    compared = difference_rows(found, arm)
    head = {
        "library_name": "transformers",
        **LICENCES.get(base, {"license": "other", "license_name": "that-of-the-base-model"}),
        **({"base_model": base} if on_the_hub(base) else {}),
        **({"datasets": [known["hub"]["id"]]} if "hub" in (known := catalog().get(dataset, {})) else {}),
        "tags": list(TAGS),
    }
    edges = ", ".join(f"`{edge}` ({tally['examples']} examples)" for edge, tally in found["counts"].get(arm, {}).items())
    return "\n".join(
        [
            *head_of(head),
            f"# {base}, trained as `{arm}` on {dataset}",
            "",
            "Made by multi-method self-training (arXiv 2307.10633) with mmst: the model's own right solutions, and its",
            f"verified translations of them, were its training data. Edges: {edges or 'none'}.",
            f"Rounds: {config.get('rounds', 1)}.",
            "",
            "Percent right, with 95% intervals:",
            "",
            *score_rows(found, [BASE_ARM, arm]),
            "",
            *(["Paired differences on the same problems, with 95% intervals:", "", *compared, ""] if compared else []),
            *origin_lines(found, run),
            "",
        ]
    )


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
