"""Names of repositories, made of words."""

from __future__ import annotations

import re

MOST = 90
"""Letters; the Hub takes 96."""


def repository_name(*words: str) -> str:
    """A name that the Hub takes: letters, digits, `-`, `_` and `.`, none of which but `_` stands twice in a row."""
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "-", "-".join(words))
    return re.sub(r"[-.]{2,}", "-", plain)[:MOST].strip("-.")
