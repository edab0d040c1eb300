"""GradedSample -> Preference: right and wrong samples of one problem, side by side.

1. In: graded samples of some methods. Those count that the model ended itself, and that were judged right or wrong.
2. Within a method a pair has that method's prompt. Across two it has the question alone, which says nothing of methods: what
   can be learned from it is which way to go.
3. Out: pairs by problem and methods, each solution in one pair of each kind at most.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import product

from mmst.methods.method import Method
from mmst.methods.prompt import PromptWriter
from mmst.methods.reasoning import split_reasoning
from mmst.types import FinishReason, GradedSample, Message, Preference, Problem, Verdict

MOST = 4
"""Pairs of one problem and two methods."""

Solutions = dict[tuple[str, str, Verdict], dict[str, str]]
"""(problem, method, verdict) -> solution -> the first sample that it is of."""


def preferences(
    rows: Iterable[GradedSample], problems: Mapping[str, Problem], methods: Mapping[str, Method], writer: PromptWriter
) -> list[Preference]:
    """Pairs of all problems, within and across methods. Translations are left out: they were told a solution."""
    found: Solutions = {}
    for row in rows:
        sample = row.sample
        whole = sample.source_id is None and sample.finish is FinishReason.STOP
        if whole and row.verdict in (Verdict.RIGHT, Verdict.WRONG) and sample.method in methods:
            solution = methods[sample.method].clean(split_reasoning(sample.completion)[1]).strip()
            solutions = found.setdefault((sample.problem_id, sample.method, row.verdict), {})
            if len(solutions) < MOST:  # no pair is made of further ones
                solutions.setdefault(solution, sample.id)
    made: list[Preference] = []
    for problem, chosen, rejected in product(problems.values(), methods, methods):
        right = found.get((problem.id, chosen, Verdict.RIGHT), {})
        wrong = found.get((problem.id, rejected, Verdict.WRONG), {})
        if right and wrong:
            asked = writer.solution(problem, methods[chosen].format).messages
            prompt = asked if chosen == rejected else (Message("user", problem.statement),)
            for (good, good_id), (bad, bad_id) in list(zip(right.items(), wrong.items(), strict=False))[:MOST]:
                said = (Message("assistant", good),), (Message("assistant", bad),)
                made.append(Preference(problem.id, prompt, *said, chosen, rejected, good_id, bad_id))
    return made
