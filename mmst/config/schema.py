"""What a composed configuration of each job holds, as types, and how one is read into them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import msgspec
import msgspec.inspect

from mmst.config.groups import (
    AtLeastOne,
    AtLeastZero,
    DataSettings,
    DecontaminationSettings,
    EvaluationSettings,
    FileName,
    ModelSettings,
    Node,
    ObjectiveSettings,
    Paths,
    Points,
    RecipeSettings,
    SamplingSettings,
    TrackerSettings,
    TrainerSettings,
    TranslationSettings,
    TranslatorSettings,
)
from mmst.config.push import PushSettings
from mmst.config.sentences import config_errors
from mmst.errors import ConfigError

PART = re.compile(r"[^.\[\]]+")
"""A part of a key such as `evaluation.reasons[0]`."""
S = TypeVar("S")


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
