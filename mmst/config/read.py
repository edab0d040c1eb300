"""From a composed configuration to settings. The only place that reads a `DictConfig`, or composes further parts of one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from mmst.config.groups import DataSettings, Node
from mmst.config.schema import JOBS, Settings, checked
from mmst.config.sentences import config_errors
from mmst.errors import ConfigError

INHERITED = ("root", "limit")
"""Keys of the main data set that an entry of `datasets` takes over, unless it says otherwise."""


@config_errors
def read_settings(config: DictConfig) -> Settings:
    """The settings of the job that runs, with its folder and its sweep.

    Raises:
        ConfigError: a key holds what it cannot hold; said before any work.
    """
    values = plain(config)
    others, recipes = other_sets(config), recipe_rows(config)
    folder = Path(HydraConfig.get().runtime.output_dir) if HydraConfig.initialized() else Path()
    more = {"others": others, "recipes": recipes, "folder": folder, "group": sweep_name(str(config.job)), "whole": values}
    return checked({**values, **more}, JOBS[str(config.job)])


def plain(config: DictConfig) -> Node:
    """The composed configuration as plain values."""
    resolved: Any = OmegaConf.to_container(config, resolve=True)
    return dict(resolved)


def sweep_name(job: str) -> str | None:
    """The sweep that this job is of; None for a single job, and for jobs of a multirun without a name."""
    if not HydraConfig.initialized():
        return None
    node = HydraConfig.get()
    name = Path(node.sweep.dir).name
    return name if node.mode is RunMode.MULTIRUN and name != job else None


def recipe_rows(config: DictConfig) -> list[Node]:
    """The recipes of the group `method` that `arms` names, each once; the main one last."""
    if OmegaConf.select(config, "method.name") is None:
        return []
    names = dict.fromkeys(str(name) for name in config.arms) if OmegaConf.is_list(config.arms) else ()
    rows = [hydra.compose(config_name="train", overrides=[f"method={name}"]).method for name in names]
    for row in rows:
        if row.name == config.method.name and row != config.method:
            raise ConfigError(f"method.name={row.name} is the name of another arm too; give this recipe a name of its own.")
    return [plain(row) for row in [*(row for row in rows if row.name != config.method.name), config.method]]


def other_sets(config: DictConfig) -> dict[str, Node]:
    """Name -> data set, for each of `datasets`. What an entry does not say of root and limit is the main data set's."""
    if not OmegaConf.is_list(config.datasets):
        raise ConfigError(f"datasets={config.datasets} is not usable: it must be a list of names of the group dataset.")
    found: dict[str, Node] = {}
    for entry in map(str, config.datasets):
        name, node = _other_set(config, entry.split())
        if name in found:
            raise ConfigError(
                f"datasets: two of what is measured on are called '{name}'; give one another name, as in "
                '"mawps dataset.name=other".'
            )
        found[name] = node
    return found


def _other_set(config: DictConfig, words: Sequence[str]) -> tuple[str, Node]:
    """words: a name of the group `dataset`, and overrides of its keys."""
    said = " ".join(words)
    if not words or not all(word.startswith("dataset.") for word in words[1:]):
        raise ConfigError(
            f"datasets: '{said}' must be a name of the group dataset, and may go on with overrides such as dataset.limit=300."
        )
    other = config.copy()
    other.dataset = hydra.compose(config_name=config.job, overrides=[f"dataset={words[0]}", *words[1:]]).dataset
    named = {word.partition("=")[0] for word in words[1:]}
    for key in INHERITED:
        if key in other.dataset and other.dataset[key] is None and f"dataset.{key}" not in named:
            other.dataset[key] = config.dataset.get(key)
    node = plain(other)["dataset"]
    try:
        checked(node, DataSettings, "dataset.")
    except ConfigError as error:
        raise ConfigError(f"datasets: '{said}': {error}") from error
    return str(node["name"] if words[1:] else words[0]), node
