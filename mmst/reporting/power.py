"""What a table of paired differences could have shown, in a sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def power_sentence(comparisons: Sequence[Mapping[str, Any]]) -> str:
    """The smallest true difference that the rows would show with a chance of 80%, after Holm's correction of a single one."""
    seen = [row.get("visible") for row in comparisons]
    shown = [100 * value for value in seen if value is not None]
    if not shown:
        return "No difference could show in this table at 80% power: it has too few problems."
    least, most = f"{min(shown):.1f}", f"{max(shown):.1f}"
    points = least if least == most else f"{least} to {most}"
    sentence = (
        f"The smallest difference that this table could show: {points} points (80% power, p < 0.05 after Holm's correction)."
    )
    return sentence + (" In some rows none could: they have too few problems." if None in seen else "")
