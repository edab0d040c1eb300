"""Problems -> their samples by one method: as many of each, or until enough are right; and how rarely a problem was solved.

A problem that the model solves at once needs no further sample, and one that it hardly ever solves needs many: draws that end
with right samples give the hard ones more labels for as many tokens (DART-Math, arXiv 2407.13690, section 3: "uniform").
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable

from mmst.crossing import Round
from mmst.ledger.spooled import Spooled
from mmst.stages.grade import is_unjudged
from mmst.stages.sets import Rows
from mmst.types import Example, GradedSample, Verdict


def drawn(round: Round, method: str) -> Rows:
    """The samples of each problem of a round by one method, by problem, then by number."""
    until = round.options.until
    return round.sampled(method, round.options.samples_per_problem) if until is None else _until_right(round, method, until)


def _until_right(round: Round, method: str, until: int) -> Rows:
    """`until` samples of each problem, then one more of each that has fewer right ones, `at_most` in all.

    No sample is drawn that the numbers before it make needless, and each has the seed that it has among `at_most` of all.
    """
    drawn: list[Rows] = []
    latest = round.sampled(method, until)
    waiting = list(round.problems.problems)
    right = Counter[str]()
    hopeless: set[str] = set()
    for count in range(until, round.options.at_most + 1):
        drawn.append(latest)
        for row in latest:
            right[row.sample.problem_id] += row.verdict is Verdict.RIGHT
            if _never_judged(row):
                hopeless.add(row.sample.problem_id)
        waiting = [problem for problem in waiting if right[problem.id] < until and problem.id not in hopeless]
        if not waiting or count == round.options.at_most:
            break
        latest = round.sampled(method, 1, count, waiting)
    order = {problem.id: place for place, problem in enumerate(round.problems.problems)}
    rows = heapq.merge(*drawn, key=lambda row: (order[row.sample.problem_id], row.sample.index))  # each by problem, then number
    return Spooled(GradedSample, round.pipeline.ledger.root, rows)


def _never_judged(row: GradedSample) -> bool:
    """Whether no further sample of its problem can be judged: the prompt is too long, or no right answer is known."""
    return row.verdict is Verdict.UNJUDGED and not is_unjudged(row)


def rarity_weights(rows: Iterable[Rows], examples: Iterable[Example]) -> dict[str, float]:
    """Problem id -> how much its examples count: by the reciprocal of the share of its samples that are right, of all methods.

    On average over the examples 1, so that a step is as large as without them.
    """
    right, judged = Counter[str](), Counter[str]()
    for graded in rows:
        for row in graded:
            right[row.sample.problem_id] += row.verdict is Verdict.RIGHT
            judged[row.sample.problem_id] += row.verdict is not Verdict.UNJUDGED
    counts = Counter(example.problem_id for example in examples)
    rare = {id: judged[id] / max(1, right[id]) for id in counts}
    mean = sum(rare[example.problem_id] for example in examples) / max(1, counts.total())
    return {id: value / mean for id, value in rare.items()}
