"""A trained model taken out of its run: a plain folder that needs no mmst, and nothing else on this machine."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from mmst.errors import DataError
from mmst.ledger.files import atomic_folder, atomic_write
from mmst.methods.edge import BASE_ARM
from mmst.reporting.models import CARD, MODELS, card
from mmst.reporting.results import RESULTS
from mmst.reporting.runs import loaded
from mmst.training.broken import quiet_bars
from mmst.training.checkpoint import adapted_base, load_config, load_model, load_tokenizer

LICENCES = ("LICENSE*", "LICENCE*", "COPYING*", "NOTICE*", "USE_POLICY*")
"""Files of the base model that whoever passes on what was made of it has to pass on too."""


def export_model(run: Path, arm: str, target: Path, linked: bool = False) -> Path:
    """Write an arm's model into a new folder, with its card and its base's licence; adapters are merged.

    Files are copies with the user's umask: whoever changes one changes nothing in the run. linked: they are the run's own
    files where the file system has hard links, for a folder that is only read.

    Raises:
        DataError: there is no such run or arm, or the folder is there already.
        ModelError: the model does not load.
    """
    found, source = finished(run), _trained(run, arm)
    if target.exists():
        raise DataError(f"export: {target} is there already; name a folder that is not, or remove it.")
    with atomic_folder(target.absolute()) as work:
        if adapted_base(source) is None:
            for path in filter(Path.is_file, source.iterdir()):
                (_linked if linked else shutil.copyfile)(path, work / path.name)
        else:
            _save_merged(source, work)
        for path in _licences(found):
            shutil.copyfile(path, work / path.name)
        atomic_write(work / CARD, card(arm, found, run).encode())
    return target


def _linked(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def finished(run: Path) -> dict[str, Any]:
    """What a finished run's results hold.

    Raises:
        DataError: the folder is none's.
    """
    if not (run / RESULTS).is_file():
        raise DataError(
            f"export: {run} is no finished run of mmst train: it holds no {RESULTS}; `mmst runs` lists those there are."
        )
    return loaded(run / RESULTS, ("config", "arms", "counts", "commit", "versions", "dataset", "heldout", "rounds"))


def _trained(run: Path, arm: str) -> Path:
    """The folder of an arm's model in its run."""
    source = run / MODELS / arm
    if (source / "config.json").is_file():
        return source
    there = ", ".join(sorted(path.parent.name for path in (run / MODELS).glob("*/config.json")))
    why = "it was trained on nothing" if arm == BASE_ARM else "no such arm"
    raise DataError(f"export: {run} holds no model of '{arm}' ({why}); it holds {there or 'none: was it mmst train?'}.")


def _save_merged(source: Path, work: Path) -> None:
    """Write the whole model that adapters make of their base, in the numbers that they were saved in."""
    model, tokenizer = load_model(source), load_tokenizer(source)
    dtype = load_config(source).dtype
    with quiet_bars():
        (model if dtype is None else model.to(dtype)).save_pretrained(work)
        tokenizer.save_pretrained(work)


def _licences(found: dict[str, Any]) -> list[Path]:
    """The base's files of licence, where its folder is still there."""
    bases = {Path(row["checkpoint"]) for row in found["rounds"] if not row["round"]}
    return sorted({path for base in bases for pattern in LICENCES for path in base.glob(pattern) if path.is_file()})
