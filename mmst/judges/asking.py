"""A user's judge, asked in a process of its own: what it raises, or holds it for ever, costs one sample its verdict.

The clock decides only between a verdict and none, never between right and wrong.
"""

from __future__ import annotations

import logging
import multiprocessing
import pickle
from collections import Counter
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import Any

from mmst.errors import ConfigError
from mmst.judges.judge import Judge, Judgement, as_judgement, failed
from mmst.methods.method import Reading
from mmst.types import Problem, Verdict

log = logging.getLogger(__name__)

SECONDS = 60.0
"""Of wall-clock time for one verdict: a judge may ask a server."""
START_SECONDS = 600.0
"""Of wall-clock time: its imports on a machine that does other things as well."""
MOST_HANGS = 3
"""In a row; after these the judge is asked no more."""
MOST_REASONS = 5
"""That are told of."""
UNGUARDED = (
    "judge: its process ended before it could judge; a script must call this under "
    "`if __name__ == '__main__':`, and the judge's module must be one that another process can import."
)


class Asked:
    """A judge that is asked in another process. Close it when done; `with` does."""

    def __init__(self, judge: Judge, seconds: float = SECONDS) -> None:
        try:
            self._judge = pickle.dumps(judge)
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise ConfigError(
                f"judge: {judge!r} cannot be sent to another process ({error}); define its class in a module."
            ) from error
        self._seconds = seconds
        self._hangs = 0
        self._process: Any = None
        self._pipe: Connection | None = None

    def __enter__(self) -> Asked:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def judge(self, problems: Sequence[Problem], readings: Sequence[Reading]) -> list[Judgement]:
        """The judgements of readings, in order; a warning counts the reasons of those that have none."""
        return counted(self.judge_all(problems, readings))

    def judge_all(self, problems: Sequence[Problem], readings: Sequence[Reading]) -> list[Judgement]:
        """The same without a warning: whoever keeps it open passes it on in the judge's place (`mmst.judges.together`)."""
        return [self._one(problem, reading) for problem, reading in zip(problems, readings, strict=True)]

    def close(self) -> None:
        """End the process. Idempotent."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
        if self._pipe is not None:
            self._pipe.close()
        self._process = self._pipe = None

    def _one(self, problem: Problem, reading: Reading) -> Judgement:
        if not reading.judged:
            return Judgement(Verdict.UNJUDGED, reading.reason)
        if self._hangs >= MOST_HANGS:
            return Judgement(Verdict.UNJUDGED, f"the judge hung {MOST_HANGS} times in a row, and is asked no more")
        pipe = self._pipe or self._started()
        try:
            pipe.send((problem, reading))
            if pipe.poll(self._seconds):
                self._hangs = 0
                said = pipe.recv()
                return said if isinstance(said, Judgement) else as_judgement(said)
        except (OSError, EOFError) as error:
            self.close()
            return Judgement(Verdict.UNJUDGED, f"the judge's process ended ({type(error).__name__})")
        self.close()
        self._hangs += 1
        return Judgement(Verdict.UNJUDGED, f"the judge took more than {self._seconds:g} seconds")

    def _started(self) -> Connection:
        if multiprocessing.get_start_method(allow_none=True) not in (None, *multiprocessing.get_all_start_methods()):
            multiprocessing.set_start_method("spawn", force=True)  # in loky's processes: a child is told, and knows no `loky`
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs, self._judge), daemon=True)
        try:
            process.start()
        except RuntimeError as error:  # this process is itself one that is being started, by a script that has no guard
            raise ConfigError(UNGUARDED) from error
        self._process = process
        theirs.close()
        if not self._pipe.poll(START_SECONDS):
            raise OSError("the judge's process did not start")
        try:
            self._pipe.recv()
        except (EOFError, OSError) as error:
            raise ConfigError(UNGUARDED) from error
        return self._pipe


def counted(found: list[Judgement]) -> list[Judgement]:
    """The judgements as they are; a warning counts the reasons of those that have no verdict, the commonest first."""
    for reason, count in Counter(said.reason for said in found if said.verdict is Verdict.UNJUDGED).most_common(MOST_REASONS):
        log.warning("judge: %d of %d are unjudged: %s", count, len(found), reason)
    return found


def _serve(pipe: Connection, pickled: bytes) -> None:
    """The process's side: a judgement for each question, until the other end hangs up."""
    judge = pickle.loads(pickled)
    pipe.send("ready")
    while True:
        try:
            problem, reading = pipe.recv()
        except EOFError:
            return
        try:
            said = as_judgement(judge(problem, reading))
        except Exception as error:
            said = failed(error)
        pipe.send(said)
