"""Question -> hidden state: what a checkpoint makes of each question, before it answers by any method.

1. In: questions (P), a checkpoint in the engine.
2. The last hidden states of a question's tokens, in their mean: a vector of the model's width.
3. Out: P rows. A question's row does not depend on its neighbours beyond the last digits of its numbers.

The same of solutions, each after the prompt that it answers: a vector of twice the model's width.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np

from mmst.types import Example

VERSION = 1
CHUNK = 500
"""Questions a chunk: part of no key, and a vector's last digits depend on its neighbours, so it is one number for all runs."""


@dataclass(frozen=True, slots=True)
class HiddenSpec:
    """What determines the vectors."""

    engine: str
    """Name and version of the engine."""
    engine_source: str | None
    """See `mmst.ledger.spec.source_of`."""
    checkpoint: str
    questions: str
    """A hash of them, in their order."""
    version: int = VERSION


@dataclass(frozen=True, slots=True)
class SolutionStatesSpec:
    """What determines the vectors of solutions."""

    engine: str
    engine_source: str | None
    """See `mmst.ledger.spec.source_of`."""
    checkpoint: str
    """Of the model that reads, which need not be the one that wrote."""
    solutions: str
    """A hash of the prompts and completions, in their order."""
    version: int = VERSION


@dataclass(frozen=True, slots=True)
class HiddenState:
    """One question's vector, or one solution's."""

    vector: bytes
    """Little-endian float32, as many as the model is wide; twice as many for a solution."""


@runtime_checkable
class Reader(Protocol):
    """A sampler that gives hidden states."""

    def hidden(self, texts: Sequence[str]) -> list[list[float]]:
        """The mean of each text's last hidden states (P x H), by the model that is loaded."""


@runtime_checkable
class SolutionReader(Protocol):
    """A sampler that gives hidden states of solutions."""

    def hidden_solutions(self, solutions: Sequence[Example]) -> list[list[float]]:
        """The mean of each solution's last hidden states, and the last of them (P x 2H), by the model that is loaded."""


def hidden(questions: Sequence[str], reader: Reader) -> list[HiddenState]:
    """Each question's vector."""
    return [HiddenState(row.tobytes()) for row in np.asarray(reader.hidden(questions), dtype="<f4")]


def solution_states(solutions: Sequence[Example], reader: SolutionReader) -> list[HiddenState]:
    """Each solution's vector."""
    return [HiddenState(row.tobytes()) for row in np.asarray(reader.hidden_solutions(solutions), dtype="<f4")]


def matrix(rows: Iterable[HiddenState]) -> Any:
    """The vectors as an array: P x H."""
    return np.array([np.frombuffer(row.vector, dtype="<f4") for row in rows])
