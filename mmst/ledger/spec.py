"""What determines a stage's rows, and the key that its rows are found by.

A stage declares its inputs as a frozen dataclass, such as `SampleSpec`. The key is a hash of the whole of it: no field can be
forgotten, since none is named a second time. Rows are named by a hash of themselves, and a plugged-in part (a method, an
executor, an engine) by its settings and the version of its class: what this package's own classes declare, a hash of the
source for all others.
"""

from __future__ import annotations

import hashlib
import inspect
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from functools import partial
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec

from mmst.errors import ConfigError

KEY_LENGTH = 16
"""Hexadecimal digits."""
HASHED_TOGETHER = 1_000
"""Rows that are encoded at once; no key depends on it."""
OWN = __name__.partition(".")[0]
BUILT_IN = frozenset({*sys.stdlib_module_names, "typing_extensions"})


@dataclass(frozen=True, slots=True)
class PartSpec:
    """A plugged-in object, such as a method: what its class is, and how it is set."""

    version: str
    """See `version_of`."""
    settings: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RowsSpec:
    """Rows that were computed elsewhere, and are kept as they are: they are named by nothing but themselves."""

    rows: str
    """See `rows_key`."""


def key_of(spec: object) -> str:
    """A short hash of a spec, or of settings: of each field, whatever the order of mappings.

    Raises:
        TypeError: a value is not plain, so that nothing can be said of when two are equal.
    """
    return _short(msgspec.msgpack.encode(spec, order="deterministic"))


def rows_key(rows: Iterable[object]) -> str:
    """A short hash of rows, in their order."""
    digest, encoder, left = hashlib.sha256(), msgspec.json.Encoder(), iter(rows)
    while part := list(islice(left, HASHED_TOGETHER)):
        digest.update(encoder.encode_lines(part))
    return digest.hexdigest()[:KEY_LENGTH]


def plain(spec: object) -> dict[str, Any]:
    """A spec as JSON's own types, as it stands in a manifest."""
    found: dict[str, Any] = msgspec.to_builtins(spec, order="deterministic", str_keys=True)
    return found


def part_spec(part: object, settings: Mapping[str, Any] | None = None) -> PartSpec:
    """What determines what a part does: its class, and `settings`, or else all of its own fields that do not begin with `_`.

    Raises:
        ConfigError: a field holds what has no plain value and no source.
    """
    values = _fields(part) if settings is None else settings
    try:
        return PartSpec(version_of(part), {name: _plain_value(value) for name, value in values.items()})
    except TypeError as error:
        raise ConfigError(
            f"{type(part).__qualname__}: a field has no plain value ({error}), so results of two settings could not be told "
            "apart; make it a number, a text or a dataclass, or begin its name with an underscore if no result depends on it."
        ) from error


def source_of(part: object) -> str | None:
    """A hash of the source of a part's class; None for a class of this package, which tells its version otherwise."""
    return None if _package(type(part)) == OWN else version_of(part)


def version_of(part: object) -> str:
    """A part's class, and those that it is made of: for this package's own their `version`, for others a hash of their module.

    What another module does for a class is not seen, such as a library that it calls. A part that has another do all of its
    work elsewhere names that one's class, as `stands_for`.

    Raises:
        ConfigError: a class has no source that can be read.
    """
    kind: type = getattr(part, "stands_for", type(part)) if _package(type(part)) == OWN else type(part)
    bases = [base for base in kind.__mro__ if _package(base) not in BUILT_IN]
    return " < ".join(_own_version(base) if _package(base) == OWN else _source_version(base) for base in bases)


def _own_version(kind: type) -> str:
    version = vars(kind).get("version")
    return f"{kind.__qualname__} {version}" if isinstance(version, int) else kind.__qualname__


def _source_version(kind: type) -> str:
    name = f"{kind.__module__}.{kind.__qualname__}"
    module = sys.modules.get(kind.__module__)
    for read in (partial(inspect.getsource, module), partial(_file, module), partial(inspect.getsource, kind)):  # type: ignore[arg-type]
        try:
            return f"{name} {_short(read().encode())}"
        except (OSError, TypeError):
            continue
    raise ConfigError(
        f"{name} has no source that can be read, so that a change of it could not be noticed; put it into a file of its own."
    )


def _file(module: ModuleType | None) -> str:
    path = getattr(module, "__file__", None)
    if path is None:
        raise OSError
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def _package(kind: type) -> str:
    return kind.__module__.partition(".")[0]


def _fields(part: object) -> dict[str, Any]:
    """What an object is set by. A dataclass says by an underscore which of its fields do not count; of other classes from
    outside the package all attributes count that have a plain value.
    """
    if isinstance(part, partial):
        return {"function": part.func, "arguments": part.args, "keywords": part.keywords}
    if inspect.ismethod(part):
        return {"function": part.__func__, "of": part.__self__}
    if inspect.isroutine(part):
        return {"function": part}
    names = [field.name for field in fields(part)] if is_dataclass(part) else list(getattr(part, "__dict__", {}))
    slots = [name for kind in type(part).__mro__ for name in _slots(kind)]
    names = list(dict.fromkeys([*names, *(name for name in slots if hasattr(part, name))]))
    told = _package(type(part)) == OWN or is_dataclass(part)
    private = [] if told else [name for name in names if name.startswith("_") and _has_plain_value(getattr(part, name))]
    return {name: getattr(part, name) for name in names if not name.startswith("_") or name in private}


def _slots(kind: type) -> list[str]:
    slots = vars(kind).get("__slots__", ())
    return [slots] if isinstance(slots, str) else [name for name in slots if name not in ("__dict__", "__weakref__")]


def _is_object(value: Any) -> bool:
    return is_dataclass(value) or hasattr(value, "__dict__") or any(_slots(kind) for kind in type(value).__mro__)


def _has_plain_value(value: Any) -> bool:
    try:
        _plain_value(value)
    except (TypeError, ConfigError):
        return False
    return True


def _plain_value(value: Any) -> Any:
    """A value as JSON's own types; parts within a part by their own class and settings."""
    if isinstance(value, Mapping):
        return {str(name): _plain_value(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain_value(item) for item in value]
    if isinstance(value, partial) or inspect.ismethod(value):
        return {name: _plain_value(item) for name, item in _fields(value).items()}
    if inspect.isroutine(value):
        return _function_source(value)
    if value is not None and not isinstance(value, Enum | Path) and _is_object(value):
        spec = part_spec(value)
        return {"version": spec.version, **spec.settings}
    return str(value) if isinstance(value, Path | re.Pattern) else msgspec.to_builtins(value, order="deterministic")


def _function_source(function: Any) -> str:
    if not hasattr(function, "__code__"):
        return str(function.__qualname__)
    try:
        return _short(inspect.getsource(function).encode())
    except OSError as error:
        raise TypeError(f"the source of {function!r} cannot be read") from error


def _short(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:KEY_LENGTH]
