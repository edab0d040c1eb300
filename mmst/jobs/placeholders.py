"""Names in braces that a tracker's settings may hold, replaced by what they stand for in a job."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmst.errors import ConfigError


def of_job(folder: Path, group: str | None) -> dict[str, str | None]:
    """What the names of a job stand for: its folder, its name, and its sweep."""
    return {"folder": str(folder), "job": folder.name, "group": group}


def filled(node: Mapping[str, Any], known: Mapping[str, str | None], where: str) -> dict[str, Any]:
    """A node of the configuration, and those in it, with {names} replaced.

    Args:
        node: keys and values; those that are not text stay.
        known: name -> what it stands for. A value that is one name alone becomes that, also None.
        where: the node's own key, for errors.

    Raises:
        ConfigError: a value holds a name that is not known, or a brace that stands alone.
    """
    found: dict[str, Any] = {}
    for key, value in node.items():
        if isinstance(value, Mapping):
            found[key] = filled(value, known, f"{where}.{key}")
        else:
            found[key] = _filled(value, known, f"{where}.{key}") if isinstance(value, str) else value
    return found


def _filled(value: str, known: Mapping[str, str | None], where: str) -> str | None:
    try:
        return known[value[1:-1]] if value[1:-1] in known and value == f"{{{value[1:-1]}}}" else value.format_map(known)
    except (KeyError, ValueError, IndexError) as error:
        raise ConfigError(f"{where}: {value} may hold {', '.join(f'{{{name}}}' for name in known)}.") from error
