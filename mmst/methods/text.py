"""Chain of thought: reasoning in words that ends in a stated answer (Wei et al., arXiv 2201.11903)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from mmst.answers.audit import wrong_steps
from mmst.answers.numbers import canonical_number, numbers_in
from mmst.answers.passages import without_run_on
from mmst.answers.reading import stated_answer, unit_of
from mmst.methods.code import program_of, read_programs
from mmst.methods.method import Reading
from mmst.methods.prompt import PromptFormat
from mmst.sandbox.expressions import is_expression, values_of
from mmst.sandbox.result import Executor
from mmst.types import AnswerKind, Problem, Step

EQUATION = re.compile(r"[\d$(][\d\s.,$()+*/\u00d7\u00f7-]*=\s*\$?-?\d+(?:[.,]\d+)*")
SIGN = r"[-+*/\u00d7\u00f7\u2212]"
OPERATION = re.compile(rf"[\d)]\s*{SIGN}\s*[($]*\d")
SIGNS = re.compile(r"[=+*/\u00d7\u00f7\u2212^]|-\s")
EQUATION_IN_WORDS = re.compile(rf"\w\s{SIGN}\s\w[^=]*=")
LONGEST = 4_000
"""Characters of a solution in which equations and numbers are looked for."""
FEWEST_WORDS = 3
"""Of reasoning before an answer that is no number."""
FEWEST_NUMBERS = 2
"""Of reasoning without an operation, before an answer that is a number."""
LISTING = frozenset(
    {
        "and",
        "or",
        "the",
        "a",
        "number",
        "numbers",
        "value",
        "values",
        "are",
        "is",
        "given",
        "in",
        "question",
        "problem",
        "we",
        "i",
        "you",
        "it",
        "have",
        "has",
        "there",
        "here",
        "from",
        "of",
        "so",
        "then",
        "all",
        "these",
        "this",
        "answer",
        "result",
        "therefore",
        "thus",
        "t",
    }
)
"""Words that make no reasoning of the numbers between them; the t is what is left of `The answer is`."""


@dataclass(frozen=True, slots=True)
class TextMethod:
    """Solutions such as `The total is 3 * 4 = 12. The answer is 12.`"""

    format: PromptFormat
    name: str = "text"
    version: ClassVar[int] = 2
    """Raised with every change of what is read out of a completion, or of what a solution is cleaned to."""

    def clean(self, completion: str) -> str:
        """The reasoning up to a run-on next question or turn."""
        return without_run_on(completion).strip()

    def read_all(self, completions: Sequence[str], problems: Sequence[Problem], executor: Executor) -> list[Reading]:
        """The marked answer (`The answer is ...`, or boxed), else what is said last, recorded as `fallback`.

        For `TESTS`, what the program in the text's fence does.
        """
        readings = [_read(text, problem) for text, problem in zip(completions, problems, strict=True)]
        tested = [n for n, problem in enumerate(problems) if problem.kind is AnswerKind.TESTS]
        programs = [program_of(self.clean(completions[n]), problems[n]) for n in tested]
        ran = read_programs(programs, [problems[n] for n in tested], executor)
        for n, reading in zip(tested, ran, strict=True):
            readings[n] = reading
        return _calculated(readings, problems, executor)

    def render(self, derivation: Sequence[Step]) -> str:
        """One sentence a step, labels replaced by their values."""
        values = {step.label: step.value for step in derivation}
        sentences = [
            f"The {step.label} is {values.get(step.left, step.left)} {step.operator} "
            f"{values.get(step.right, step.right)} = {step.value}."
            for step in derivation
        ]
        return " ".join([*sentences, f"The answer is {derivation[-1].value}."])

    def steps(self, solution: str) -> str:
        """The equations in the text, in order (RFT's equation list); all of it where there is none."""
        equations = EQUATION.findall(solution[:LONGEST])
        return ";".join("".join(equation.split()) for equation in equations) or " ".join(solution.split())

    def wrong_steps(self, completion: str) -> list[str]:
        """See `mmst.answers.audit.wrong_steps`."""
        return wrong_steps(self.clean(completion))

    def perturbed(self, completion: str, problem: Problem) -> list[str]:
        """A text is no program."""
        return []

    def leaks(self, problem: Problem, completion: str, answer: str) -> bool:
        """Whether the text has no step before its answer: fewer than two numbers and no operation, or a mere list of numbers.

        What repeats the answer counts as one number. For answers that are no numbers: hardly a word.
        """
        if problem.kind is AnswerKind.TESTS:
            return False
        body = self.clean(completion).rsplit("he answer is", 1)[0]
        if problem.kind is not AnswerKind.NUMBER:
            return len(body.split()) < FEWEST_WORDS
        looked_at = body[:LONGEST]
        if OPERATION.search(looked_at) or EQUATION_IN_WORDS.search(looked_at):
            return False
        if LISTING.issuperset(re.findall(r"[^\W\d_]+", looked_at.lower())) and not SIGNS.search(looked_at):
            return True
        numbers = numbers_in(looked_at)
        others = sum(number != answer for number in numbers)
        return others + (others < len(numbers)) < FEWEST_NUMBERS


def _read(text: str, problem: Problem) -> Reading:
    unit = unit_of(problem.answer) if problem.kind is AnswerKind.NUMBER else ""
    return Reading(*stated_answer(text, problem.kind, problem.choices, unit))


def _calculated(readings: list[Reading], problems: Sequence[Problem], executor: Executor) -> list[Reading]:
    r"""The readings, with the value of each answer that is an expression such as `4\sqrt{2}` where a number is asked for."""
    places = [
        n
        for n, (reading, problem) in enumerate(zip(readings, problems, strict=True))
        if problem.kind is AnswerKind.NUMBER
        and reading.answer
        and canonical_number(reading.answer) is None
        and is_expression(reading.answer)
    ]
    for n, value in zip(places, values_of([readings[n].answer or "" for n in places], executor), strict=True):
        if value is None:
            readings[n] = Reading(None, "expression out of time", judged=False)
        elif (number := canonical_number(value)) is not None:
            readings[n] = Reading(number, readings[n].reason)
    return readings
