"""Signals that end a training wait for the end of its step, where all that it is can be saved.

Once the checkpoint is there, the signal goes to whoever had it before.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

import lightning
import torch

from mmst.training.signals import SIGNALS


class Stopping:
    """Keeps the signals while it is entered, in the main thread; elsewhere it changes nothing. What was ignored stays so.

    Outside the steps of a training they take effect at once, as they would without it. A `file` that is there is SIGTERM.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._before: dict[int, Callable[[int, FrameType | None], Any] | int] = {}
        self._asked = 0
        self._waits = False

    def __enter__(self) -> Stopping:
        if threading.current_thread() is threading.main_thread():
            there = {int(number): signal.getsignal(number) for number in SIGNALS}
            self._before = {number: had for number, had in there.items() if had is not None}
            self._listen()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for number, had in self._before.items():
            signal.signal(number, had)
        if kind is None and self._asked:
            signal.raise_signal(self._asked)

    def begin(self) -> None:
        """From here on a signal waits. Called when Lightning has set its own handlers, which it does after `__enter__`."""
        self._waits = True
        self._listen()

    def asked(self, trainer: lightning.Trainer) -> bool:
        """Whether any of a training's processes was sent a signal: all of them hear the same, and stop at the same step."""
        if self._file is not None and trainer.is_global_zero and self._file.exists():
            self._asked = signal.SIGTERM
        if trainer.world_size > 1:
            number = torch.tensor(self._asked, device=trainer.strategy.root_device)
            told: Any = trainer.strategy.reduce(number, reduce_op="max")
            self._asked = int(told)
        return self._asked > 0

    def end(self) -> None:
        """Give the signal that came to whoever had it before. Where they go on nevertheless, so does the training."""
        number, self._asked = self._asked, 0
        signal.signal(number, self._before.get(number, signal.SIG_DFL))
        signal.raise_signal(number)
        self._listen()

    def _listen(self) -> None:
        for number, had in self._before.items():
            signal.signal(number, had if had is signal.SIG_IGN else self._heard)

    def _heard(self, number: int, frame: FrameType | None) -> None:
        self._asked = number
        if not self._waits:
            self.end()
