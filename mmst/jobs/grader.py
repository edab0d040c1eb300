"""Completions judged one by one outside of a run, as a run judged its samples: by its method, its judge and its sandbox.

An exported taskset calls this for each reply (`mmst.jobs.taskset`). A judge of the user's is asked in one process that stays.
"""

from __future__ import annotations

import atexit
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any

import msgspec

from mmst.config.build import build
from mmst.config.groups import Node
from mmst.config.sentences import config_errors
from mmst.judges.asking import Asked
from mmst.judges.judge import Judge
from mmst.judges.together import together
from mmst.methods.method import Method, Reading
from mmst.sandbox.result import Executor
from mmst.stages.grade import verdicts
from mmst.types import Problem, Verdict


@dataclass(frozen=True)
class Grader:
    """Reads and judges completions of one method. Threads may share it; they wait for one another."""

    method: Method
    executor: Executor
    judge: Judge | None = None
    """One of the user's, which takes many at once or is `Asked`; None: the problems' kinds of answers decide."""
    _turn: Lock = field(default_factory=Lock, compare=False, repr=False)

    @classmethod
    @config_errors
    def of(cls, method: Node, sandbox: Node, judge: Node | None) -> Grader:
        """What these nodes of a run's configuration describe; its processes end with this one.

        Raises:
            ConfigError: a class cannot be imported here, or refuses its settings.
        """
        executor: Executor = build(sandbox, "sandbox")
        atexit.register(executor.close)
        made: Any = None if judge is None else build(judge, "judge")
        if made is not None and together(made) is None:
            made = Asked(made)
            atexit.register(made.close)
        return cls(build(method, "solvers"), executor, made)

    def grade(self, problem: Mapping[str, Any], completion: str) -> dict[str, str | None]:
        """What became of one completion: `answer`, `verdict` (right, wrong, no_answer, unjudged), `reason`, `output`.

        Args:
            problem: a `mmst.types.Problem` as plain values.
            completion: what a model wrote.
        """
        asked = msgspec.convert(problem, Problem)
        with self._turn:
            (reading,) = self.method.read_all([completion], [asked], self.executor)
            shown = replace(reading, completion=completion)
            verdict, reason = self._judged(shown, asked)
        return {"answer": reading.answer, "verdict": verdict.value, "reason": reason, "output": reading.output}

    def accepts_gold(self, problem: Mapping[str, Any]) -> bool | None:
        """Whether the gold solution is judged right, as this method writes its steps where it has some; None: there is none."""
        asked = msgspec.convert(problem, Problem)
        if asked.derivation:
            return self.grade(problem, self.method.render(asked.derivation))["verdict"] == Verdict.RIGHT.value
        if not asked.answer:
            return None
        with self._turn:
            return self._judged(Reading(asked.answer, "gold"), asked)[0] is Verdict.RIGHT

    def _judged(self, reading: Reading, problem: Problem) -> tuple[Verdict, str]:
        (judged,) = verdicts([reading], [problem], self.executor, self.judge)
        return judged
