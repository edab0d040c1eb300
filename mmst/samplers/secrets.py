"""Addresses and settings as they may be shown: without passwords and keys."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit, urlunsplit

MASK = "***"
SECRET = re.compile(r"(^|[_-])(api[_-]?key|key|secret|passw(or)?d|authorization|auth|token|bearer|credentials?)$", re.I)
"""Names whose values are nobody's business; `max_tokens` is none."""


def masked_address(address: str) -> str:
    """An address without its password and without secrets among its parameters."""
    parts = urlsplit(address)
    host = parts.netloc.rpartition("@")[2]
    place = f"{MASK}@{host}" if "@" in parts.netloc else host
    query = "&".join(
        f"{name}={MASK}" if SECRET.search(name) else f"{name}={value}" if joined else name
        for name, joined, value in (pair.partition("=") for pair in parts.query.split("&"))
    )
    return urlunsplit((parts.scheme, place, parts.path, query, parts.fragment))


def masked(settings: Any) -> Any:
    """Settings made of JSON's own types, with a mask in place of each secret."""
    if isinstance(settings, dict):
        return {k: MASK if SECRET.search(str(k)) and isinstance(v, str) else masked(v) for k, v in settings.items()}
    if isinstance(settings, list):
        return [masked(part) for part in settings]
    return settings
