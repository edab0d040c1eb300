"""What a composed configuration must hold, and how its mistakes are told in one sentence."""

from __future__ import annotations

import errno
import re
from collections.abc import Callable
from dataclasses import is_dataclass
from functools import wraps
from typing import Annotated, Any, Literal, ParamSpec, TypeVar, get_type_hints

import hydra
import msgspec
from hydra.errors import HydraException, OverrideParseException
from hydra.utils import get_class
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from mmst.errors import ConfigError, UserError
from mmst.rounds import InitFrom

P = ParamSpec("P")
R = TypeVar("R")
AtLeastOne = Annotated[int, msgspec.Meta(ge=1)]
AtLeastZero = Annotated[int, msgspec.Meta(ge=0)]
FileName = Annotated[str, msgspec.Meta(pattern=r"^(?!\.\.?$)[\w.=,+-]+$", max_length=120)]
SomeText = Annotated[str, msgspec.Meta(min_length=1)]

PLAIN: dict[str, Any] = {
    "name": FileName,
    "seed": AtLeastZero,
    "chunk": AtLeastOne,
    "redo_unjudged": bool,
    "rounds": AtLeastOne,
    "plan": bool,
    "init_from": InitFrom,
    "arms": list[str],
    "datasets": list[str],
    "checkpoints": dict[str, str],
    "evaluation.samples": AtLeastZero,
    "splits": Annotated[list[str], msgspec.Meta(min_length=1)] | None,
    "show": AtLeastZero,
    "decontaminate": AtLeastOne | None,
    "trainer.accumulate": AtLeastOne,
    "sampling.per_problem": AtLeastOne,
    "translation.per_label": AtLeastOne,
    "translation.labels_per_problem": AtLeastOne,
    "paths.ledger": SomeText,
    "paths.models": SomeText,
    "model.name": SomeText,
    "model.shots": AtLeastZero,
    "model.chat": bool | Literal["auto"],
    "model.system": str | None,
    "model.prefill": str,
    "model.template": dict[str, Any],
    "model.bare": bool,
    "prompts": AtLeastZero,
    "model.max_tokens": AtLeastOne,
    "dataset.name": SomeText,
    "dataset.limit": AtLeastOne | None,
    "dataset.seed": AtLeastZero,
    "dataset.svamp": AtLeastOne,
    "dataset.mawps": AtLeastOne | None,
    "dataset.by_template": bool,
    "method.name": FileName,
    "method.match": FileName | None,
    "method.edges": list[str] | Literal["all", "self"],
}
"""What the plain keys must hold; a key that a job does not have is not asked for."""
DATA_NODES = ("paths", "methods", "model", "model.checkpoint", "dataset", "sampler", "sandbox")
LABEL_NODES = ("method", "filter", "sampling", "translation")
NODES = {
    "train": (*DATA_NODES, *LABEL_NODES, "evaluation", "trainer", "trainer.trainer", "trainer.options", "tracker", "hardware"),
    "generate": (*DATA_NODES, *LABEL_NODES),
    "eval": (*DATA_NODES, "evaluation", "tracker"),
}
"""The parts that each job's configuration must have."""
SPLITS = ("train", "validation", "test", "heldout")
SEARCH_PATH = re.compile(r"\s*Config search path:.*")


def config_errors(read: Callable[P, R]) -> Callable[P, R]:
    """Decorate a function that only reads the configuration: what it stumbles over is the configuration's fault."""

    @wraps(read)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return read(*args, **kwargs)
        except (UserError, OSError):
            raise
        except Exception as error:
            raise ConfigError(explained(error) or f"config: {_one_line(error) or type(error).__name__}") from error

    return guarded


@config_errors
def check_config(config: DictConfig) -> None:
    """Refuse a part that is missing, and a plain value that is not of its type, by its key.

    Raises:
        ConfigError: names the key, the value seen and what it must be.
    """
    for key in NODES[config.job]:
        if not isinstance(OmegaConf.select(config, key), DictConfig):
            raise ConfigError(f"{key} is not set to anything usable; --help lists what can be chosen.")
    check_plain(config)


def check_plain(config: DictConfig, under: str = "") -> None:
    """Refuse a plain value that is not of its type, among the keys that begin with `under`.

    Raises:
        ConfigError: as `check_config`.
    """
    for key, kind in PLAIN.items():
        if not key.startswith(under):
            continue
        parent, _, name = key.rpartition(".")
        node = OmegaConf.select(config, parent) if parent else config
        if node is not None and name in node:
            _check_value(key, node[name], kind)


def built(node: DictConfig, where: str) -> Any:
    """The object that a node describes. A value that its constructor refuses is the user's to mend."""
    _check_types(node, where)
    try:
        return hydra.utils.instantiate(node, _convert_="all")
    except (HydraException, OmegaConfBaseException) as error:
        sentence = explained(error)
        if sentence is not None and not sentence.startswith("config:"):
            raise ConfigError(sentence) from error
        raise ConfigError(f"{where}: {_one_line(error.__cause__ or error)}") from error


def explained(error: BaseException) -> str | None:
    """One sentence for an error that the user can mend; None for one of ours."""
    chain = [error]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) is not None and cause not in chain:
        chain.append(cause)
    for link in chain:
        if isinstance(link, UserError):
            return str(link)
        if isinstance(link, OSError) and link.errno == errno.ENOSPC:
            where = link.filename or "the run folder"
            return f"no space is left on the device of {where}; free some, and the same command goes on."
        if isinstance(link, OSError) and link.filename and link.strerror:
            return f"{link.filename}: {link.strerror.lower()}."
        if isinstance(link, FloatingPointError):
            return f"train: {link}."
        if isinstance(link, OverrideParseException):
            return f"config: '{link.override}' cannot be read as KEY=VALUE; quote it, or close its brackets."
        if isinstance(link, ValueError) and str(link).startswith("Config group override must be"):
            return "config: a group cannot be null; leave it out for its default, or choose one as GROUP=NAME (--help)."
    if isinstance(error, HydraException | OmegaConfBaseException):
        words = [_one_line(link) for link in chain if isinstance(link, HydraException | OmegaConfBaseException | TypeError)]
        return f"config: {'; '.join(dict.fromkeys(words))}"
    return None


def _check_types(node: DictConfig, where: str) -> None:
    """Refuse a value that is not of the type its dataclass declares, by the value's key."""
    if not isinstance(node, DictConfig):
        raise ConfigError(f"{where}={node} is not usable: it must be a group of keys.")
    target = get_class(node._target_) if _names_class(node) else None
    hints = get_type_hints(target) if is_dataclass(target) else {}
    for key in map(str, node):
        if isinstance(node[key], DictConfig):
            _check_types(node[key], f"{where}.{key}")
        elif key in hints:
            _check_value(f"{where}.{key}", node[key], hints[key])


def _check_value(key: str, value: Any, kind: Any) -> None:
    plain = OmegaConf.to_container(value) if OmegaConf.is_config(value) else value
    try:
        msgspec.convert(plain, kind, strict=True)
    except msgspec.ValidationError as error:
        shown = "null" if plain is None else plain
        raise ConfigError(f"{key}={shown!s} is not usable: {str(error).lower()}.") from error


def _names_class(node: DictConfig) -> bool:
    target = str(node.get("_target_", ""))
    return "." in target and target.rsplit(".", 1)[-1][:1].isupper()


def _one_line(error: BaseException) -> str:
    lines = [
        line.strip()
        for line in str(error).splitlines()
        if line.strip() and "full_key:" not in line and "object_type=" not in line
    ]
    text = " ".join(lines)
    return SEARCH_PATH.sub("", text)[:400].strip()
