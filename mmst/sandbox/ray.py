"""Programs on all machines of a Ray cluster: on each a sandbox, as `SandboxPool` is on one.

A result depends on its program and the sandbox's settings alone, so that results and the keys of rows are those of one machine.
A machine whose sandbox cannot start, or is set otherwise, such as one without sympy, runs no program.
"""

from __future__ import annotations

import logging
import math
import threading
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from mmst.errors import UserError
from mmst.executors.cluster import join, leave, library, said
from mmst.ledger.spec import version_of
from mmst.sandbox.host import LOOK_SECONDS
from mmst.sandbox.pool import MODULES, Limits, SandboxPool
from mmst.sandbox.result import Program, Result, Status

log = logging.getLogger(__name__)

LARGEST_PIECE = 64
"""Programs that a machine is given at a time, at most."""
PIECES_EACH = 4
"""Pieces for each machine, at least, where there are programs enough: none waits long for the slowest."""
AHEAD = 2
"""Pieces that a machine has at a time: the next is there when one is done."""
LOSSES = 3
"""Machines that may die over one piece, until that is no accident and its programs count as lost."""


@dataclass(eq=False, slots=True)
class _Piece:
    numbers: range
    losses: int = 0


@dataclass(eq=False, slots=True)
class _Machine:
    """One that runs programs."""

    node: str
    name: str
    actor: Any
    in_hand: int = 0


class RaySandbox:
    """Gives pieces of the programs to whichever machine has least in hand.

    Args:
        workers: how many programs run at a time on each machine; 0 for as many as Ray counts CPUs there.
        limits: see `SandboxPool`, as `modules` and `accept_missing`.
        modules: what this machine lacks of them, no other may use.
        accept_missing: on any machine.
        address: of a running cluster; None: one on this machine, for this run.

    Raises:
        SandboxUnavailableError: this machine itself cannot run programs; it does where all others are lost.
    """

    stands_for: ClassVar[type] = SandboxPool
    apart: ClassVar[bool] = True

    def __init__(
        self,
        workers: int = 0,
        limits: Limits | None = None,
        modules: Sequence[str] = MODULES,
        accept_missing: Iterable[str] = (),
        address: str | None = None,
    ) -> None:
        self._ray = library("sandbox=ray")
        self._here = SandboxPool(workers, limits, modules, accept_missing)
        self._workers = workers
        self._settings = {"limits": limits, "modules": self._here.modules, "accept_missing": tuple(accept_missing)}
        self._machines: list[_Machine] = []
        self._refused: set[str] = set()
        self._in_use = threading.Lock()
        join(self._ray, address, "sandbox")
        self._joined = True
        self._take_on()

    @property
    def settings(self) -> Mapping[str, Any]:
        """See `Executor.settings`: those of a pool on this machine, and on each that takes part."""
        return self._here.settings

    @property
    def machines(self) -> list[str]:
        """Names of those that run programs."""
        return [machine.name for machine in self._machines]

    def execute(self, programs: Sequence[Program]) -> list[Result]:
        """See `Executor.execute`. One call at a time: a second thread waits for the first."""
        with self._in_use:
            if programs:
                self._take_on()
            results = self._execute(programs)
            self._here.warn(results)
            return results

    def close(self) -> None:
        """See `Executor.close`; a cluster that was started for this run ends, once no other part of the run uses it."""
        if self._joined:
            self._joined = False
            for machine in self._machines:
                self._ray.kill(machine.actor)
            self._machines = []
            leave(self._ray)
        self._here.close()

    def __enter__(self) -> RaySandbox:
        """The sandbox itself; it is closed when the block ends."""
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _execute(self, programs: Sequence[Program]) -> list[Result]:
        results: dict[int, Result] = {}
        waiting = deque(_pieces(len(programs), len(self._machines)))
        running: dict[Any, tuple[_Piece, _Machine]] = {}
        while waiting or running:
            while waiting and (machine := self._free()):
                piece = waiting.popleft()
                asked = machine.actor.execute.remote([programs[number] for number in piece.numbers])
                running[asked] = piece, machine
                machine.in_hand += 1
            if not running:
                piece = waiting.popleft()
                results.update(zip(piece.numbers, self._here.execute([programs[n] for n in piece.numbers]), strict=True))
                continue
            ended = next(iter(self._ray.wait([*running], num_returns=1, timeout=LOOK_SECONDS)[0]), None)
            if ended is None:  # a look at whether this thread was interrupted, which Ray does for the main one alone
                continue
            piece, machine = running.pop(ended)
            machine.in_hand -= 1
            found = self._found(ended, machine)
            piece.losses += found is None
            if found is None and piece.losses < LOSSES:
                waiting.append(piece)
                continue
            lost = (Result(programs[number].name, Status.LOST) for number in piece.numbers)
            results.update(zip(piece.numbers, lost if found is None else found, strict=True))
        return [results[number] for number in range(len(programs))]

    def _free(self) -> _Machine | None:
        """The machine with least in hand that takes another piece."""
        least = min(self._machines, key=lambda machine: machine.in_hand, default=None)
        return least if least and least.in_hand < AHEAD else None

    def _found(self, asked: Any, machine: _Machine) -> list[Result] | None:
        """What a machine answered; None where it will not any more, and the others have its programs."""
        try:
            found: list[Result] = self._ray.get(asked)
            return found
        except self._ray.exceptions.RayTaskError as error:
            if not isinstance(error.cause, UserError):
                raise
            self._refused.add(machine.node)
            why = str(error.cause)
        except self._ray.exceptions.RayError as error:
            why = said(error)
        if machine in self._machines:
            self._machines.remove(machine)
            self._ray.kill(machine.actor)
            log.warning("sandbox: machine %s was lost; its programs go to the others: %s", machine.name, why)
        return None

    def _take_on(self) -> None:
        """Start a sandbox on each machine that has none: at first all of them, later those that came or came back."""
        known = {machine.node for machine in self._machines} | self._refused
        new = [n for n in self._ray.nodes() if n["Alive"] and n["NodeID"] not in known and n["Resources"].get("CPU", 0) >= 1]
        asked = [(machine, machine.actor.told.remote()) for machine in map(self._started, new)]
        for machine, answer in asked:
            why = self._why_not(answer)
            if not why:
                self._machines.append(machine)
                continue
            self._refused.add(machine.node)
            self._ray.kill(machine.actor)
            log.warning("sandbox: machine %s runs no programs: %s", machine.name, why)
        if asked and not self._machines:
            log.warning("sandbox: no machine of the cluster runs programs; they run on the one of this command alone")

    def _started(self, node: Mapping[str, Any]) -> _Machine:
        here = self._ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
        remote = self._ray.remote(_Grader).options(num_cpus=0, scheduling_strategy=here)
        workers = self._workers or int(node["Resources"]["CPU"])
        return _Machine(node["NodeID"], str(node["NodeName"]), remote.remote({"workers": workers, **self._settings}))

    def _why_not(self, asked: Any) -> str:
        """Why a machine must run no programs; empty where it may."""
        try:
            refusal, version, settings = self._ray.get(asked)
        except self._ray.exceptions.RayError as error:
            return said(error)
        if refusal:
            return str(refusal)
        if version != version_of(self._here):
            return "another version of mmst is installed there; install the same on all machines"
        lacks = sorted(set(self._here.modules) - set(settings["modules"]))
        return f"{', '.join(lacks)} is not installed there; install it, or leave it out of sandbox.modules" if lacks else ""


class _Grader:
    """The sandbox of one machine."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self.refusal = ""
        try:
            self.pool = SandboxPool(**settings)
        except UserError as error:
            self.refusal = str(error)

    def told(self) -> tuple[str, str, Mapping[str, Any]]:
        """(why it runs nothing, its version, its settings)."""
        return (self.refusal, "", {}) if self.refusal else ("", version_of(self.pool), self.pool.settings)

    def execute(self, programs: Sequence[Program]) -> list[Result]:
        return self.pool.execute(programs)


def _pieces(programs: int, machines: int) -> list[_Piece]:
    """All programs, in pieces of which each machine has its share."""
    size = max(1, min(LARGEST_PIECE, math.ceil(programs / (max(machines, 1) * PIECES_EACH))))
    return [_Piece(range(start, min(start + size, programs))) for start in range(0, programs, size)]
