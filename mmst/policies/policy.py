"""What a policy is. `configs/policy/NAME.yaml` names a class; another package's class will do as well.

1. `needs` says what has to be sampled for it, before anything is.
2. `fit` makes the chooser, from verdicts on training problems where it learns from any. What is fitted can be saved.
3. A chooser's `choose` is a pure function from cases to choices, one each, in their order.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from mmst.errors import ConfigError
from mmst.methods.picking import Asking
from mmst.policies.case import Case, Choice, Experience


class PolicyError(ConfigError):
    """A policy lacks what it needs. Raised by a policy; names the command, or the key, that makes it."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What has to be there for a policy."""

    samples: Mapping[str, int] = field(default_factory=dict)
    """Method -> sampled answers of each problem."""
    translations: Sequence[str] = ()
    """Edges, such as `text -> code`, along which greedy answers are translated."""
    experience: bool = False
    """Verdicts on training problems."""
    hidden: bool = False
    """The model's hidden states of the questions."""
    solutions: int = 0
    """Training problems, at the most, whose solutions the model reads, as it does `samples`' of each problem; 0: none."""
    picks: Mapping[str, Asking] = field(default_factory=dict)
    """Policy -> how the model is asked which of the greedy answers' solutions is right."""


class Chooser(Protocol):
    """A policy that is ready to choose."""

    def choose(self, cases: Sequence[Case]) -> list[Choice]:
        """One choice a case, in their order.

        Raises:
            PolicyError: the cases lack what it needs.
        """
        ...


class Policy(ABC):
    """A way to choose among the answers to one problem."""

    learns = False
    """Whether `fit` makes something that is worth saving."""
    compares = False
    """Whether it holds answers against each other: impossible where a hidden test decides instead of an answer."""

    @property
    @abstractmethod
    def name(self) -> str:
        """What its row is called."""

    def needs(self, methods: Sequence[str]) -> Needs:
        """What must be there for these methods.

        Raises:
            PolicyError: it is no policy for these methods.
        """
        return Needs()

    def beside(self, methods: Sequence[str]) -> list[Policy]:
        """Policies whose rows belong beside this one's, as what it is held against."""
        return []

    @abstractmethod
    def fit(self, experience: Experience | None) -> Chooser:
        """Ready to choose.

        Raises:
            PolicyError: there is no experience, and it needs some; or not such as it needs.
        """

    def restore(self, saved: Any) -> Chooser:
        """What `fit` made earlier, from plain values.

        Raises:
            msgspec.ValidationError: they are not what `fit` makes.
        """
        return self.fit(None)


def known(name: str, experience: Experience | None, methods: Sequence[str] = ()) -> Experience:
    """Experience that there has to be.

    Raises:
        PolicyError: there is none, or it lacks a method.
    """
    missing = (
        list(methods) if experience is None else [method for method in methods if not sum(experience.judged.get(method, ()))]
    )
    if experience is None or missing or not any(sum(judged) for judged in experience.judged.values()):
        what = f" of {', '.join(missing)}" if missing else ""
        raise PolicyError(
            f"policy={name} learns from verdicts on training problems, and there are none{what}; "
            f"`mmst train method=self_both 'policy=[{name}]'` makes them, and leaves what is learned in its run's "
            "folder (learned=FOLDER)."
        )
    return experience


def check_answers(name: str, cases: Sequence[Case], least: Mapping[str, int]) -> None:
    """Refuse cases with fewer sampled answers than a policy needs.

    Raises:
        PolicyError: names the key that draws more.
    """
    for case in cases:
        short = [method for method, count in least.items() if len(case.samples.get(method, ())) < count]
        if short:
            there = len(case.samples.get(short[0], ()))
            raise PolicyError(
                f"policy={name} needs {least[short[0]]} sampled answers of each problem by {short[0]}, and there are {there}; "
                f"evaluation.samples={max(least.values())} draws them."
            )
