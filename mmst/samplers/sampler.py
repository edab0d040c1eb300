"""What a sampler is: an engine that completes prompts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mmst.errors import ConfigError
from mmst.types import Completion, Prompt

Watch = Callable[[int, int], None]
"""Told of progress: (completions, tokens) that were finished since it was last told."""


def nobody(completions: int, tokens: int) -> None:
    """The watch that does not look."""


@dataclass(frozen=True, slots=True)
class SamplingParams:
    """How completions are drawn. Temperature 0 is greedy."""

    temperature: float = 0.7
    top_p: float = 1.0
    max_tokens: int = 96

    def __post_init__(self) -> None:
        if not 0 <= self.temperature < float("inf"):
            raise ConfigError(f"temperature={self.temperature} must be 0 (greedy) or above.")
        if not 0 < self.top_p <= 1:
            raise ConfigError(f"top_p={self.top_p} must be above 0 and at most 1.")
        if self.max_tokens < 1:
            raise ConfigError(f"max_tokens={self.max_tokens} must be at least 1.")

    def check_count(self, count: int) -> None:
        """Refuse to draw the same greedy completion more than once.

        Raises:
            ConfigError: `count` is above 1 and the temperature is 0.
        """
        if count > 1 and self.temperature == 0:
            raise ConfigError(
                f"sampling: {count} greedy samples would all be the same; set a temperature above 0, or 1 sample."
            )


class Sampler(Protocol):
    """An engine with a model in it.

    One that has `waits`, true, leaves this process's time to others while it completes: it waits for a server, for processes,
    or for a device. The chunk before is graded meanwhile, in another thread.
    """

    @property
    def engine(self) -> str:
        """Name and version, as it stands in every row."""

    @property
    def loads(self) -> bool:
        """Whether `load` takes any checkpoint; a server that serves one model under one name does not."""

    @property
    def takes_adapters(self) -> bool:
        """Whether a checkpoint may be adapters alone, that name the weights they belong to."""

    def load(self, checkpoint: Path) -> None:
        """Make the engine complete by this checkpoint (a folder in Hugging Face format). Nothing is done where it does."""

    def complete(self, prompts: Sequence[Prompt], params: SamplingParams, watch: Watch = nobody) -> list[list[Completion]]:
        """Completions by prompt (P lists of K, K = the prompt's number of seeds), in order.

        A completion ends before its stop string. One that the engine failed at has the finish reason `ERROR`.
        """

    def close(self) -> None:
        """Give memory and processes back."""


class Weightless:
    """What samplers without a model have in common."""

    @property
    def loads(self) -> bool:
        """Any checkpoint is the same to it."""
        return True

    @property
    def takes_adapters(self) -> bool:
        """Any checkpoint is the same to it."""
        return True

    def load(self, checkpoint: Path) -> None:
        """There is nothing to load."""

    def close(self) -> None:
        """There is nothing to close."""
