"""The groups of `configs/`, as types: every plain key with the values it takes. Defaults stand in `configs/` alone.

A `Node` describes an object that is built later, by its `_target_` (see `build.py`); everything else is a plain value.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import msgspec

from mmst.errors import ConfigError

Node = dict[str, Any]
AtLeastOne = Annotated[int, msgspec.Meta(ge=1)]
AtLeastZero = Annotated[int, msgspec.Meta(ge=0)]
FileName = Annotated[str, msgspec.Meta(pattern=r"^(?!\.\.?$)[\w.=,+-]+$", max_length=120)]
Points = Annotated[float, msgspec.Meta(gt=0, lt=100)]
SomeText = Annotated[str, msgspec.Meta(min_length=1)]


@dataclass(frozen=True)
class Paths:
    """Where stages and converted models lie."""

    ledger: SomeText
    """A folder, or a URL."""
    cache: SomeText
    """The folder that a ledger at a URL works in."""
    models: SomeText


@dataclass(frozen=True)
class ModelSettings:
    """Group `model`."""

    name: SomeText
    checkpoint: Node
    shots: AtLeastZero
    chat: bool | Literal["auto"]
    max_tokens: AtLeastOne
    architecture: Node | None = None
    bare: bool = False
    system: str | None = None
    template: Node = field(default_factory=dict)
    prefill: str = ""
    threads: AtLeastOne | None = None
    """Of the CPU; None: as many as there are cores."""


@dataclass(frozen=True)
class DataSettings:
    """Group `dataset`: a node for each split that there is."""

    name: SomeText
    limit: AtLeastOne | None = None
    train: Node | None = None
    validation: Node | None = None
    test: Node | None = None
    heldout: Node | None = None
    seed: AtLeastZero = 0
    svamp: AtLeastOne = 1
    mawps: AtLeastOne | None = None
    by_template: bool = False

    def split(self, name: str) -> Node:
        """The node of one split.

        Raises:
            ConfigError: the data set has no such split.
        """
        node: Node | None = getattr(self, name) if name in SPLITS else None
        if node is None:
            raise ConfigError(f"dataset={self.name} has no split '{name}'; it has {', '.join(self.splits)}.")
        return node

    @property
    def splits(self) -> list[str]:
        """The splits that there are."""
        return [name for name in SPLITS if getattr(self, name) is not None]


SPLITS = ("train", "validation", "test", "heldout")


@dataclass(frozen=True)
class ObjectiveSettings:
    """Group `objective`."""

    aim: Literal["sft", "dpo", "rpo", "kto"] = "sft"
    pairs: Literal["within", "across", "both"] = "both"
    samples: AtLeastOne | None = None
    """How many samples of a problem `sampling.per_problem` is by default; None: as many as the data set says."""
    per_problem: AtLeastOne = 4
    beta: float = 0.1
    alpha: float = 1.0
    right: float = 1.0
    wrong: float = 1.0
    lr_share: float = 1.0


@dataclass(frozen=True)
class RecipeSettings:
    """Group `method`."""

    name: FileName
    edges: list[str] | Literal["all", "self"]
    match: FileName | None = None
    crossing: Literal["translate", "resolve", "hint", "shuffled", "trace"] = "translate"
    verify: bool = True
    compute: FileName | None = None
    tries: Literal["all", "until_verified", "repair"] = "all"
    send: Literal["all", "unsolved", "harder"] = "all"
    choose: Literal["all", "shortest", "likeliest", "distinct"] = "all"
    taught: bool = False
    objective: ObjectiveSettings | None = None
    """None: the run's."""


@dataclass(frozen=True)
class TranslatorSettings:
    """Group `translator`."""

    model: ModelSettings
    sampler: Node | None
    """None: the run's own, which loads one model after the other."""


@dataclass(frozen=True)
class EvaluationSettings:
    """How checkpoints are measured."""

    params: Node
    samples: AtLeastZero
    hardest: AtLeastZero
    sampled: Node
    reasons: list[Literal["steps", "execution", "judge"]]


@dataclass(frozen=True)
class DecontaminationSettings:
    """Which training problems are left out since they are tested on."""

    ngram: AtLeastOne | None
    templates: bool = False


@dataclass(frozen=True)
class SamplingSettings:
    """How the model answers the training problems."""

    per_problem: AtLeastOne
    params: Node
    until: AtLeastOne | None = None
    """None: `per_problem` samples of each problem."""
    at_most: AtLeastOne = 8
    weights: Literal["equal", "rarity"] = "equal"


@dataclass(frozen=True)
class TranslationSettings:
    """How right solutions are written in another method."""

    per_label: AtLeastOne
    labels_per_problem: AtLeastOne
    params: Node


@dataclass(frozen=True)
class TrainerSettings:
    """Group `trainer`."""

    accumulate: AtLeastOne
    own_process: bool
    launcher: Node
    trainer: Node
    options: Node
    strategy: str | Node
    precision: str | int


@dataclass(frozen=True)
class TrackerSettings:
    """Group `tracker`."""

    job: Node | None
    logger: Node | None
