"""Chain of thought: reasoning in words that ends in a stated answer (Wei et al., arXiv 2201.11903)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mmst.answers.reading import marked_answer
from mmst.methods.method import Reading
from mmst.methods.prompt import QUESTION_CUE, PromptFormat
from mmst.sandbox.result import Executor
from mmst.types import Problem, Step

SIGN_OF_DERIVATION = "="


@dataclass(frozen=True, slots=True)
class TextMethod:
    """Solutions such as `The total is 3 * 4 = 12. The answer is 12.`"""

    format: PromptFormat
    name: str = "text"

    def clean(self, completion: str) -> str:
        """The reasoning up to a run-on next question."""
        return completion.split(QUESTION_CUE.strip())[0].strip()

    def read(self, completions: Sequence[str], executor: Executor) -> list[Reading]:
        """The marked answer (`The answer is ...`, or boxed), else the last number, recorded as `fallback`."""
        found = [marked_answer(self.clean(completion)) for completion in completions]
        return [Reading(answer, reason) for answer, reason in found]

    def render(self, derivation: Sequence[Step]) -> str:
        """One sentence a step, labels replaced by their values."""
        values = {step.label: step.value for step in derivation}
        sentences = [
            f"The {step.label} is {values.get(step.left, step.left)} {step.operator} "
            f"{values.get(step.right, step.right)} = {step.value}."
            for step in derivation
        ]
        return " ".join([*sentences, f"The answer is {derivation[-1].value}."])

    def leaks(self, problem: Problem, completion: str, answer: str) -> bool:
        """Whether the text has no step before its answer: no `=` and fewer than two other numbers."""
        body = self.clean(completion).rsplit("he answer is", 1)[0]
        return SIGN_OF_DERIVATION not in body and sum(map(str.isdigit, body)) < 2
