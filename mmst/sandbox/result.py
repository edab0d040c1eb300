"""What became of one program, and the interface of whatever runs programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol


class Status(StrEnum):
    """The fate of one program. `REFUSED` and `LOST` are failures of ours: their samples are unjudged."""

    OK = "ok"
    ERROR = "error"
    """It raised; `type` names the exception."""
    TIMEOUT = "timeout"
    """It used up its CPU time, or slept through its wall-clock time."""
    MEMORY = "memory"
    CRASHED = "crashed"
    """It died of a signal, or left without a result."""
    REFUSED = "refused"
    """The sandbox would not run it."""
    LOST = "lost"
    """The sandbox died while it ran, twice."""


UNJUDGED = frozenset({Status.REFUSED, Status.LOST})


@dataclass(frozen=True, slots=True)
class Program:
    """A program to run.

    Without `entry` (an expression), `solution()` is called where it is defined, else the value of `answer` is taken. With
    `tests`, those are run on its function `entry_point` from another process, and the value is `passed` where all pass;
    arguments and values go between the two as Python literals.
    """

    name: str
    code: str
    entry: str | None = None
    tests: str | None = None
    entry_point: str | None = None
    given: str = ""
    """A text that the program finds under the name `GIVEN`, such as a database: it may be longer than a program."""


@dataclass(frozen=True, slots=True)
class Result:
    """What one program did. `value` is canonical text, never an object of the program's making."""

    name: str
    status: Status
    type: str = ""
    """The type's name: of the value where the status is ok, of the exception where it is error."""
    value: str = ""
    stdout: str = ""
    line: int | None = None
    """The line of the program at which the exception was raised, from 1."""
    seconds: float = 0.0
    """CPU seconds used."""


class Executor(Protocol):
    """Runs programs that a model wrote, and reports every one of them.

    One that has `apart`, true, does so for any thread, also for one that has ended when the next asks.
    """

    @property
    def settings(self) -> Mapping[str, Any]:
        """What a result may depend on beside its program, in JSON's own types."""

    def execute(self, programs: Sequence[Program]) -> list[Result]:
        """Run programs; the results come in the programs' order. Never raises for what a program does."""

    def close(self) -> None:
        """Stop all processes. Idempotent."""
