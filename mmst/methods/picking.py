"""Which of several solutions is right: a prompt that shows a model a problem with them, and the letter that it answers.

    Question: Ana has 3 bags of 4 nuts. How many nuts is that?
    Solution A:
    There are 3 + 4 = 7 nuts. The answer is 7.
    Solution B:
    def solution():
        return 3 * 4
    Right solution: B                                              <- cue, letter

Automatic model selection (arXiv 2305.14333). As there, programs are shown without what they return.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mmst.answers.reading import stated_answer
from mmst.methods.prompt import Conversation, PromptFormat, PromptWriter, Rendering, exemplar_rows, shown_question
from mmst.methods.reasoning import split_reasoning
from mmst.types import AnswerKind, Problem

NAME = "Solution"
SOLUTIONS = "solutions"
"""The exemplars' field that holds the solutions; `PromptFormat.key` is the one with the right one's letter."""
STATED = re.compile(
    r"\b(?:right|correct|best|better)\b[^.\n]{0,40}?(?:\bis\b|:)[\s*_]*(?:solution\s+)?[*_(\[\"']*([A-Z])\b(?!')", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Asking:
    """How a model is asked which solution is right."""

    format: PromptFormat
    orders: int
    """2: in one order of the solutions, and in the reverse; 1: in one order alone."""
    max_tokens: int
    """Of a reply."""


def letter_of(place: int) -> str:
    """`A` for the first solution."""
    return chr(65 + place)


def picking_prompt(writer: PromptWriter, problem: Problem, solutions: Sequence[str], target: PromptFormat) -> Rendering:
    """The prompt that asks which of the solutions is right.

    Kinds of answers without exemplars of their own are asked with those for numbers: what is asked is the same.
    """
    rows = _exemplars(target, problem.kind) or _exemplars(target, AnswerKind.NUMBER)
    exemplars = [(_shown(shown_question(row), row[SOLUTIONS]), str(row[target.key])) for row in rows[: target.shots]]
    instruction = target.instructions.get(problem.kind, target.instruction)
    return writer.rendering(Conversation(instruction, tuple(exemplars), _shown(problem.statement, solutions)), target)


def picked(reply: str, solutions: int) -> int | None:
    """The place of the solution, of so many, that a reply names; None where it names none, or several."""
    said = split_reasoning(reply)[1]
    named = {match[1].upper() for match in STATED.finditer(said)}
    names = [f"{NAME} {letter_of(place)}" for place in range(solutions)]
    letter = named.pop() if len(named) == 1 else stated_answer(said, AnswerKind.CHOICE, names)[0] if not named else None
    place = ord(letter) - 65 if letter and len(letter) == 1 else solutions
    return place if place < solutions else None


def _exemplars(target: PromptFormat, kind: AnswerKind) -> list[Mapping[str, Any]]:
    return [row for row in exemplar_rows(target.exemplars, kind) if row.get(SOLUTIONS) and row.get(target.key)]


def _shown(question: str, solutions: Sequence[str]) -> str:
    parts = [f"{NAME} {letter_of(place)}:\n{solution.strip()}" for place, solution in enumerate(solutions)]
    return "\n".join([question.strip(), *parts])
