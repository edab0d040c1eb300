"""Parts of a run in processes of this machine (loky's: fresh interpreters that share nothing with the run's own)."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Future
from typing import Any, Literal, TypeVar

from mmst.errors import ConfigError

Found = TypeVar("Found")
WATCH_SECONDS = 0.5
THREADS = "OMP_NUM_THREADS"


class Local:
    """As many processes as parts are computed at a time. They end with this one, however it ends."""

    def __init__(self, arms: int | Literal["auto"] = "auto") -> None:
        """`arms`: parts at a time. auto: one for each core, of a model that takes one thread; 1 where one takes all cores."""
        if isinstance(arms, str) and arms != "auto":
            raise ConfigError(f"executor.arms={arms} must be a number, or auto.")
        if isinstance(arms, int) and arms < 1:
            raise ConfigError(f"executor.arms={arms} must be at least 1.")
        self.arms = arms
        self._limited = THREADS in os.environ  # by the user; a job sets it too, once it is open
        self._processes = 1
        self._pool: Any = None

    @property
    def chosen(self) -> bool:
        """See `Executor.chosen`."""
        return self.arms not in ("auto", 1)

    def at_once(self, parts: int, threads: int | None) -> int:
        """See `Executor.at_once`. What OMP_NUM_THREADS allows is for the whole run: auto does not multiply it."""
        one_each = 1 if threads is None or self._limited else _cores() // threads
        room = one_each if isinstance(self.arms, str) else self.arms
        self._processes = max(1, min(room, parts))
        return self._processes

    def threads(self, at_once: int) -> int | None:
        """See `Executor.threads`: a fair share of the cores."""
        return None if self._limited else max(1, _cores() // at_once)

    def start(self, work: Callable[..., Found], *arguments: Any) -> Future[Found]:
        """See `Executor.start`."""
        if self._pool is None:
            from joblib.externals.loky import ProcessPoolExecutor

            watch = (os.getpid(),)
            self._pool = ProcessPoolExecutor(max_workers=self._processes, initializer=_alone, initargs=watch)
        try:
            future: Future[Found] = self._pool.submit(work, *arguments)
        except BrokenExecutor:  # a process died, and with it what the others were at
            self.__exit__()
            return self.start(work, *arguments)
        return future

    def __enter__(self) -> Local:
        """The executor itself."""
        return self

    def __exit__(self, *error: object) -> None:
        """End the processes, at work or not: what they write is there whole or not at all."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, kill_workers=True)
            self._pool = None


def _alone(owner: int) -> None:
    """In a process of the pool: Ctrl-C is for the run, which ends its processes; and they end where it was killed."""
    if os.getpgrp() != os.getpid():
        os.setsid()
    threading.Thread(target=_end_with, args=(owner,), daemon=True).start()


def _end_with(owner: int) -> None:
    """End this process where the one that started it is gone: another may already work in the same folders."""
    while os.getppid() == owner:
        time.sleep(WATCH_SECONDS)
    os._exit(1)


def _cores() -> int:
    return len(os.sched_getaffinity(0))
