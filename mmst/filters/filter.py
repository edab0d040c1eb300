"""The filter of a run: its keys, as a list of rules, and how much of what was found stays. docs/filters.md has the sources."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from mmst.answers.labels import LabelRule
from mmst.errors import ConfigError
from mmst.filters.rules import Complete, Derived, Distinct, Judged, NoLonger, PerProblem, RightSteps, Rule, Sameness, Withheld


class Quantity(StrEnum):
    """What the amount of training data is counted in."""

    EXAMPLES = "examples"
    TOKENS = "tokens"
    """Those that have a loss: the completions'."""


@dataclass(frozen=True, slots=True)
class Filter:
    """What a pseudo-label must be, and how many make a training set. docs/filters.md has the sources."""

    labels: LabelRule = LabelRule.GOLD
    """What decides that an answer is right."""
    least_share: float = 0.5
    """For labels without gold: the share of a problem's samples that must give the answer."""
    per_problem: int = 4
    """The most pseudo-labels of one problem on one edge: without a cap, easy problems fill the training set."""
    deduplicate: Sameness = Sameness.TEXT
    """Which of a problem's solutions count once."""
    drop_answer_only: bool = True
    """Drop a solution that states its answer without deriving it."""
    drop_constant: bool = False
    """Drop a program whose value stays when the problem's numbers in it are changed; each is run twice more."""
    drop_wrong_steps: bool = False
    """Drop a text in which a statement `a op b = c` does not hold."""
    longest: int | None = None
    """The most words of a solution."""
    balance: bool = False
    """Cut every edge's examples down to the fewest of any edge, at random."""
    match: str | None = None
    """Another arm: cut the examples down to as many as it has in the same round, each edge in proportion, at random."""
    match_by: Quantity = Quantity.EXAMPLES
    """What `match`, `share` and `most` count in."""
    share: float = 1.0
    """The share of the training set that stays, each edge in proportion, at random."""
    most: int | None = None
    """The most that the training set holds, each edge in proportion, at random."""
    disagreement: float | None = None
    """The share of the training set on problems that some methods solve and others do not, the rest on those that all solve:
    what the methods' (anti-)correlation is set by. None: as it comes. Needs gold answers."""
    replay: float = 0.0
    """The share of the training set that methods have which the recipe does not train, each with its own pseudo-labels, against
    forgetting."""
    withhold: float = 0.0
    """The share of the problems, drawn by their ids, whose translations are left out: whether what is learned from translations
    holds for problems that had none shows on these."""

    rules: tuple[Any, ...] = ()
    """More rules, each (row, context) -> a reason or None; see `mmst.filters.rules`."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "rules", tuple(self.rules))
        if odd := [rule for rule in self.rules if not callable(rule)]:
            raise ConfigError(f"filter.rules: {odd[0]!r} is no rule; name a class or function by _target_ (docs/extending.md).")
        object.__setattr__(self, "labels", LabelRule(self.labels))
        object.__setattr__(self, "deduplicate", Sameness(self.deduplicate))
        object.__setattr__(self, "match_by", Quantity(self.match_by))
        if self.per_problem < 1:
            raise ConfigError(f"filter.per_problem={self.per_problem} must be at least 1.")
        if self.longest is not None and self.longest < 1:
            raise ConfigError(f"filter.longest={self.longest} must be at least 1, or null.")
        if not 0 < self.share <= 1:
            raise ConfigError(f"filter.share={self.share} is a share of the training set, above 0 and at most 1.")
        if self.most is not None and self.most < 1:
            raise ConfigError(f"filter.most={self.most} must be at least 1, or null.")
        if self.disagreement is not None and not 0 <= self.disagreement <= 1:
            raise ConfigError(f"filter.disagreement={self.disagreement} is a share of the training set, from 0 to 1, or null.")
        if self.disagreement is not None and self.replay:
            raise ConfigError("filter: disagreement and replay both say what the training set consists of; set one of them.")
        self._check_shares()

    def _check_shares(self) -> None:
        if not 0 <= self.replay < 1:
            raise ConfigError(f"filter.replay={self.replay} is a share of the training set, from 0 to below 1.")
        if not 0 <= self.withhold < 1:
            raise ConfigError(f"filter.withhold={self.withhold} is a share of the problems, from 0 to below 1.")
        if not 0 < self.least_share <= 1:
            raise ConfigError(f"filter.least_share={self.least_share} must be above 0 and at most 1.")

    @property
    def cuts(self) -> bool:
        """Whether it says how much of what was found stays."""
        return self.balance or self.share < 1 or self.most is not None or self.disagreement is not None

    @property
    def before_answers(self) -> list[Rule]:
        """The rules that are asked before the answer is looked at, in their order."""
        rules: list[Rule] = [Judged(self.labels is LabelRule.GOLD), Complete()]
        return [*rules, NoLonger(self.longest)] if self.longest is not None else rules

    @property
    def after_answers(self) -> list[Rule]:
        """The rules that are asked of rows with the answer that is wanted, in their order."""
        rules: list[Rule] = [Derived()] if self.drop_answer_only else []
        rules += [RightSteps()] if self.drop_wrong_steps else []
        rules += [*self.rules, Distinct(self.deduplicate), PerProblem(self.per_problem)]
        return [*rules, Withheld(self.withhold)] if self.withhold else rules
