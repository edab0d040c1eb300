"""Ray, where it is installed, and a cluster of it."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from mmst.errors import EngineError, MissingExtraError


def library(what: str) -> ModuleType:
    """Ray. what: the override that needs it.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import ray
    except ImportError as error:
        raise MissingExtraError(what, 'pip install -c constraints.txt -e ".[ray]"') from error
    module: ModuleType = ray
    return module


def begin(ray: ModuleType, address: str | None, group: str) -> None:
    """Join a running cluster; None: start one on this machine.

    Raises:
        EngineError: there is none at the address, or none starts here. Names the key of the group.
    """
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    if address is None:
        options["include_dashboard"] = False
    try:
        ray.init(address=address or "local", **options)
    except Exception as error:  # so wide is what Ray raises where a machine is too busy to start it
        where = f"{group}.address={address}: no Ray there" if address else f"{group}: Ray does not start on this machine"
        raise EngineError(f"{where}: {said(error)}") from error


def said(error: BaseException) -> str:
    """What Ray says, in one line."""
    return " ".join(str(error).split())[:300] or type(error).__name__
