"""How a command ends: in one sentence and an exit code where the user can mend it, in a traceback where it is ours."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode

from mmst.cli.suggest import with_suggestion
from mmst.config.sentences import explained

USER_MISTAKE, STOPPED, TERMINATED = 2, 130, 143
"""Exit codes: what the user can mend; Ctrl-C; SIGTERM, as from Slurm before its time is over."""
SIGNALS: dict[int, tuple[str, int]] = {
    signal.SIGINT: ("stopped; what is done is kept, and the same command resumes.", STOPPED),
    signal.SIGTERM: ("terminated; what is done is kept, and the same command resumes.", TERMINATED),
}
"""Signal -> what is said, and the exit code."""
TRACEBACK = "MMST_TRACEBACK"
"""Environment variable: set, errors keep their tracebacks."""


class Interrupted(BaseException):
    """SIGINT or SIGTERM has come. Raised in the main thread, so that what is open is closed.

    No KeyboardInterrupt: Lightning ends the process at one, without a word.
    """

    def __init__(self, number: int) -> None:
        super().__init__()
        self.ending = SIGNALS[number]


def ended_well(main: Callable[[], object], failures: Callable[[], str | None] = lambda: None) -> None:
    """Run a command. What the user can mend becomes one sentence and an exit code. `failures`: of the jobs of a sweep."""
    interrupt = _Interrupt()
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as a shell leaves it for what runs in the background
            signal.signal(number, interrupt)
    try:
        main()
    except (Interrupted, KeyboardInterrupt) as stop:
        leave(*(stop if isinstance(stop, Interrupted) else Interrupted(signal.SIGINT)).ending)
    except Exception as error:
        others, sentence = failures(), explained(error)
        if os.environ.get(TRACEBACK) or (sentence is None and others is None):
            raise
        if sentence is None:
            sys.stderr.write(f"mmst: {others}\n")
            raise
        leave(others or with_suggestion(sentence or ""), USER_MISTAKE)


@contextmanager
def one_sentence() -> Iterator[None]:
    """End a single job at a user's mistake, before Hydra adds its own words; jobs of a sweep raise."""
    try:
        yield
    except Exception as error:
        sentence = explained(error)
        if sentence is None or HydraConfig.get().mode is not RunMode.RUN or os.environ.get(TRACEBACK):
            raise
        leave(sentence, USER_MISTAKE)


def leave(sentence: str, code: int) -> NoReturn:
    """Say one sentence on standard error, and end the process."""
    sys.stdout.flush()
    said = f"mmst: {sentence}"
    if sys.stderr.isatty():
        width = shutil.get_terminal_size().columns
        said = textwrap.fill(said, width, break_long_words=False, break_on_hyphens=False)
    sys.stderr.write(f"{said}\n")
    sys.exit(code)


class _Interrupt:
    """Handles the signals. SIGTERM counts once: Slurm sends it to a step, and so does whatever started it, while it saves."""

    def __init__(self) -> None:
        self._terminated = False

    def __call__(self, number: int, frame: object) -> None:
        if number == signal.SIGTERM:
            if self._terminated:
                return
            self._terminated = True
        raise Interrupted(number)
