"""What became of the rows of an edge, from samples to examples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from mmst.types import DropReason


@dataclass(frozen=True, slots=True)
class EdgeCounts:
    """How many rows of one edge got how far, for the report."""

    samples: int = 0
    pseudo_labels: int = 0
    translations: int = 0
    verified: int = 0
    examples: int = 0
    wrong_steps: int = 0
    """Kept solutions with a statement `a op b = c` that does not hold."""
    dropped: Mapping[str, int] = field(default_factory=dict)
    """By reason."""

    def shortened(self, too_long: int | None) -> EdgeCounts:
        """The same after a training that took so many fewer examples, for their length; None: it has none to tell of."""
        if too_long is None:
            return self
        dropped = {**self.dropped, DropReason.TOO_LONG.value: too_long}
        return replace(self, examples=self.examples - too_long, dropped=dropped)
