"""Parts of a run as Ray tasks, over one machine or many, each with the CPUs and GPUs that it asks for."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from mmst.errors import ConfigError
from mmst.executors.cluster import join, leave, library

Found = TypeVar("Found")
TRIES = 3
"""How often a part is begun anew whose machine or process died: it goes on where the ledger is."""


class Ray:
    """As many parts at a time as the cluster has room for."""

    def __init__(self, arms: int | None = None, cpus: float = 1, gpus: float = 0, address: str | None = None) -> None:
        """`arms`: parts at a time, at most. `cpus`, `gpus`: of each.

        `address`: of a running cluster; None: one on this machine, for this run.
        """
        if cpus <= 0 or gpus < 0 or (arms is not None and arms < 1):
            raise ConfigError(f"executor: cpus={cpus} must be above 0, gpus={gpus} at least 0, and arms={arms} at least 1.")
        self.arms = arms
        self.cpus, self.gpus, self.address = cpus, gpus, address
        self._ray = library("executor=ray")
        self._joined = False

    @property
    def chosen(self) -> bool:
        """See `Executor.chosen`."""
        return self.arms != 1

    def at_once(self, parts: int, threads: int | None) -> int:
        """See `Executor.at_once`: Ray itself lets them wait for room.

        Raises:
            ConfigError: not one fits.
        """
        if self.arms == 1:
            return 1
        if not self._joined:
            join(self._ray, self.address, "executor")
            self._joined = True
        have = self._ray.cluster_resources()
        for name, each in (("CPU", self.cpus), ("GPU", self.gpus)):
            if each > have.get(name, 0):
                self.__exit__()
                raise ConfigError(
                    f"executor: an arm with {each:g} {name} does not fit: the cluster has {have.get(name, 0):g} in all."
                )
        return self.arms or parts

    def threads(self, at_once: int) -> int | None:
        """See `Executor.threads`: Ray tells each task as many as it has CPUs."""
        return None

    def start(self, work: Callable[..., Found], *arguments: Any) -> Future[Found]:
        """See `Executor.start`."""
        task = self._ray.remote(num_cpus=self.cpus, num_gpus=self.gpus, max_retries=TRIES)(work)
        future: Future[Found] = task.remote(*arguments).future()
        return future

    def __enter__(self) -> Ray:
        """The executor itself."""
        return self

    def __exit__(self, *error: object) -> None:
        """End a cluster that was started for this run, and with it its tasks; those of another end with this process."""
        if self._joined:
            leave(self._ray)
            self._joined = False
