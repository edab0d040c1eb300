"""Did you mean: the nearest group, option or key to one that Hydra does not know."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

import yaml

from mmst.cli.places import CONFIGS, groups

UNKNOWN_KEY = re.compile(r"Could not override '([\w.@/]+)'")
UNKNOWN_OPTION = re.compile(r"Could not (?:find|load) '([\w@]+)/([^']+)'")


def with_suggestion(sentence: str) -> str:
    """What Hydra says of a key or an option, in one sentence and a question; any other sentence as it is."""
    near = suggestion(sentence)
    if key := UNKNOWN_KEY.search(sentence):
        return f"config: there is no key '{key[1]}' to set; --help lists them, and +{key[1]}=... adds one.{near}"
    return f"{sentence}{'' if not near or sentence.endswith('.') else '.'}{near}"


def suggestion(message: str) -> str:
    """` Did you mean ...?` for what Hydra says of a key or option that is not there; the choices where none is near."""
    if option := UNKNOWN_OPTION.search(message):
        known = groups().get(option[1], [])
        listed = f" Choose one of {', '.join(known)}." if known and "Could not load" in message else ""  # else Hydra lists them
        return _nearest(option[2], known, f"{option[1]}=") or listed
    if key := UNKNOWN_KEY.search(message):
        return _nearest(key[1], [*groups(), *_keys()])
    return ""


def _nearest(word: str, known: Sequence[str], before: str = "") -> str:
    near = get_close_matches(word, known, n=1)
    return f" Did you mean {before}{near[0]}?" if near and near[0] != word else ""


def _keys() -> list[str]:
    """Whole keys of the main files and of the default options' files."""
    found: set[str] = set()
    for path in CONFIGS.glob("*.yaml"):
        found |= set(_flat(yaml.safe_load(path.read_text(encoding="utf-8")) or {}))
    for path in CONFIGS.glob("*/*.yaml"):
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        if isinstance(content, dict):
            found |= {f"{path.parent.name}.{key}" for key in _flat(content)}
    return sorted(found - {"defaults"})


def _flat(node: dict[str, Any], above: str = "") -> list[str]:
    keys = []
    for key, value in node.items():
        keys.append(f"{above}{key}")
        if isinstance(value, dict):
            keys += _flat(value, f"{above}{key}.")
    return keys
