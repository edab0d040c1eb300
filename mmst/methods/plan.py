"""Plans: numbered steps in words, then what they lead to (arXiv 2305.04091; for programs arXiv 2303.06689).

Where unit tests judge, a program in a fence follows the plan, and it is what is run:

1. Keep each of the prices if it is larger than 7.
2. Add up what is kept.
```python
def total_prices(prices):
    return sum(n for n in prices if n > 7)
```

Words cannot be tested but through a program, so a plan's verdict is its program's. What the plan itself is worth shows where
it is translated: the other method is shown the plan without the program, and what it writes is tested again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from mmst.answers.audit import wrong_steps
from mmst.methods.code import CodeMethod
from mmst.methods.programs import FENCE, answer_part, program_in
from mmst.methods.prompt import PromptFormat
from mmst.methods.text import FEWEST_WORDS, TextMethod
from mmst.types import AnswerKind, Problem

PROGRAM = re.compile(r"^(?:(?:async )?def \w+\(|class \w+.*:$|import [\w., ]+$|from \S+ import )", re.MULTILINE)
"""How a program begins that stands in no fence."""


@dataclass(frozen=True, slots=True)
class PlanFormat(PromptFormat):
    """The format of plans: translations into another method are shown no program, so that they are made from the plan."""

    def source_block(self, solution: str) -> str:
        """The cue and the plan under it."""
        return self.solution_block(plan_in(solution))


@dataclass(frozen=True, slots=True)
class PlanMethod(TextMethod):
    """Plans, read as texts are; where unit tests judge, by the program that follows the plan."""

    name: str = "plan"
    version: ClassVar[int] = 1
    """Raised with every change of what is read out of a completion, or of what a solution is cleaned to."""

    def clean(self, completion: str) -> str:
        """The plan with what follows it. A line such as `Example:` ends a text, but not a program with its remarks."""
        said = answer_part(completion)
        return said.strip() if _program_start(said) < len(said) else TextMethod.clean(self, completion)

    def steps(self, solution: str) -> str:
        """What the program calculates, whatever the plan's words are; without one, see `TextMethod.steps`."""
        if _program_start(solution) == len(solution):
            return TextMethod.steps(self, solution)
        return CodeMethod(self.format).steps(program_in(solution))

    def wrong_steps(self, completion: str) -> list[str]:
        """Those of the plan: a program states nothing."""
        return wrong_steps(plan_in(self.clean(completion)))

    def leaks(self, problem: Problem, completion: str, answer: str) -> bool:
        """Whether there is no plan: of a program, hardly a word before it; else see `TextMethod.leaks`."""
        if problem.kind is not AnswerKind.TESTS:
            return TextMethod.leaks(self, problem, completion, answer)
        return len(plan_in(self.clean(completion)).split()) < FEWEST_WORDS


def plan_in(solution: str) -> str:
    """What stands before the program; all of a solution that has none."""
    return solution[: _program_start(solution)].rstrip()


def _program_start(solution: str) -> int:
    """Where the program begins, or the solution ends: at the first fence, or else at the first line of a bare program."""
    found = FENCE.search(solution) or PROGRAM.search(solution)
    return found.start() if found else len(solution)
