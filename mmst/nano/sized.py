"""Bases that are made on this machine when first asked for: the embedded one's recipe at other sizes, and other recipes."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from importlib import resources
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
    name = f"nano_{hidden}" + (f"_{examples}" if examples else "")
    return _made(replace(recipe, model=size, training=settings), name, Path(cache))


def logic_checkpoint(cache: str | Path, examples: int | None = None) -> Path:
    """The base of `dataset=logic`: the package's where it ships one, else made at the first call, and kept under `cache`.

    examples: how many it is made from; None: as many as its recipe says.
    """
    return _shipped_or_made("logic", cache, examples)


def sql_checkpoint(cache: str | Path, examples: int | None = None) -> Path:
    """The base of `dataset=sql`, as `logic_checkpoint`."""
    return _shipped_or_made("sql", cache, examples)


def _shipped_or_made(world: str, cache: str | Path, examples: int | None) -> Path:
    shipped = Path(str(resources.files("mmst.nano"))) / f"checkpoint_{world}"
    if shipped.is_dir() and examples is None:
        return shipped
    recipe = NanoRecipe.load(f"recipe_{world}")
    settings = {**recipe.training, "examples": examples or recipe.training["examples"]}
    return _made(replace(recipe, training=settings), f"nano_{world}" + (f"_{examples}" if examples else ""), Path(cache))


def _made(recipe: NanoRecipe, name: str, cache: Path) -> Path:
    """The base of a recipe, made once; another process that asks for it waits."""
    target = cache.absolute() / name
    target.parent.mkdir(parents=True, exist_ok=True)
    with turn(target.with_name(f".{name}.lock")):
        if not target.exists():
            say(f"{name} is made from its recipe, once; it stays in {target}")
            with tempfile.TemporaryDirectory() as work:
                make_nano(recipe, target, Path(work), TerminalProgress())
    return target
