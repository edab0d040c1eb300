"""What a training did and how fast: tokens a second, share of the machine's rate, padding, loss by edge, gradient norm."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from mmst.ledger.files import atomic_write

FINISHED = "finished.json"
"""Names the checkpoint that the training ends with, once it has ended, and tells of the training."""


@dataclass(slots=True)
class TrainingRecord:
    """One training in numbers, over all processes and all the times it was resumed."""

    steps: int = 0
    examples: int = 0
    tokens: int = 0
    """Tokens that went through the model, prompts included and padding not; a prefix that examples share counts once."""
    places: int = 0
    """The same with padding."""
    seconds: float = 0.0
    """Wall-clock time of the steps, without loading, saving and held-out measurements."""
    flops: float = 0.0
    """Floating-point operations that the tokens need (`flops_per_token`); what is computed twice counts once."""
    rate: float = 0.0
    """What the machine's matrix multiplications reach, over all processes; operations a second."""
    loss: float = 0.0
    """Mean loss of a completion token over the last logged steps."""
    loss_by_edge: dict[str, float] = field(default_factory=dict)
    gradient_norm: float | None = None
    """Mean over the training, before clipping."""
    peak_bytes: int = 0
    """Most memory of one process: device memory on a GPU, resident memory on a CPU."""
    held_out_loss: float | None = None
    """The least, where examples are held out."""
    best_step: int | None = None
    curve: list[dict[str, float]] = field(default_factory=list)
    """What was logged on the way, row by row, each with its step: for trackers that hear of the training later."""

    @property
    def padding(self) -> float:
        """The share of places that held padding."""
        return 1 - self.tokens / self.places if self.places else 0.0

    @property
    def tokens_per_second(self) -> float:
        """Tokens of examples a second, over all processes."""
        return self.tokens / self.seconds if self.seconds else 0.0

    @property
    def utilisation(self) -> float:
        """Model FLOPs utilisation (Chowdhery et al., arXiv 2204.02311, appendix B), against the measured rate."""
        return self.flops / self.seconds / self.rate if self.seconds and self.rate else 0.0

    def sentence(self) -> str:
        """The record in one line."""
        parts = [
            f"{self.steps:,} steps, {self.examples:,} examples, {self.tokens:,} tokens at {self.tokens_per_second:,.0f}/s",
            f"{self.utilisation:.0%} of the machine's {self.rate / 1e9:,.0f} GFLOP/s",
            f"{self.padding:.1%} padding",
            f"loss {self.loss:.3f} ({', '.join(f'{edge} {loss:.3f}' for edge, loss in sorted(self.loss_by_edge.items()))})",
        ]
        if self.gradient_norm is not None:
            parts.append(f"gradient norm {self.gradient_norm:.2f}")
        if self.held_out_loss is not None:
            parts.append(f"held-out loss {self.held_out_loss:.3f} at step {self.best_step}")
        return "; ".join([*parts, f"{self.peak_bytes / 1e9:.2f} GB"])


def finish(folder: Path, checkpoint: str, record: TrainingRecord) -> None:
    """Mark a training as ended."""
    content = json.dumps({"checkpoint": checkpoint, "record": asdict(record)}, indent=1)
    atomic_write(folder / FINISHED, content.encode())


def finished(folder: Path) -> tuple[Path, TrainingRecord] | None:
    """The checkpoint that a training ended with, and its record; None where it has not ended."""
    try:
        found = json.loads((folder / FINISHED).read_bytes())
        checkpoint, record = folder / Path(found["checkpoint"]).name, TrainingRecord(**found["record"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return (checkpoint, record) if checkpoint.exists() else None
