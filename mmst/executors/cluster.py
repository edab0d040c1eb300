"""Ray, where it is installed, and the one cluster of it that a process is in.

Its members are whoever uses it: an executor, an engine, a sandbox. The first of them begins or joins it, the last one leaves.
"""

from __future__ import annotations

import inspect
import os
import re
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from mmst.errors import ConfigError, EngineError, MissingExtraError

START_SECONDS = 300.0
"""In which a node of Ray must be there. Ray's own 30 s are too few on a busy machine, and no setting changes them."""
BETWEEN_SECONDS = 0.5
CONNECT_SECONDS = 10.0
"""In which whoever listens at an address must take a connection."""
STARTING = {"RAY_gcs_server_port_wait_time_s": "300", "RAY_agent_register_timeout_ms": "300000",
            "RAY_worker_register_timeout_seconds": "300", "RAY_worker_niceness": "0"}  # fmt: skip
"""The same patience with Ray's processes, where a variable says it (ray/_private/node.py, src/ray/common/ray_config_def.h).

By itself Ray starts workers at a niceness of 15: beside anything else that computes, the run's own work would hardly be done.
"""
DASHBOARD_PORTS = ("metrics_agent_port", "metrics_export_port", "dashboard_agent_listen_port")
JOINING = {"RAY_gcs_server_port_wait_time_s": "1"}
"""One try of about 40 s at what listens and does not answer as Ray does; by itself Ray tries 20 times."""
HOST_AND_PORT = re.compile(r"(?:ray://)?\[?([^/\[\]]+?)\]?:(\d+)")


class _Membership:
    """What this process knows of the cluster that it is in."""

    members = 0
    began = False
    address: str | None = None


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


def join(ray: ModuleType, address: str | None, group: str) -> None:
    """Join a running cluster; None: start one on this machine. Where this process is in one already, that one is joined.

    Raises:
        EngineError: there is none at the address, or none starts here. Names the key of the group.
        ConfigError: this process is in another one.
    """
    if not ray.is_initialized():
        _begin(ray, address, group)
        _Membership.members, _Membership.began, _Membership.address = 0, True, address
    elif _Membership.began and address not in (None, _Membership.address):
        raise ConfigError(
            f"{group}.address={address}: this run is in the Ray cluster of address={_Membership.address or 'null'} already; "
            "give one address to all that use Ray."
        )
    _Membership.members += 1


def leave(ray: ModuleType) -> None:
    """The end of what `join` began: a cluster that was started for this run ends with its last member."""
    _Membership.members -= 1
    if _Membership.began and _Membership.members <= 0:
        ray.shutdown()
        _Membership.began = False


def _begin(ray: ModuleType, address: str | None, group: str) -> None:
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    try:
        if address is None:
            with patient(ray):
                ray.init(address="local", include_dashboard=False, **options)
            return
        _check_listens(address)
        with _environment(JOINING):
            ray.init(address=address, **options)
    except Exception as error:  # so wide is what Ray raises where a machine is too busy to start it
        where = f"{group}.address={address}: no Ray there" if address else f"{group}: Ray does not start on this machine"
        raise EngineError(f"{where}: {said(error)}") from error


def _check_listens(address: str) -> None:
    """Ray itself waits for minutes where nobody listens."""
    found = HOST_AND_PORT.fullmatch(address)
    if found:
        socket.create_connection((found[1], int(found[2])), CONNECT_SECONDS).close()


@contextmanager
def patient(ray: ModuleType) -> Iterator[None]:
    """Nodes that start in this block have the time that a busy machine takes.

    Two waits of Ray's have no setting: a driver's for its node (30 s), and a node's for the ports of its agents (15 s, then
    it dies). The first is repeated as long as the node lives; for the second it is told a port, or that there is none.
    """
    services = ray._private.services
    start_raylet, get_node = services.start_raylet, services.get_node
    nodes: list[Any] = []

    def start(*arguments: Any, **named: Any) -> Any:
        told = inspect.signature(start_raylet).bind(*arguments, **named)
        _tell_ports(ray, told.arguments)
        info = start_raylet(*told.args, **told.kwargs)
        nodes.append(info.process)
        return info

    def wait(*arguments: Any, **named: Any) -> Any:
        end = time.monotonic() + START_SECONDS
        while True:
            try:
                return get_node(*arguments, **named)
            except RuntimeError:  # not registered yet
                if time.monotonic() > end or (nodes and nodes[-1].poll() is not None):
                    raise
            time.sleep(BETWEEN_SECONDS)

    services.start_raylet, services.get_node = start, wait
    try:
        with _environment(STARTING):
            yield
    finally:
        services.start_raylet, services.get_node = start_raylet, get_node


def _tell_ports(ray: ModuleType, settings: dict[str, Any]) -> None:
    """Give a node that is about to start the port of its runtime agent, and none of the dashboard's, which no run uses."""
    for name in DASHBOARD_PORTS:
        ray._raylet.persist_port(settings["session_dir"], settings["node_id"], name, -1)
    if not settings.get("runtime_env_agent_port"):
        with socket.socket() as free:
            free.bind(("", 0))
            settings["runtime_env_agent_port"] = free.getsockname()[1]


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """These variables, for Ray and what it starts in this block; what the user has set goes before."""
    new = {name: value for name, value in values.items() if name not in os.environ}
    os.environ.update(new)
    try:
        yield
    finally:
        for name in new:
            del os.environ[name]


def said(error: BaseException) -> str:
    """What Ray says, in one line."""
    return " ".join(str(error).split())[:300] or type(error).__name__
