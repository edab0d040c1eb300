"""GradedSample -> pseudo-labels: which samples and translations may be learned from. Every refused row gets one reason.

1. In: graded samples of one method (or graded translations into it), and the filter.
2. Order of the tests: unjudged, truncated, not right (or drifted from its source), leak, duplicate, over the cap.
3. Out: kept rows in their order, and the dropped ones with reasons.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from mmst.answers.equality import canonical_answer
from mmst.errors import ConfigError
from mmst.methods.method import Method
from mmst.types import Dropped, DropReason, FinishReason, GradedSample, Problem, Verdict

VERSION = 1


@dataclass(frozen=True, slots=True)
class Filter:
    """What a pseudo-label must be. Gold answers are used where they are known (STaR, arXiv 2203.14465; RFT, 2308.01825)."""

    per_problem: int = 4
    """The most pseudo-labels of one problem on one edge: without a cap, easy problems fill the training set."""
    deduplicate: bool = True
    """Drop a solution that equals an earlier one of the same problem, but for white space."""
    drop_leaks: bool = True
    """Drop a solution that states its answer without deriving it."""

    def __post_init__(self) -> None:
        if self.per_problem < 1:
            raise ConfigError(f"filter.per_problem={self.per_problem} must be at least 1.")


def select(
    graded: Iterable[GradedSample], problems: Mapping[str, Problem], method: Method, keep: Filter, edge: str
) -> tuple[list[GradedSample], list[Dropped]]:
    """The right samples among `graded`."""
    return _filtered(graded, problems, method, keep, edge, _not_right)


def select_translations(
    graded: Iterable[GradedSample],
    sources: Iterable[GradedSample],
    problems: Mapping[str, Problem],
    method: Method,
    keep: Filter,
    edge: str,
) -> tuple[list[GradedSample], list[Dropped]]:
    """The verified translations: those whose own answer, extracted or executed afresh, equals the source's."""
    answers = {source.sample.id: source.answer for source in sources}

    def drifted(row: GradedSample) -> DropReason | None:
        problem = problems[row.sample.problem_id]
        source = answers[row.sample.source_id or ""]
        same = row.answer is not None and source is not None
        if same and canonical_answer(row.answer or "", problem) == canonical_answer(source or "", problem) is not None:
            return None
        return DropReason.DRIFT

    return _filtered(graded, problems, method, keep, edge, drifted)


def _not_right(row: GradedSample) -> DropReason | None:
    return None if row.verdict is Verdict.RIGHT else DropReason.NOT_RIGHT


def _filtered(
    graded: Iterable[GradedSample],
    problems: Mapping[str, Problem],
    method: Method,
    keep: Filter,
    edge: str,
    judge: Callable[[GradedSample], DropReason | None],
) -> tuple[list[GradedSample], list[Dropped]]:
    kept: list[GradedSample] = []
    dropped: list[Dropped] = []
    seen: set[tuple[str, str]] = set()
    counts: Counter[str] = Counter()
    for row in graded:
        solution = (row.sample.problem_id, " ".join(method.clean(row.sample.completion).split()))
        reason = _unusable(row) or judge(row) or _refused(row, problems, method, keep, solution in seen, counts)
        if reason:
            dropped.append(Dropped(row.sample.id, edge, reason))
            continue
        seen.add(solution)
        counts[row.sample.problem_id] += 1
        kept.append(row)
    return kept, dropped


def _unusable(row: GradedSample) -> DropReason | None:
    if row.verdict is Verdict.UNJUDGED:
        return DropReason.UNJUDGED
    return DropReason.TRUNCATED if row.sample.finish is not FinishReason.STOP else None


def _refused(
    row: GradedSample, problems: Mapping[str, Problem], method: Method, keep: Filter, seen: bool, counts: Counter[str]
) -> DropReason | None:
    if keep.drop_leaks and method.leaks(problems[row.sample.problem_id], row.sample.completion, row.answer or ""):
        return DropReason.LEAK
    if keep.deduplicate and seen:
        return DropReason.DUPLICATE
    return DropReason.OVER_CAP if counts[row.sample.problem_id] >= keep.per_problem else None
