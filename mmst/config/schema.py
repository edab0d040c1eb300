"""What a composed configuration holds, as types: every plain key with the values it takes. Defaults stand in `configs/` alone.

A `Node` describes an object that is built later, by its `_target_` (see `build.py`); everything else is a plain value.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import msgspec
import msgspec.inspect

from mmst.config.push import PushSettings
from mmst.config.sentences import config_errors
from mmst.errors import ConfigError

Node = dict[str, Any]
AtLeastOne = Annotated[int, msgspec.Meta(ge=1)]
AtLeastZero = Annotated[int, msgspec.Meta(ge=0)]
FileName = Annotated[str, msgspec.Meta(pattern=r"^(?!\.\.?$)[\w.=,+-]+$", max_length=120)]
Points = Annotated[float, msgspec.Meta(gt=0, lt=100)]
SomeText = Annotated[str, msgspec.Meta(min_length=1)]
PART = re.compile(r"[^.\[\]]+")
"""A part of a key such as `evaluation.reasons[0]`."""
S = TypeVar("S")


@dataclass(frozen=True)
class Paths:
    """Where stages and converted models lie."""

    ledger: SomeText
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


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What every job has."""

    job: str
    name: FileName
    title: str | None = None
    push: PushSettings | bool = False
    seed: AtLeastZero
    chunk: AtLeastOne
    chunk_seconds: Annotated[float, msgspec.Meta(gt=0)] | None
    redo_unjudged: bool
    prompts: AtLeastZero
    paths: Paths
    solvers: dict[str, Node]
    model: ModelSettings
    dataset: DataSettings
    sampler: Node
    sandbox: Node
    judge: Node | None = None
    splits: Annotated[list[str], msgspec.Meta(min_length=1)] | None = None
    others: dict[str, DataSettings] = field(default_factory=dict)
    """Further data sets to measure on, by name: what `datasets` names."""
    arms: list[str] = field(default_factory=list)
    recipes: list[RecipeSettings] = field(default_factory=list)
    """Those that `arms` names, then the main one."""
    folder: Path = Path()
    """The run's folder."""
    group: str | None = None
    """The sweep that the job is of."""
    whole: Node = field(default_factory=dict)
    """The composed configuration, for the record."""


@dataclass(frozen=True, kw_only=True)
class EvalSettings(Settings):
    """`mmst eval`."""

    evaluation: EvaluationSettings
    policy: dict[str, Node] = field(default_factory=dict)
    learned: str | None = None
    tracker: TrackerSettings
    checkpoints: dict[str, str]
    plan: bool = False
    power: Points | None = None
    power_from: str | None = None


@dataclass(frozen=True, kw_only=True)
class AnswerSettings(Settings):
    """`mmst answer`."""

    evaluation: EvaluationSettings
    policy: dict[str, Node]
    run: str | None
    arm: str | None
    learned: str | None
    server: str | None
    kind: Literal["number", "choice", "yes_no", "text"]


@dataclass(frozen=True, kw_only=True)
class ServeSettings(AnswerSettings):
    """`mmst serve`."""

    host: str
    port: AtLeastZero


@dataclass(frozen=True, kw_only=True)
class GenerateSettings(Settings):
    """`mmst generate`."""

    method: RecipeSettings
    filter: Node
    sampling: SamplingSettings
    translation: TranslationSettings
    translator: TranslatorSettings | None = None
    decontaminate: DecontaminationSettings | AtLeastOne | None
    """A number, or null, is `ngram` alone."""
    show: AtLeastZero


@dataclass(frozen=True, kw_only=True)
class TrainSettings(Settings):
    """`mmst train`."""

    method: RecipeSettings
    filter: Node
    sampling: SamplingSettings
    translation: TranslationSettings
    translator: TranslatorSettings | None = None
    decontaminate: DecontaminationSettings | AtLeastOne | None
    """A number, or null, is `ngram` alone."""
    evaluation: EvaluationSettings
    policy: dict[str, Node] = field(default_factory=dict)
    trainer: TrainerSettings
    executor: Node
    objective: ObjectiveSettings
    tracker: TrackerSettings
    hardware: Node
    rounds: AtLeastOne
    init_from: Literal["base", "previous"]
    on_collapse: Literal["warn", "stop"]
    plan: bool
    power: Points | None = None
    power_from: str | None = None


LabelSettings = GenerateSettings | TrainSettings
"""Of jobs that make training data."""
JOBS: dict[str, type[Settings]] = {
    "train": TrainSettings,
    "generate": GenerateSettings,
    "eval": EvalSettings,
    "answer": AnswerSettings,
    "serve": ServeSettings,
}


@config_errors
def checked(values: Node, kind: type[S], under: str = "") -> S:
    """Plain values as settings. under: the key that they stand under, for messages.

    Raises:
        ConfigError: names the key, the value seen and what it must be.
    """
    try:
        return msgspec.convert(values, kind, strict=True)
    except msgspec.ValidationError as error:
        raise ConfigError(refusal(error, values, under, kind)) from error


def refusal(error: msgspec.ValidationError, values: Node, under: str = "", kind: type | None = None) -> str:
    """Msgspec's words, with the key and the value that they are about; what it may be instead, where `kind` lists that."""
    words, _, place = str(error).partition(" - at `$")
    key = place.rstrip("`").removesuffix("[...]").lstrip(".")
    value: Any = values
    parts = PART.findall(key)
    for part in parts:
        value = _inside(value, part)
    shown = f"{under}{key}"
    if "missing required field" in words.lower():
        missing = words.rpartition("field ")[2].strip("`")
        shown, value = (f"{shown}.{missing}" if shown else missing), None
        words = "`object`"
    if value is None and "`object`" in words:
        return f"{shown} is not set to anything usable; --help lists what can be chosen."
    listed = "" if kind is None else ", ".join(_values(msgspec.inspect.type_info(kind), parts))
    said = f"it must be one of {listed}" if listed and not isinstance(value, list | dict) else f"{words[:1].lower()}{words[1:]}"
    return f"{shown}={'null' if value is None else value} is not usable: {said}."


def _inside(value: Any, part: str) -> Any:
    """A value of a mapping by its key, of a list by its number; None where there is none."""
    if isinstance(value, list) and part.isdecimal():
        return value[int(part)] if int(part) < len(value) else None
    return value.get(part) if isinstance(value, dict) else None


def _values(kind: Any, place: Sequence[str]) -> list[str]:
    """The values that a key takes, where they are listed. place: the key's parts below `kind`."""
    if isinstance(kind, msgspec.inspect.UnionType):
        return [value for one in kind.types for value in _values(one, place)]
    if isinstance(kind, msgspec.inspect.ListType):
        return _values(kind.item_type, place[1:])
    if isinstance(kind, msgspec.inspect.BoolType):
        return ["true", "false"]
    if place and isinstance(kind, msgspec.inspect.DataclassType):
        return [value for field in kind.fields if field.name == place[0] for value in _values(field.type, place[1:])]
    return [str(value) for value in kind.values] if isinstance(kind, msgspec.inspect.LiteralType) else []
