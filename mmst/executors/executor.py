"""What an executor must do: compute parts of a run somewhere, several at a time."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Protocol, TypeVar

Found = TypeVar("Found")


class Executor(Protocol):
    """Computes parts of a run elsewhere. Used as a context; at its end whatever still computes is ended."""

    @property
    def chosen(self) -> bool:
        """Whether a user asked for several at a time, who is told where that cannot be."""

    def at_once(self, parts: int, threads: int | None) -> int:
        """How many of so many parts of a run it computes at a time; below 2: the run computes all of them itself.

        Args:
            parts: of the run.
            threads: of the CPU that each takes; None: all that there are.
        """

    def threads(self, at_once: int) -> int | None:
        """Threads of each of so many parts at a time, where their model does not say it; None: as its environment says."""

    def start(self, work: Callable[..., Found], *arguments: Any) -> Future[Found]:
        """Compute `work` of these arguments, which travel as pickles, as soon as there is room."""

    def __enter__(self) -> Executor:
        """The executor itself."""

    def __exit__(self, *error: object) -> None:
        """End whatever still computes."""
