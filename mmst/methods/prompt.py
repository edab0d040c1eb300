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
from pathlib import Path
from typing import Any

import yaml

from mmst.errors import ConfigError
from mmst.types import AnswerKind, Problem

QUESTION_CUE = "Question: "
DEFAULT_EXEMPLARS = "default"
KINDS_WITH_EXEMPLARS = (AnswerKind.NUMBER, AnswerKind.CHOICE, AnswerKind.YES_NO, AnswerKind.TESTS)
REWRITE = "Rewrite each {source} as a {target} with the same steps and the same answer."
"""The instruction of a translation prompt."""

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
    exemplars: str = DEFAULT_EXEMPLARS
    """A folder of `mmst/methods/prompts/`, or of the user's, with a file for each kind of answer."""
    key: str = ""
    """The exemplars' field that holds this method's solution."""
    solution_name: str = "solution"
    instructions: Mapping[str, str] = field(default_factory=dict)
    """Another instruction for some kinds of answer, such as `tests`."""
    rewrite: str = REWRITE
    """The instruction of prompts that translate into this method; {source} and {target} are the solutions' names."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "stop", tuple(self.stop))
        unknown = set(self.instructions) - set(AnswerKind)
        if unknown:
            raise ConfigError(f"methods: instructions.{unknown.pop()} is of no kind; there are {', '.join(AnswerKind)}.")
        available = len(exemplar_rows(self.exemplars, AnswerKind.NUMBER))
        if not 0 <= self.shots <= available:
            raise ConfigError(
                f"methods: shots={self.shots} is not possible; the exemplars '{self.exemplars}' hold {available}."
            )
        try:
            self.rewrite.format(source="", target="")
        except (KeyError, IndexError, ValueError) as error:
            raise ConfigError(
                f"methods: rewrite='{self.rewrite}' may hold {{source}} and {{target}} in braces alone."
            ) from error

    def check_kind(self, kind: AnswerKind, method: str) -> None:
        """Refuse a kind of answer that there are exemplars for, but none by this method.

        Raises:
            ConfigError: names the method and the kind.
        """
        rows = exemplar_rows(self.exemplars, kind)
        if self.shots and rows and not any(row.get(self.key) for row in rows):
            raise ConfigError(f"methods: '{method}' has no exemplars for answers of the kind {kind.value}; leave it out.")

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

    def solve(self, problem: Problem, target: PromptFormat) -> str:
        """The prompt for a solution of a problem by `target`."""
        rows = [row for row in exemplar_rows(target.exemplars, problem.kind) if row.get(target.key)][: target.shots]
        shots = [_question(_shown(row)) + target.solution_block(row[target.key]) for row in rows]
        instruction = target.instructions.get(problem.kind, target.instruction)
        return self._assemble(instruction, shots, _question(problem.statement), target)

    def translate(self, problem: Problem, solution: str, source: PromptFormat, target: PromptFormat) -> str:
        """The prompt for writing a solution by `source` as one by `target`."""
        pairs = zip(exemplar_rows(source.exemplars, problem.kind), exemplar_rows(target.exemplars, problem.kind), strict=True)
        both = [(a, b) for a, b in pairs if a.get(source.key) and b.get(target.key)][: target.shots]
        shots = [
            _question(_shown(a)) + source.solution_block(a[source.key]) + target.solution_block(b[target.key]) for a, b in both
        ]
        instruction = target.rewrite.format(source=source.solution_name, target=target.solution_name)
        last = _question(problem.statement) + source.solution_block(solution)
        return self._assemble(instruction, shots, last, target)

    def _assemble(self, instruction: str, shots: Sequence[str], last: str, target: PromptFormat) -> str:
        head = [instruction] if instruction and shots else []
        if self.chat is None:
            return "\n\n".join([*head, *shots, last + target.cue_block()])
        return self.chat("\n\n".join([*head, *shots, last]), target.cue)


@cache
def exemplar_rows(name: str, kind: AnswerKind) -> tuple[Mapping[str, Any], ...]:
    """The exemplars for one kind of answer: a question with its solution by every method.

    A folder without a file for the kind takes those of `default`, which holds the same questions.

    Raises:
        ConfigError: there is no such folder.
    """
    built_in = Path(str(resources.files("mmst.methods"))) / "prompts"
    folder = built_in / name if "/" not in name else Path(name).expanduser()
    if not folder.is_dir():
        have = ", ".join(sorted(path.name for path in built_in.iterdir() if path.is_dir()))
        raise ConfigError(f"methods: there are no exemplars '{name}'; give a folder with number.yaml in it, or one of {have}.")
    shown = kind if kind in KINDS_WITH_EXEMPLARS else AnswerKind.NUMBER
    places = (folder / f"{shown.value}.yaml", built_in / DEFAULT_EXEMPLARS / f"{shown.value}.yaml")
    path = next((place for place in places if place.exists()), None)
    return tuple(yaml.safe_load(path.read_text(encoding="utf-8"))) if path else ()


def _shown(row: Mapping[str, Any]) -> str:
    """An exemplar's question as a problem's is shown."""
    kind = AnswerKind.CHOICE if row.get("choices") else AnswerKind.TESTS if row.get("test") else AnswerKind.NUMBER
    problem = Problem(
        "",
        str(row["question"]),
        "",
        kind,
        choices=tuple(map(str, row.get("choices") or ())),
        tests=(str(row.get("test", "")),),
        entry_point=str(row.get("entry_point", "")),
        public_tests=1,
    )
    return problem.statement


def _question(question: str) -> str:
    return f"{QUESTION_CUE}{question.strip()}"
