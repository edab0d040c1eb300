"""Edges between methods, and recipes: the sets of edges that make a training set."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mmst.errors import ConfigError

ARROW = "->"
ALL, SELF = "all", "self"
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
    match: str | None = None
    """An arm that runs before it, whose quantity this one is cut down to; None: what the filter says for all arms."""

    @property
    def sources(self) -> tuple[str, ...]:
        """The methods whose samples it needs."""
        return tuple(dict.fromkeys(edge.source for edge in self.edges))

    @property
    def targets(self) -> tuple[str, ...]:
        """The methods that it trains."""
        return tuple(dict.fromkeys(edge.target for edge in self.edges))

    def replayed(self, methods: Iterable[str]) -> tuple[Edge, ...]:
        """Each method that it does not train, on itself: examples of these keep a model from forgetting them."""
        return tuple(Edge(method, method) for method in methods if method not in self.targets) if self.edges else ()

    @classmethod
    def parse(cls, name: str, edges: Sequence[str] | str, methods: Iterable[str], match: str | None = None) -> Recipe:
        """Read a recipe from the texts of its edges, or from `self` (each method on itself) or `all` (and every pair)."""
        known = list(methods)
        if name == BASE_ARM:
            raise ConfigError(f"method.name: '{BASE_ARM}' is the name of the untrained model in every table; choose another.")
        if isinstance(edges, str):
            return cls(name, _named(edges, known), match)
        parsed = tuple(Edge.parse(edge, known) for edge in edges)
        if len(set(parsed)) != len(parsed):
            raise ConfigError(f"method.edges: recipe '{name}' names an edge twice.")
        return cls(name, parsed, match)


def _named(edges: str, methods: Sequence[str]) -> tuple[Edge, ...]:
    if edges not in (ALL, SELF):
        raise ConfigError(f"method.edges={edges} must be '{ALL}', '{SELF}' or a list of edges such as [text -> code].")
    if edges == ALL and len(methods) < 2:
        raise ConfigError(
            f"method.edges={ALL} needs two solvers or more, and there is {', '.join(methods) or 'none'}; add one, as in "
            "'solvers=[text,code]', or choose method=self_both."
        )
    own = [Edge(method, method) for method in methods]
    crossing = [Edge(source, target) for target in methods for source in methods if source != target]
    return tuple(own + crossing if edges == ALL else own)
