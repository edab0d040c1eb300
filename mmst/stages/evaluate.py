"""GradedSample -> Score: what a checkpoint can do, by method and by tag, and arms against each other.

1. In: graded greedy samples, one a problem, for each method.
2. Unjudged problems leave the denominator and are counted; `either` is right where some method is.
3. Out: scores with intervals, and paired comparisons on the problems that both arms were judged on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from mmst.statistics.intervals import accuracy_interval
from mmst.statistics.paired import holm, paired_difference
from mmst.types import Comparison, GradedSample, Problem, Score, Verdict

EITHER = "either"
"""The name of the union of all methods in tables."""

Outcomes = Mapping[str, bool | None]
"""Problem id -> whether it was solved; None where it is unjudged."""


def outcomes_by_method(graded: Mapping[str, Iterable[GradedSample]]) -> dict[str, dict[str, bool | None]]:
    """Outcomes of each method, and of `either` where there are several."""
    outcomes = {method: {row.sample.problem_id: _outcome(row.verdict) for row in rows} for method, rows in graded.items()}
    if len(outcomes) > 1:
        outcomes[EITHER] = {
            problem: _union([o[problem] for o in outcomes.values()]) for problem in next(iter(outcomes.values()))
        }
    return outcomes


def score(outcomes: Outcomes) -> Score:
    """Accuracy over the judged problems."""
    judged = [outcome for outcome in outcomes.values() if outcome is not None]
    right = sum(judged)
    low, high = accuracy_interval(right, len(judged))
    return Score(right / len(judged) if judged else 0.0, len(judged), low, high, len(outcomes) - len(judged))


def scores_by_tag(outcomes: Outcomes, problems: Sequence[Problem], prefix: str) -> dict[str, Score]:
    """Scores of the problems under each tag that begins with `prefix:`."""
    groups: dict[str, dict[str, bool | None]] = defaultdict(dict)
    for problem in problems:
        for tag in problem.tags:
            if tag.startswith(prefix + ":") and problem.id in outcomes:
                groups[tag.removeprefix(prefix + ":")][problem.id] = outcomes[problem.id]
    return {tag: score(group) for tag, group in sorted(groups.items())}


def compare(arms: Mapping[str, Mapping[str, Outcomes]], pairs: Sequence[tuple[str, str]]) -> list[Comparison]:
    """Each pair (a, b) of arms by each method, with p values corrected over all of them."""
    cells = []
    for a, b in pairs:
        for method in arms[a]:
            shared = [p for p, x in arms[a][method].items() if x is not None and arms[b][method].get(p) is not None]
            first, second = ([bool(arms[arm][method][p]) for p in shared] for arm in (a, b))
            cells.append((a, b, method, paired_difference(first, second)))
    corrected = holm([cell[3].p for cell in cells])
    return [
        Comparison(a, b, method, d.difference, d.low, d.high, d.p, p_holm, d.n)
        for (a, b, method, d), p_holm in zip(cells, corrected, strict=True)
    ]


def _outcome(verdict: Verdict) -> bool | None:
    return None if verdict is Verdict.UNJUDGED else verdict is Verdict.RIGHT


def _union(outcomes: Sequence[bool | None]) -> bool | None:
    if any(outcomes):
        return True
    return None if None in outcomes else False
