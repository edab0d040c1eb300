"""Prompts: question, cue, and optional exemplars. A base model gets few-shot text, an instruct model its chat template.

    Question: Ana has 3 bags of 4 nuts. How many nuts is that?     <- question
    Answer: The total is 3 * 4 = 12. The answer is 12.             <- cue, solution

A translation prompt holds the source's solution between the question and the target's cue, so that any method can be
translated into any other without a prompt of its own: N methods give N x N edges.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources

import yaml

from mmst.errors import ConfigError

QUESTION_CUE = "Question: "

ChatTemplate = Callable[[str, str], str]
"""(instruction and exemplars, the cue that the reply begins with) -> the text for the engine."""


@dataclass(frozen=True, slots=True)
class PromptFormat:
    """How one method asks for a solution.

    `instruction` stands first wherever exemplars do. `shots` counts the exemplars of a prompt; 0 for a model that was made
    for the bare format. `lead` is the white space between cue and solution.
    """

    cue: str
    lead: str
    instruction: str = ""
    shots: int = 0
    stop: tuple[str, ...] = ()
    exemplars: str = "default"
    key: str = ""
    """The exemplars' field that holds this method's solution."""
    solution_name: str = "solution"

    def __post_init__(self) -> None:
        object.__setattr__(self, "stop", tuple(self.stop))
        available = len(exemplar_rows(self.exemplars))
        if not 0 <= self.shots <= available:
            raise ConfigError(
                f"methods: shots={self.shots} is not possible; the exemplars '{self.exemplars}' hold {available}."
            )

    def solution_block(self, solution: str) -> str:
        """The cue and a solution under it."""
        return f"\n{self.cue}{self.lead}{solution}"

    def cue_block(self) -> str:
        """The cue alone, where the model is to go on."""
        return f"\n{self.cue}"


@dataclass(frozen=True, slots=True)
class PromptWriter:
    """Writes solution and translation prompts for one model.

    `chat` is the model's chat template, or None for a base model.
    """

    chat: ChatTemplate | None = field(default=None)

    def solve(self, question: str, target: PromptFormat) -> str:
        """The prompt for a solution of `question` by `target`."""
        rows = exemplar_rows(target.exemplars)[: target.shots]
        shots = [_question(row["question"]) + target.solution_block(row[target.key]) for row in rows]
        return self._assemble(target.instruction, shots, _question(question), target)

    def translate(self, question: str, solution: str, source: PromptFormat, target: PromptFormat) -> str:
        """The prompt for writing a solution by `source` as one by `target`."""
        rows = exemplar_rows(target.exemplars)[: target.shots]
        shots = [
            _question(row["question"]) + source.solution_block(row[source.key]) + target.solution_block(row[target.key])
            for row in rows
        ]
        instruction = (
            f"Rewrite each {source.solution_name} as a {target.solution_name} with the same steps and the same answer."
        )
        return self._assemble(instruction, shots, _question(question) + source.solution_block(solution), target)

    def _assemble(self, instruction: str, shots: Sequence[str], last: str, target: PromptFormat) -> str:
        head = [instruction] if instruction and shots else []
        if self.chat is None:
            return "\n\n".join([*head, *shots, last + target.cue_block()])
        return self.chat("\n\n".join([*head, *shots, last]), target.cue)


@cache
def exemplar_rows(name: str) -> tuple[Mapping[str, str], ...]:
    """The exemplars of a file in `mmst/methods/prompts/`: a question with its solution by every method."""
    path = resources.files("mmst.methods") / "prompts" / f"{name}.yaml"
    if not path.is_file():
        raise ConfigError(f"methods: there are no exemplars '{name}' in mmst/methods/prompts/.")
    return tuple(yaml.safe_load(path.read_text(encoding="utf-8")))


def _question(question: str) -> str:
    return f"{QUESTION_CUE}{question.strip()}"
