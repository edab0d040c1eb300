"""The problems that a model finds hardest, told by samples of its own: what harder problems gain shows there, and nowhere else.

Tong et al., arXiv 2407.13690 (DART-Math), give hard problems more samples; on all test problems a gain on hard ones is thinned.
"""

from __future__ import annotations

import hashlib
import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from mmst.measuring import ArmResult, Evaluation
from mmst.pipeline import Checkpoint, Pipeline, ProblemSet
from mmst.stages.evaluate import Measurement, measured
from mmst.types import GradedSample, Verdict

log = logging.getLogger(__name__)

PARTS = 3
"""One of so many parts is the hardest."""


def with_hardest(
    pipeline: Pipeline, evaluation: Evaluation, base: Checkpoint, results: Sequence[ArmResult], test_sets: Sequence[ProblemSet]
) -> tuple[list[ArmResult], list[ProblemSet]]:
    """The results and what they were measured on, and the hardest third of each set as a set of its own.

    Greedy answers to those problems are part of the whole set's, so that nothing but the base's samples is drawn. As these are
    others than its greedy answers, no chance of the latter decides which problems are hard. But what is hard for the base need
    not be so for another model, so compare trained arms with each other there.

    base: whose samples tell, `evaluation.hardest` of each problem by each method; with 0 all is left as it is.
    """
    parts = hardest_parts(pipeline, evaluation, base, test_sets)
    for problems in test_sets if evaluation.hardest else ():
        if problems.name not in parts:
            judged = " that were judged" if len(problems.problems) >= PARTS else ""
            said = (
                "evaluation.hardest: %s has fewer than %d problems%s, too few for a hardest third, so there is no table of one"
            )
            log.warning(said, problems.name, PARTS, judged)
    return [_with_parts(result, parts) for result in results], [*test_sets, *parts.values()]


def _with_parts(result: ArmResult, parts: Mapping[str, ProblemSet]) -> ArmResult:
    restricted = {part.name: _restricted(result.measured[name], part) for name, part in parts.items()}
    return replace(result, measured=result.measured | restricted)


def hardest_parts(
    pipeline: Pipeline, evaluation: Evaluation, base: Checkpoint, test_sets: Sequence[ProblemSet]
) -> dict[str, ProblemSet]:
    """Set -> the third of its problems that fewest of the base's samples solve; nothing where none are to be drawn.

    Sets of which too few problems are there, or were judged, have none.
    """
    asked = [problems for problems in test_sets if evaluation.hardest and len(problems.problems) >= PARTS]
    found = {problems.name: _hardest_part(pipeline, evaluation, base, problems) for problems in asked}
    return {name: part for name, part in found.items() if part.problems}


def _hardest_part(pipeline: Pipeline, evaluation: Evaluation, base: Checkpoint, problems: ProblemSet) -> ProblemSet:
    """The third of one set's problems, by all methods together."""
    assert evaluation.sampled is not None
    count = evaluation.hardest
    drawn = (pipeline.graded(base, method, problems, evaluation.sampled, 0, count) for method in pipeline.methods)
    hard = hardest(row for rows in drawn for row in rows)
    return ProblemSet(f"hardest third of {problems.name}", tuple(p for p in problems.problems if p.id in hard))


def hardest(rows: Iterable[GradedSample]) -> set[str]:
    """The ids of the third with the smallest shares of right samples, of those judged; ties are broken by a hash of the id."""
    right: Counter[str] = Counter()
    judged: Counter[str] = Counter()
    for row in rows:
        if row.verdict is not Verdict.UNJUDGED:
            judged[row.sample.problem_id] += 1
            right[row.sample.problem_id] += row.verdict is Verdict.RIGHT
    ordered = sorted(judged, key=lambda id: (Fraction(right[id], judged[id]), hashlib.sha256(id.encode()).digest()))
    return set(ordered[: len(ordered) // PARTS])


def _restricted(found: Measurement, part: ProblemSet) -> Measurement:
    """What the greedy answers to a part of the problems tell."""
    rows = {method: [by_id[p.id] for p in part.problems if p.id in by_id] for method, by_id in found.given.items()}
    return measured(rows, part.by_id, {}, 0)
