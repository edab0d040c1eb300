"""An engine without a model: it answers each problem with the data set's own solution, which should all be found right.

What is not is a fault of the data, of how it is read, or of the judging: `mmst eval sampler=references` finds it before a model
is blamed for it.
"""

from __future__ import annotations

from collections.abc import Sequence

from mmst.errors import ConfigError
from mmst.ledger.spec import rows_key
from mmst.samplers.sampler import SamplingParams, Watch, Weightless, nobody
from mmst.types import AnswerKind, Completion, FinishReason, Problem, Prompt

NO_REFERENCE = "no reference"


class References(Weightless):
    """Completes a problem's prompt with its `rationale`; where that is no program, the gold answer follows in a sentence.

    Args:
        problems: a split of a data set. Others' problems, and those without a solution, fail, so that they are unjudged.
        split: its name, for messages.

    Raises:
        ConfigError: no problem has a solution.
    """

    def __init__(self, problems: Sequence[Problem], split: str = "test") -> None:
        self.solutions = {problem.id: _solution(problem) for problem in problems if problem.rationale}
        if not self.solutions:
            raise ConfigError(f"sampler=references: no problem of the split {split} has a written solution to judge.")

    @property
    def engine(self) -> str:
        """`references`, with a hash of the solutions."""
        return f"references {rows_key(sorted(self.solutions.items()))[:16]}"

    def complete(self, prompts: Sequence[Prompt], params: SamplingParams, watch: Watch = nobody) -> list[list[Completion]]:
        """See `Sampler.complete`. Tokens are counted as words."""
        made = [[self._completion(prompt)] * len(prompt.seeds) for prompt in prompts]
        watch(sum(map(len, made)), sum(c.completion_tokens for group in made for c in group))
        return made

    def _completion(self, prompt: Prompt) -> Completion:
        solution = self.solutions.get(prompt.id.rpartition("/")[0])
        words = len(prompt.text.split())
        if solution is None:
            return Completion("", FinishReason.ERROR, words, 0, None, NO_REFERENCE)
        return Completion(solution, FinishReason.STOP, words, len(solution.split()), None)


def _solution(problem: Problem) -> str:
    rationale = problem.rationale or ""
    return rationale if problem.kind is AnswerKind.TESTS else f"{rationale}\nThe answer is {problem.answer}."
