"""Queries: one SELECT over the problem's database, run in the sandbox (after Yu et al., Spider, arXiv 1809.08887).

SELECT COUNT(*) FROM staff WHERE city = 'Rome'
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from mmst.answers.equality import canonical_answer, gold_of
from mmst.methods.method import CONSTANT, Reading
from mmst.methods.prompt import PromptFormat
from mmst.methods.queries_in import query_in
from mmst.sandbox.queries import LONGEST_QUERY, ORDERED, Answered, answered, query_program
from mmst.sandbox.result import Executor, Program
from mmst.sandbox.statements import in_one_layout, pieces
from mmst.sandbox.tables import ROWS_JOINED_BY, Rows, exact_text, read, same_rows, table_name, table_text
from mmst.types import AnswerKind, Problem, Step

LITERAL = re.compile(r"select\s+(?:'[^']*'|-?[\d.]+)\s*(?:as\s+\w+\s*)?(?:from\b.*|)", re.IGNORECASE | re.DOTALL)
DERIVES = {"from", "+", "-", "*", "/", "%"}
TOO_LONG = "too long"
"""Why a query is not run that has more characters than `LONGEST_QUERY`."""
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
    version: ClassVar[int] = 4
    """Raised with every change of what is read out of a completion, or of what a solution is cleaned to."""

    def clean(self, completion: str) -> str:
        """The query, see `mmst.methods.queries_in`."""
        return query_in(completion).kept

    def read_all(self, completions: Sequence[str], problems: Sequence[Problem], executor: Executor) -> list[Reading]:
        """The value that each query gives, or its rows as one text; each is run once however often it occurs."""
        if not completions:
            return []
        queries = [query_in(text).asked for text in completions]
        asked = [
            None if len(query) > LONGEST_QUERY else query_program(query, problem.setup)
            for query, problem in zip(queries, problems, strict=True)
        ]
        distinct = list(dict.fromkeys(program for program in asked if program))
        results = executor.execute([replace(program, name=str(n)) for n, program in enumerate(distinct)])
        found: dict[Program | None, Answered] = dict(zip(distinct, map(answered, results), strict=True))
        found[None] = Answered(None, TOO_LONG)
        return [_reading(found[program], problem) for program, problem in zip(asked, problems, strict=True)]

    def render(self, derivation: Sequence[Step]) -> str:
        """One expression: arithmetic needs no table."""
        values: dict[str, str] = {}
        for step in derivation:
            left, right = (values.get(x, x) for x in (step.left, step.right))
            values[step.label] = f"({left} {step.operator} {right})"
        return f"SELECT {values[derivation[-1].label][1:-1]}"

    def steps(self, solution: str) -> str:
        """The query in one layout."""
        return in_one_layout(solution)

    def wrong_steps(self, completion: str) -> list[str]:
        """The database calculates: nothing is stated."""
        return []

    def perturbed(self, completion: str, problem: Problem) -> list[str]:
        """None: what a query depends on is the database."""
        return []

    def leaks(self, problem: Problem, completion: str, answer: str) -> bool:
        """Whether the query selects a constant: it neither reads a table nor calculates."""
        query = self.clean(completion)
        return DERIVES.isdisjoint(map(str.lower, pieces(query))) or LITERAL.fullmatch(query) is not None


def _reading(found: Answered, problem: Problem) -> Reading:
    if found.rows is None:
        return Reading(None, _counted(found.why), found.judged, output=found.why)
    text = table_text(found.rows, ORDERED in problem.tags)
    single = len(found.rows) == 1 and len(found.rows[0]) == 1
    output = text[:MOST_OUTPUT]
    if not single and problem.kind is not AnswerKind.TEXT:
        return Reading(None, f"{len(found.rows)} rows" if len(found.rows) != 1 else "several columns", output=output)
    answer = canonical_answer(text, problem.kind, problem.choices) or text
    gold = gold_of(problem) if problem.tests and problem.kind is not AnswerKind.TESTS else None
    if gold is not None:
        answer = _beside(gold, answer, found.rows, len(found.columns), problem)
    reason = CONSTANT if found.constant else "value" if single else "rows"
    return Reading(answer, reason, output=output, calculated=gold is not None)


def _beside(gold: str, answer: str, rows: Rows, columns: int, problem: Problem) -> str:
    """The answer as its text is compared: the gold one where the tables are the same, and one unlike it where they are not."""
    as_wide = bool(rows) or problem.tests[1:] in ((), (str(columns),))
    if as_wide and same_rows(rows, read(problem.tests[0]), ORDERED in problem.tags):
        return gold
    exact = exact_text(rows)
    forms = (answer, f"{answer} [exactly {exact}]" if exact else "", table_name(rows))
    return next(form for form in forms if form and not _reads_alike(form, gold, problem))


def _reads_alike(answer: str, gold: str, problem: Problem) -> bool:
    """Whether a judge that knows nothing of tables finds two texts equal, as rows in any order too."""
    same = canonical_answer(answer, problem.kind, problem.choices) == gold
    return same or sorted(answer.split(ROWS_JOINED_BY)) == sorted(gold.split(ROWS_JOINED_BY))


def _counted(why: str) -> str:
    """A reason without what differs from query to query: names, and words that SQLite quotes."""
    if "one statement" in why:
        return "several statements"
    return NAMED.sub("", why).partition(":")[0].strip()[:WORDS] or "syntax error"
