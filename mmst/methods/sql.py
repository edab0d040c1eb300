"""Queries: one SELECT over the problem's database, run in the sandbox (after Yu et al., Spider, arXiv 1809.08887).

SELECT COUNT(*) FROM staff WHERE city = 'Rome'
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from mmst.answers.equality import canonical_answer
from mmst.methods.method import Reading
from mmst.methods.prompt import QUESTION_CUE, PromptFormat
from mmst.sandbox.queries import ORDERED, Answered, answered, query_program, table_text
from mmst.sandbox.result import Executor
from mmst.types import AnswerKind, Problem, Step

FENCE = re.compile(r"```[^\n]*\n(.*?)(?:```|$)", re.DOTALL)
STATEMENT = re.compile(r"""(?:'[^']*'|"[^"]*"|--[^\n]*|/\*.*?\*/|[^;])*+""", re.DOTALL)
"""Up to the first semicolon outside of quotes and remarks."""
ANOTHER = re.compile(
    r"(?:select|with|insert|update|delete|replace|create|drop|alter|attach|detach|pragma|vacuum|begin|commit)\b", re.IGNORECASE
)
"""What a second statement begins with; what else follows a semicolon is remarks."""
PIECE = re.compile(r"""'(?:[^']|'')*'|"[^"]*"|\s+|[^\s'"]+|['"]""")
CONSTANT = re.compile(r"select\s+(?:'[^']*'|-?[\d.]+)\s*(?:as\s+\w+\s*)?(?:from\b.*|)", re.IGNORECASE | re.DOTALL)
LONGEST = 5_000
"""Characters of a query that is run."""
MOST_OUTPUT = 500
"""Characters of a result that are kept to be looked at."""
WORDS = 40
"""Characters of a reason, which is for counting."""
NAMED = re.compile(r'^(?:near ".*?": (?=syntax error)|unrecognized token: ".*)', re.DOTALL)


@dataclass(frozen=True, slots=True)
class SqlMethod:
    """Solutions that are one query of SQLite, answered by the problem's database (`Problem.setup`) in the sandbox."""

    format: PromptFormat
    name: str = "sql"
    version: ClassVar[int] = 1
    """Raised with every change of what is read out of a completion, or of what a solution is cleaned to."""

    def clean(self, completion: str) -> str:
        """The query: what is inside a code fence if there is one, up to its semicolon, without a run-on next question.

        A second statement stays, so that the query is refused for it.
        """
        text = completion.split(QUESTION_CUE.strip())[0]
        fenced = FENCE.search(text)
        text = (fenced.group(1) if fenced else text).strip()
        found = STATEMENT.match(text)
        end = found.end() if found else 0
        return text if ANOTHER.match(text[end + 1 :].strip()) else text[:end].strip()

    def read_all(self, completions: Sequence[str], problems: Sequence[Problem], executor: Executor) -> list[Reading]:
        """The value that each query gives, or its rows as one text; each is run once however often it occurs."""
        if not completions:
            return []
        asked = [query_program(self.clean(text)[:LONGEST], p.setup) for text, p in zip(completions, problems, strict=True)]
        distinct = list(dict.fromkeys(asked))
        results = executor.execute([replace(program, name=str(n)) for n, program in enumerate(distinct)])
        found = dict(zip(distinct, map(answered, results), strict=True))
        return [_reading(found[program], problem) for program, problem in zip(asked, problems, strict=True)]

    def render(self, derivation: Sequence[Step]) -> str:
        """One expression: arithmetic needs no table."""
        values: dict[str, str] = {}
        for step in derivation:
            left, right = (values.get(x, x) for x in (step.left, step.right))
            values[step.label] = f"({left} {step.operator} {right})"
        return f"SELECT {values[derivation[-1].label][1:-1]}"

    def steps(self, solution: str) -> str:
        """The query in small letters but for what is quoted, with single spaces."""
        pieces = PIECE.findall(solution)
        return "".join(" " if piece.isspace() else piece if piece[0] in "'\"" else piece.lower() for piece in pieces).strip()

    def wrong_steps(self, completion: str) -> list[str]:
        """The database calculates: nothing is stated."""
        return []

    def perturbed(self, completion: str, problem: Problem) -> list[str]:
        """None: what a query depends on is the database."""
        return []

    def leaks(self, problem: Problem, completion: str, answer: str) -> bool:
        """Whether the query selects a constant."""
        return CONSTANT.fullmatch(self.clean(completion)) is not None


def _reading(found: Answered, problem: Problem) -> Reading:
    if found.rows is None:
        return Reading(None, _counted(found.why), found.judged, output=found.why)
    text = table_text(found.rows, ORDERED in problem.tags)
    single = len(found.rows) == 1 and len(found.rows[0]) == 1
    if problem.kind is AnswerKind.TEXT:
        return Reading(canonical_answer(text, problem.kind), "value" if single else "rows", output=text[:MOST_OUTPUT])
    if not single:
        return Reading(
            None, f"{len(found.rows)} rows" if len(found.rows) != 1 else "several columns", output=text[:MOST_OUTPUT]
        )
    return Reading(canonical_answer(text, problem.kind, problem.choices) or text, "value", output=text[:MOST_OUTPUT])


def _counted(why: str) -> str:
    """A reason without what differs from query to query: names, and words that SQLite quotes."""
    if "one statement" in why:
        return "several statements"
    return NAMED.sub("", why).partition(":")[0].strip()[:WORDS] or "syntax error"
