"""Edges between methods, and recipes: the sets of edges that make a training set."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mmst.errors import ConfigError

ARROW = "->"
BASE_ARM = "base"
"""The arm without training, in tables."""


@dataclass(frozen=True, slots=True, order=True)
class Edge:
    """`source -> target`: pseudo-labels of `source`, as solutions by `target`. `text -> text` is plain self-training."""

    source: str
    target: str

    @property
    def crosses(self) -> bool:
        """Whether pseudo-labels have to be translated."""
        return self.source != self.target

    def __str__(self) -> str:
        return f"{self.source} {ARROW} {self.target}"

    @classmethod
    def parse(cls, text: str, methods: Iterable[str]) -> Edge:
        """Read `code -> text`.

        Raises:
            ConfigError: no edge, or one between methods that are not there.
        """
        known = list(methods)
        parts = [part.strip() for part in str(text).split(ARROW)]
        if len(parts) != 2 or not all(part in known for part in parts):
            raise ConfigError(
                f"method.edges: '{text}' is not an edge; write 'SOURCE -> TARGET' with methods of {', '.join(known)}."
            )
        return cls(*parts)


@dataclass(frozen=True, slots=True)
class Recipe:
    """A named set of edges: what one arm is trained on. Without edges the arm is the base model itself."""

    name: str
    edges: tuple[Edge, ...]

    @classmethod
    def parse(cls, name: str, edges: Sequence[str], methods: Iterable[str]) -> Recipe:
        """Read a recipe from the texts of its edges."""
        known = list(methods)
        if name == BASE_ARM:
            raise ConfigError(f"method.name: '{BASE_ARM}' is the name of the untrained model in every table; choose another.")
        parsed = tuple(Edge.parse(edge, known) for edge in edges)
        if len(set(parsed)) != len(parsed):
            raise ConfigError(f"method.edges: recipe '{name}' names an edge twice.")
        return cls(name, parsed)
