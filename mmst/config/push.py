"""Key `push`: what of a finished run goes to the Hugging Face Hub."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class PushSettings:
    """Where to, for whom, and what."""

    repo: str | None = None
    """`USER/NAME`, or `NAME` in one's own account; None: a name made of the run's."""
    private: bool = True
    parts: list[Literal["model", "data", "page"]] = field(default_factory=lambda: ["model", "data", "page"])
