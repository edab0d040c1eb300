"""Edges between methods, and recipes: the sets of edges that make a training set."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

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


class Crossing(StrEnum):
    """How the target comes by its solution where an edge crosses. All but the first are controls with as many attempts."""

    TRANSLATE = "translate"
    """It is shown the source's solution (arXiv 2307.10633, section 3)."""
    RESOLVE = "resolve"
    """It tries the problem again, and is shown nothing: what more tries on the problems that the source solves are worth."""
    HINT = "hint"
    """It is told the pseudo-label's answer (rationalization, STaR, arXiv 2203.14465, section 3.2)."""
    SHUFFLED = "shuffled"
    """It is shown the source's solution of another problem."""
    TRACE = "trace"
    """It is shown the source's program with the values that it computed beside its lines (after Parrot, arXiv 2510.25310): no
    control, but a translation with more to go by."""


TAUGHT = "taught"
"""What attempts are called that another model makes."""


def attempt_title(edge: Edge, crossing: Crossing = Crossing.TRANSLATE, number: int = 1, taught: bool = False) -> str:
    """What attempts on an edge are called on the screen, and drawn for: `code -> text, trace, try 2`."""
    return ", ".join([str(edge), *differences(crossing, f"try {number}" if number > 1 else "", taught)])


def differences(crossing: Crossing, again: str, taught: bool = False) -> list[str]:
    """How attempts differ from the model's translations at the first try; again: the word for a later one."""
    words = "" if crossing is Crossing.TRANSLATE else str(crossing), TAUGHT if taught else "", again
    return [word for word in words if word]


class Tries(StrEnum):
    """How often a pseudo-label is tried, where an edge crosses."""

    ALL = "all"
    """As often as it may be."""
    UNTIL_VERIFIED = "until_verified"
    """Until a try keeps the answer."""
    REPAIR = "repair"
    """The same, and each try is shown the one that failed before it, and what that gave."""


class Send(StrEnum):
    """Which pseudo-labels are tried, and how often each, where an edge crosses."""

    ALL = "all"
    UNSOLVED = "unsolved"
    """Those of problems that none of the target's own samples solves."""
    HARDER = "harder"
    """The more often the more of the target's own samples fail (DART-Math, arXiv 2407.13690), as many tries in all."""


class Choice(StrEnum):
    """Which of a problem's verified translations are learned from."""

    ALL = "all"
    SHORTEST = "shortest"
    LIKELIEST = "likeliest"
    """The one with the highest mean log-probability."""
    DISTINCT = "distinct"
    """The one that shares the fewest words with the target's own right solutions of the problem."""


class Contrast(StrEnum):
    """Which right solutions stand beside a method's own wrong ones, where an objective compares."""

    NONE = "none"
    WITHIN = "within"
    """The method's own."""
    ACROSS = "across"
    """Those that were translated into it."""
    BOTH = "both"
    ALONE = "alone"
    """None: right and wrong solutions are taken each alone."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """A named set of edges: what one arm is trained on. Without edges the arm is the base model itself."""

    name: str
    edges: tuple[Edge, ...]
    match: str | None = None
    """An arm that runs before it, whose quantity this one is cut down to; None: what the filter says for all arms."""
    crossing: Crossing = Crossing.TRANSLATE
    verify: bool = True
    """Whether a translation must keep its source's answer; False: each that passes the other rules is learned from."""
    compute: str | None = None
    """An arm that runs before it, whose sampled and translated tokens this one spends on samples of its own."""
    tries: Tries = Tries.ALL
    send: Send = Send.ALL
    choose: Choice = Choice.ALL
    taught: bool = False
    """Whether another model, the run's translator, makes the attempts: what translations that hold more often are worth."""
    contrast: Contrast = Contrast.NONE
    contrasts: int = 4
    """How many pairs of a problem and method there are at most; where each is taken alone, how many wrong solutions."""

    @property
    def asked(self) -> tuple[str, ...]:
        """The methods whose samples it looks at: its sources, and its targets where it goes by their own samples."""
        by_targets = self.send is not Send.ALL or self.choose is Choice.DISTINCT or self.contrast is not Contrast.NONE
        return tuple(dict.fromkeys((*self.sources, *(self.targets if by_targets else ()))))

    @property
    def sources(self) -> tuple[str, ...]:
        """The methods whose samples it needs."""
        return tuple(dict.fromkeys(edge.source for edge in self.edges))

    @property
    def before(self) -> tuple[str, ...]:
        """The arms that must run before it."""
        return tuple(name for name in (self.match, self.compute) if name is not None)

    @property
    def targets(self) -> tuple[str, ...]:
        """The methods that it trains."""
        return tuple(dict.fromkeys(edge.target for edge in self.edges))

    def replayed(self, methods: Iterable[str]) -> tuple[Edge, ...]:
        """Each method that it does not train, on itself: examples of these keep a model from forgetting them."""
        return tuple(Edge(method, method) for method in methods if method not in self.targets) if self.edges else ()

    @classmethod
    def parse(cls, name: str, edges: Sequence[str] | str, methods: Iterable[str]) -> Recipe:
        """Read a recipe from the texts of its edges, or from `self` (each method on itself) or `all` (and every pair)."""
        known = list(methods)
        if name == BASE_ARM:
            raise ConfigError(f"method.name: '{BASE_ARM}' is the name of the untrained model in every table; choose another.")
        if isinstance(edges, str):
            return cls(name, _named(edges, known))
        parsed = tuple(Edge.parse(edge, known) for edge in edges)
        if len(set(parsed)) != len(parsed):
            raise ConfigError(f"method.edges: recipe '{name}' names an edge twice.")
        return cls(name, parsed)


def in_order(recipes: Iterable[Recipe]) -> list[Recipe]:
    """Recipes in their order, but each behind those that must run before it, where these are among them."""
    waiting, ordered = list(recipes), list[Recipe]()
    while waiting:
        names = {recipe.name for recipe in waiting}
        free = next((recipe for recipe in waiting if not names.intersection(recipe.before)), waiting[0])
        waiting.remove(free)
        ordered.append(free)
    return ordered


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
