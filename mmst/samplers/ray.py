"""Sampling by Ray: an actor a device, over one machine or many, each round an engine that works alone too.

Actors stay between chunks and hold their model, which a Ray Data pipeline would load anew for each of them. For an actor that
dies another is started, and its prompts are given out again; since a sample depends on its seed alone, the rows are the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from mmst.errors import ConfigError, EngineError, UserError
from mmst.executors.cluster import join, leave, library, said
from mmst.samplers.sampler import Sampler, SamplingParams, Watch, nobody
from mmst.types import Completion, Prompt

Piece = list[tuple[int, Prompt]]
LARGEST_PIECE = 64
"""Prompts of a piece, at most, where none is chosen: four samples of each are a batch of `sampler=hf`."""
PIECES_EACH = 2
"""Pieces for each of several actors, at least: one that had the longest prompts takes no second, and none waits long for it."""

DEATHS_EACH = 3
"""Times that an actor dies within a chunk, on average, until that is no accident."""


class RaySampler:
    """Gives pieces of the prompts to whichever actor is free."""

    def __init__(
        self,
        engine: Callable[[], Sampler],
        actors: int = 1,
        cpus: float = 1,
        gpus: float = 0,
        prompts_per_piece: int | None = None,
        address: str | None = None,
    ) -> None:
        """`cpus`, `gpus`: of each actor. `address`: of a running cluster; None: one on this machine, for this run.

        `prompts_per_piece`: prompts that an actor is given at a time; None: by `piece_size`.
        """
        if actors < 1 or cpus < 0 or gpus < 0 or (prompts_per_piece is not None and prompts_per_piece < 1):
            raise ConfigError(
                f"sampler: actors={actors} and prompts_per_piece={prompts_per_piece} must be at least 1, "
                f"cpus={cpus} and gpus={gpus} at least 0."
            )
        self.actors, self.cpus, self.gpus, self.address = actors, cpus, gpus, address
        self.prompts_per_piece = prompts_per_piece
        self._make = engine
        self._ray = library("sampler=ray")
        self._pool: list[Any] = []
        self._away: dict[Any, Any] = {}
        """What was asked of an actor when it was made, and is answered when it has started -> the actor."""
        self._joined = self._fitted = False
        self._checkpoint: Path | None = None
        self._engine = ""

    @property
    def engine(self) -> str:
        """The engine inside, as an actor names it: Ray changes no sample."""
        if not self._engine:
            self._engine = str(self._told("engine"))
        return self._engine

    @property
    def waits(self) -> bool:
        """Whether devices compute; actors on CPUs may need the cores that programs run on."""
        return self.gpus > 0

    @property
    def loads(self) -> bool:
        """Any checkpoint that lies where all machines can read it."""
        return True

    @property
    def takes_adapters(self) -> bool:
        """Whether the engine inside takes them."""
        return bool(self._told("takes_adapters"))

    def load(self, checkpoint: Path) -> None:
        """Sample from this checkpoint; actors load it with their next piece."""
        self._checkpoint = checkpoint

    def warm(self) -> None:
        """Wait until all actors have started, as before their time is taken; prompts go to the first that has."""
        self._ready()
        while self._away:
            (ended, *_), _ = self._ray.wait([*self._away], num_returns=1)
            self._returned(ended)

    def close(self) -> None:
        """End the actors, and a cluster that was started for this run."""
        for actor in self._pool:
            self._ray.kill(actor)
        self._pool, self._away = [], {}
        if self._joined:
            leave(self._ray)
            self._joined = False

    def complete(self, prompts: Sequence[Prompt], params: SamplingParams, watch: Watch = nobody) -> list[list[Completion]]:
        """See `Sampler.complete`.

        Raises:
            EngineError: an actor cannot be started, or dies again and again.
        """
        pieces = _pieces(prompts, self.prompts_per_piece or piece_size(len(prompts), self.actors))
        completions: list[list[Completion]] = [[] for _ in prompts]
        for piece, groups in self._answers(pieces, params):
            for (number, _), group in zip(piece, groups, strict=True):
                completions[number] = group
            watch(sum(map(len, groups)), sum(c.completion_tokens for group in groups for c in group))
        return completions

    def _answers(self, pieces: list[Piece], params: SamplingParams) -> Iterator[tuple[Piece, list[list[Completion]]]]:
        """Pieces with their completions, as they end; each actor has one piece at a time.

        The piece of an actor that dies goes to whoever is free: where its machine is lost, there may be no room for another.
        """
        waiting = list(reversed(pieces))
        running: dict[Any, tuple[Piece, Any]] = {}
        deaths = 0
        free = self._ready() if waiting else []
        while waiting or running:
            while waiting and free:
                piece, actor = waiting.pop(), free.pop()
                running[actor.complete.remote(self._checkpoint, [prompt for _, prompt in piece], params)] = (piece, actor)
            (ended, *_), _ = self._ray.wait([*self._away, *running], num_returns=1)
            if ended in self._away:
                free += self._returned(ended)
                continue
            piece, actor = running.pop(ended)
            if self._is_lost(ended) and deaths < DEATHS_EACH * self.actors:
                deaths += 1
                waiting.append(piece)
                self._replace(actor)
                continue
            yield piece, self._got(ended)
            free.append(actor)

    def _told(self, name: str) -> Any:
        """What any actor says of its engine."""
        deaths = 0
        while True:
            actor = self._ready()[0]
            asked = getattr(actor, name).remote()
            if not self._is_lost(asked) or deaths == DEATHS_EACH * self.actors:
                return self._got(asked)
            deaths += 1
            self._replace(actor)

    def _is_lost(self, asked: Any) -> bool:
        """Whether the actor that was asked has died, or its answer was lost with its machine."""
        try:
            self._ray.get(asked)
        except self._ray.exceptions.RayTaskError:
            return False
        except self._ray.exceptions.RayError:
            return True
        return False

    def _returned(self, asked: Any) -> list[Any]:
        """The actor that has started; none where it never will, as long as there are others.

        Raises:
            EngineError: there are no others.
        """
        actor = self._away.pop(asked)
        if not self._is_lost(asked):
            return [actor]
        self._pool.remove(actor)
        if not self._pool:
            self._got(asked)
        return []

    def _ready(self) -> list[Any]:
        """The actors that have started, one at least."""
        if not self._joined:
            join(self._ray, self.address, "sampler")
            self._joined = True
            self._check_room()
        while len(self._pool) < self.actors:
            self._add()
        while not (ready := [actor for actor in self._pool if actor not in self._away.values()]):
            (ended, *_), _ = self._ray.wait([*self._away], num_returns=1)
            self._returned(ended)
        return ready

    def _add(self) -> None:
        """One more actor, which is asked nothing until it has started.

        What it is asked before, Ray keeps for ever, if its machine is lost meanwhile and no other has room. For the same reason
        Ray does not start actors again by itself.
        """
        actor = self._ray.remote(_Actor).options(num_cpus=self.cpus, num_gpus=self.gpus).remote(self._make)
        self._pool.append(actor)
        self._away[actor.answers.remote()] = actor

    def _replace(self, actor: Any) -> None:
        """Start another for one that has died."""
        self._pool.remove(actor)
        self._add()

    def _check_room(self) -> None:
        """Actors that fit nowhere would be waited for without end. Once all fitted, one is enough: nodes may be lost."""
        have = self._ray.cluster_resources()
        needed = 1 if self._fitted else self.actors
        for name, each in (("CPU", self.cpus), ("GPU", self.gpus)):
            if each * needed > have.get(name, 0):
                self.close()
                raise ConfigError(
                    f"sampler: {needed} actors with {each} {name} each do not fit: the cluster has {have.get(name, 0):g}."
                )
        self._fitted = True

    def _got(self, asked: Any) -> Any:
        try:
            return self._ray.get(asked)
        except self._ray.exceptions.RayTaskError as error:
            cause = error.cause
            if isinstance(cause, UserError):
                raise cause from error
            raise
        except self._ray.exceptions.RayError as error:
            raise EngineError(f"sampler: a Ray actor died: {said(error)}; the same command goes on from here.") from error


class _Actor:
    """One engine."""

    def __init__(self, make: Callable[[], Sampler]) -> None:
        self.sampler = make()

    def answers(self) -> None:
        """Returns as soon as there is an engine."""

    def engine(self) -> str:
        return self.sampler.engine

    def takes_adapters(self) -> bool:
        return self.sampler.takes_adapters

    def complete(self, checkpoint: Path, prompts: list[Prompt], params: SamplingParams) -> list[list[Completion]]:
        self.sampler.load(checkpoint)
        return self.sampler.complete(prompts, params)


def piece_size(prompts: int, actors: int) -> int:
    """Prompts of a piece, so that every actor has work where there are as many prompts, and the last pieces are short."""
    return max(1, min(LARGEST_PIECE, math.ceil(prompts / (actors * PIECES_EACH if actors > 1 else 1))))


def _pieces(prompts: Sequence[Prompt], size: int) -> list[Piece]:
    """Prompts with their places, like lengths together, the longest first."""
    order = sorted(enumerate(prompts), key=lambda pair: -len(pair[1].text))
    return [order[start : start + size] for start in range(0, len(order), size)]
