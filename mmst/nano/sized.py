"""Bases of other sizes than the embedded one, from the same recipe: made on this machine when first asked for."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

from mmst.errors import ConfigError
from mmst.ledger.locks import turn
from mmst.nano.__main__ import make_nano
from mmst.nano.recipe import NanoRecipe
from mmst.reporting.progress import TerminalProgress, say


def sized_checkpoint(hidden: int, cache: str | Path, examples: int | None = None) -> Path:
    """A base of another width; minutes of work at the first call, kept under `cache` for the next ones.

    Args:
        hidden: the width of its layers; the embedded base has 128. Layers and heads are as many, and the corpus is the same.
        cache: where models are kept.
        examples: how many it is made from; None: as many as the embedded base.

    Raises:
        ConfigError: the width cannot be shared out to the heads.
    """
    recipe = NanoRecipe.load()
    if hidden < 1 or hidden % (2 * recipe.model["heads"]):
        raise ConfigError(f"model.checkpoint.hidden={hidden} must be a multiple of {2 * recipe.model['heads']}.")
    size = {**recipe.model, "hidden": hidden, "intermediate": 3 * hidden}
    settings = {**recipe.training, "examples": examples or recipe.training["examples"]}
    target = Path(cache).absolute() / (f"nano_{hidden}" + (f"_{examples}" if examples else ""))
    target.parent.mkdir(parents=True, exist_ok=True)
    with turn(target.with_name(f".{target.name}.lock")):
        if not target.exists():
            say(f"{target.name} is made from the embedded base's recipe, once; it stays in {target}")
            with tempfile.TemporaryDirectory() as work:
                make_nano(replace(recipe, model=size, training=settings), target, Path(work), TerminalProgress())
    return target
