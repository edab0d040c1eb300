"""Machines to plan for: their memory, rates and price."""

from __future__ import annotations

from dataclasses import dataclass, field

from mmst.errors import ConfigError
from mmst.planning.cluster import Cluster


@dataclass(frozen=True)
class Hardware:
    """One kind of device, and how many of them. What is assumed of it can be set, and is printed."""

    name: str
    memory: float
    """GB (1e9 bytes) of one device."""
    rate: float
    """Floating-point operations a second, dense, in bfloat16; for a CPU in fp32."""
    bandwidth: float
    """Bytes a second of its memory."""
    price: float = 0.0
    """Dollars an hour of one device."""
    per_node: int = 8
    host_memory: float = 1000.0
    """GB of a node's memory outside its devices."""
    counts: list[int] = field(default_factory=lambda: [1, 2, 4, 8, 16, 32, 64, 128])
    training_share: float = 0.4
    """The share of `rate` that training reaches (model FLOPs utilisation)."""
    sampling_share: float = 0.5
    """The share of `bandwidth`, and of `rate`, that sampling reaches."""
    spare: float = 0.1
    """The share of memory that is left to the library, the fragments and the buffers of communication."""
    completion_share: float = 0.5
    """The mean length of a completion, as a share of model.max_tokens."""
    step_fixed: float | None = None
    """Seconds of a step of sampling that do not depend on how many completions it extends; measured, else None."""
    step_each: float | None = None
    """Seconds that each of them adds to it; measured, else None."""
    prefill_each: float | None = None
    """Seconds until a completion's first token; measured, else None."""
    measured: bool = False
    """Whether it is this machine: rates and shares are measured then, on a few layers of the model."""
    cluster: Cluster = field(default_factory=Cluster)
    """Several machines, to plan a larger round on."""

    def __post_init__(self) -> None:
        for key in ("memory", "rate", "bandwidth", "training_share", "sampling_share", "completion_share", "per_node"):
            if getattr(self, key) <= 0:
                raise ConfigError(f"hardware.{key}={getattr(self, key)} must be above 0.")
        if not self.counts or min(self.counts) < 1:
            raise ConfigError(f"hardware.counts={self.counts} must be numbers of devices.")
