"""Keys and groups that have had another name: an old command line is answered with the new one."""

from __future__ import annotations

from collections.abc import Sequence

from mmst.errors import ConfigError

RENAMED = {
    "filter.drop_leaks": "filter.drop_answer_only",
    "methods": "solvers, as a list: 'solvers=[text,code,equation]'",
    "methods/part": "solvers, as a list: 'solvers=[text,code,plan]'",
}
"""An old key or group -> what to write now."""


def check_overrides(words: Sequence[str]) -> None:
    """Refuse an override by an old name.

    Raises:
        ConfigError: says the new name.
    """
    for word in words:
        key = word.lstrip("+~").partition("=")[0].partition("@")[0]
        for old, new in RENAMED.items():
            if key == old or key.startswith(f"{old}."):
                raise ConfigError(f"config: {key} is now {new}; CHANGELOG.md says how to move a command over.")
