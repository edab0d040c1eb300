"""From nodes of a configuration to objects: a node names a class or function by `_target_`, and its arguments."""

from __future__ import annotations

from dataclasses import is_dataclass
from pkgutil import resolve_name
from typing import Any, get_type_hints

import msgspec
from hydra.errors import HydraException
from hydra.utils import instantiate
from omegaconf.errors import OmegaConfBaseException

from mmst.config.groups import Node
from mmst.config.sentences import explained, one_line
from mmst.errors import ConfigError


def build(node: Node, where: str) -> Any:
    """The object that a node describes.

    Args:
        node: plain values.
        where: the node's key in the configuration, for messages.

    Raises:
        ConfigError: a value is not of the type that its dataclass declares, or is refused by its constructor.
    """
    _check_types(node, where)
    try:
        return instantiate(node, _convert_="all")
    except (HydraException, OmegaConfBaseException) as error:
        sentence = explained(error)
        if sentence is not None and not sentence.startswith("config:"):
            raise ConfigError(sentence) from error
        raise ConfigError(f"{where}: {one_line(error.__cause__ or error)}") from error


def _check_types(node: Any, where: str) -> None:
    if not isinstance(node, dict):
        raise ConfigError(f"{where}={node} is not usable: it must be a mapping of keys to values.")
    target = _class(node["_target_"], where) if _names_class(node) else None
    hints = get_type_hints(target) if is_dataclass(target) else {}
    for key, value in node.items():
        if isinstance(value, dict):
            _check_types(value, f"{where}.{key}")
        elif key in hints:
            _check_value(f"{where}.{key}", value, hints[key])


def _class(path: str, where: str) -> Any:
    try:
        return resolve_name(path)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(f"{where}._target_={path} cannot be imported: {one_line(error)}.") from error


def _check_value(key: str, value: Any, kind: Any) -> None:
    try:
        msgspec.convert(value, kind, strict=True)
    except msgspec.ValidationError as error:
        words = str(error).partition(" - at `$")[0]
        raise ConfigError(
            f"{key}={'null' if value is None else value} is not usable: {words[:1].lower()}{words[1:]}."
        ) from error


def builds(node: Node, name: str) -> bool:
    """Whether a node names a class, or a function, of that name."""
    return str(node.get("_target_")).endswith(f".{name}")


def _names_class(node: Node) -> bool:
    target = str(node.get("_target_", ""))
    return "." in target and target.rsplit(".", 1)[-1][:1].isupper()
