"""A method of one's own: `read` is all that has to be written; every other capability has a default."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from mmst.answers.passages import without_run_on
from mmst.methods.code import read_programs
from mmst.methods.method import Reading
from mmst.methods.prompt import PromptFormat
from mmst.sandbox.result import Executor, Program
from mmst.types import Problem, Step

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class OwnMethod(ABC):
    """Subclass it as a frozen dataclass, set `name`, and write `read`. See docs/extending.md for an example.

    What else a method can do (see `mmst.methods.method.Method`) may be overridden one by one.
    """

    format: PromptFormat
    name: str = ""

    @abstractmethod
    def read(self, solution: str, problem: Problem) -> Reading | Program:
        """The answer of one solution, or a program whose value is the answer: the pipeline runs it in the sandbox.

        Args:
            solution: a completion as `clean` leaves it.
            problem: the problem that it is of.
        """

    def read_all(self, completions: Sequence[str], problems: Sequence[Problem], executor: Executor) -> list[Reading]:
        """See `Method.read_all`. What `read` raises makes a row unjudged: it is no answer of the model's."""
        found = [self._read(self.clean(text), problem) for text, problem in zip(completions, problems, strict=True)]
        places = [n for n, one in enumerate(found) if isinstance(one, Program)]
        codes = [one.code for one in found if isinstance(one, Program)]
        ran = dict(zip(places, read_programs(codes, [problems[n] for n in places], executor), strict=True))
        return [ran[n] if isinstance(one, Program) else one for n, one in enumerate(found)]

    def _read(self, solution: str, problem: Problem) -> Reading | Program:
        try:
            return self.read(solution, problem)
        except Exception as error:
            log.warning("method %s: read failed at a solution of %s (%r); it is unjudged", self.name, problem.id, error)
            return Reading(None, f"read failed: {type(error).__name__}", judged=False)

    def clean(self, completion: str) -> str:
        """The completion up to a run-on next question."""
        return without_run_on(completion).strip()

    def render(self, derivation: Sequence[Step]) -> str:
        """One step per line."""
        return "\n".join(f"{step.label} = {step.left} {step.operator} {step.right} = {step.value}" for step in derivation)

    def steps(self, solution: str) -> str:
        """All of the solution, but for white space."""
        return " ".join(solution.split())

    def wrong_steps(self, completion: str) -> list[str]:
        """None: nothing is known of what it states."""
        return []

    def perturbed(self, completion: str, problem: Problem) -> list[str]:
        """None: it is no program."""
        return []

    def leaks(self, problem: Problem, completion: str, answer: str) -> bool:
        """Whether the solution is its answer and nothing else."""
        return self.clean(completion) == answer
