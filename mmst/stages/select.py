"""GradedSample -> pseudo-labels: which samples and translations may be learned from. Every refused row gets one reason.

1. In: graded samples of one method (or graded translations into it), and the filter.
2. The filter's rules in their order; between them the answer: a sample must be right, a translation keep its source's.
3. Out: kept rows in their order, and the dropped ones with the reason of the first rule that refused them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from math import inf
from pathlib import Path

from mmst.answers.equality import canonical_answer
from mmst.answers.labels import LabelRule
from mmst.filters.filter import Filter
from mmst.filters.rules import Context, Rule
from mmst.ledger.hashes import Lookup
from mmst.ledger.spooled import Spooled
from mmst.methods.code import read_programs
from mmst.methods.edge import Choice
from mmst.methods.method import Method
from mmst.sandbox.result import Executor
from mmst.types import Dropped, DropReason, GradedSample, Problem, Verdict

VERSION = 11
RUN_TOGETHER = 2_000
"""Rows whose changed programs are run at once."""


def select(
    graded: Iterable[GradedSample],
    problems: Mapping[str, Problem],
    method: Method,
    keep: Filter,
    edge: str,
    answers: Mapping[str, str],
    folder: Path | None = None,
) -> tuple[Spooled[GradedSample], Spooled[Dropped]]:
    """The samples among `graded` whose answer is the one in `answers` (problem id -> canonical answer, see `labels`).

    With gold labels the verdict decides, since a judge may find more than equal texts right. folder: see `Spooled`.
    """

    def not_right(row: GradedSample, context: Context) -> str | None:
        if keep.labels is LabelRule.GOLD:
            return None if row.verdict is Verdict.RIGHT else DropReason.NOT_RIGHT
        problem = context.problem
        given = canonical_answer(row.answer, problem.kind, problem.choices) if row.answer is not None else None
        return None if given is not None and given == answers.get(problem.id) else DropReason.NOT_RIGHT

    return _filtered(graded, problems, method, keep, edge, not_right, folder)


def select_translations(
    graded: Iterable[GradedSample],
    sources: Iterable[GradedSample],
    problems: Mapping[str, Problem],
    method: Method,
    keep: Filter,
    edge: str,
    verify: bool = True,
    folder: Path | None = None,
) -> tuple[Spooled[GradedSample], Spooled[Dropped]]:
    """The verified translations: those whose own answer, extracted or executed afresh, equals the source's.

    verify: False keeps each that the filter's other rules let pass, whatever it answers. folder: see `Spooled`.
    """
    answers = answers_of(sources)

    def answer_changed(row: GradedSample, context: Context) -> str | None:
        kept = not verify or same_answer(row.answer, answers[row.sample.source_id or ""], context.problem)
        return None if kept else DropReason.ANSWER_CHANGED

    return _filtered(graded, problems, method, keep, edge, answer_changed, folder)


def answers_of(rows: Iterable[GradedSample]) -> Lookup:
    """The answer of each row, by its sample's id."""
    return Lookup((row.sample.id, row.answer) for row in rows)


def same_answer(one: str | None, other: str | None, problem: Problem) -> bool:
    """Whether two solutions of a problem answer the same: what verifies a translation."""
    if one is None or other is None:
        return False
    first, second = (canonical_answer(answer, problem.kind, problem.choices) for answer in (one, other))
    return first is not None and first == second


def choose(
    rows: Sequence[GradedSample],
    how: Choice,
    method: Method,
    own: Mapping[str, Sequence[str]],
    edge: str,
    folder: Path | None = None,
) -> tuple[Spooled[GradedSample], Spooled[Dropped]]:
    """One translation of each problem, and the others. own: by problem, the target's own right solutions."""
    best: dict[str, tuple[float, int]] = {}
    for number, row in enumerate(rows):
        found = _rank(row, how, method, own.get(row.sample.problem_id, ())), number
        best[row.sample.problem_id] = min(best.get(row.sample.problem_id, found), found)
    chosen, dropped = Spooled(GradedSample, folder), Spooled(Dropped, folder)
    for number, row in enumerate(rows):
        if best[row.sample.problem_id][1] == number:
            chosen.append(row)
        else:
            dropped.append(Dropped(row.sample.id, edge, DropReason.NOT_CHOSEN))
    return chosen, dropped


def _rank(row: GradedSample, how: Choice, method: Method, own: Sequence[str]) -> float:
    """The lower the better."""
    if how is Choice.LIKELIEST:
        return -(row.sample.mean_logprob if row.sample.mean_logprob is not None else -inf)
    words = method.clean(row.sample.completion).split()
    if how is Choice.SHORTEST:
        return len(words)
    return max((_overlap(set(words), set(other.split())) for other in own), default=0.0)


def _overlap(one: set[str], other: set[str]) -> float:
    """The share of all words that both have (Jaccard's index)."""
    return len(one & other) / max(1, len(one | other))


def drop_constant(
    rows: Sequence[GradedSample],
    problems: Mapping[str, Problem],
    method: Method,
    executor: Executor,
    edge: str,
    folder: Path | None = None,
) -> tuple[Spooled[GradedSample], Spooled[Dropped]]:
    """Without the programs that give the same answer when the problem's numbers in them are changed."""
    kept, dropped = Spooled(GradedSample, folder), Spooled(Dropped, folder)
    for start in range(0, len(rows), RUN_TOGETHER):
        part = rows[start : start + RUN_TOGETHER]
        constant = _constant(part, problems, method, executor)
        kept.extend(row for n, row in enumerate(part) if n not in constant)
        dropped.extend(Dropped(part[n].sample.id, edge, DropReason.ANSWER_ONLY) for n in sorted(constant))
    return kept, dropped


def _constant(rows: Sequence[GradedSample], problems: Mapping[str, Problem], method: Method, executor: Executor) -> set[int]:
    """The places of the constant programs."""
    changed = [method.perturbed(row.sample.completion, problems[row.sample.problem_id]) for row in rows]
    owners = [n for n, programs in enumerate(changed) for _ in programs]
    asked = [problems[rows[n].sample.problem_id] for n in owners]
    readings = read_programs([program for programs in changed for program in programs], asked, executor)
    moved = {n for n, reading in zip(owners, readings, strict=True) if reading.answer != rows[n].answer or not reading.judged}
    return set(owners) - moved


def first_of_each(rows: Iterable[GradedSample], most: int, folder: Path | None = None) -> Spooled[GradedSample]:
    """The first `most` rows of each problem."""
    counts: Counter[str] = Counter()
    first = Spooled(GradedSample, folder)
    for row in rows:
        counts[row.sample.problem_id] += 1
        if counts[row.sample.problem_id] <= most:
            first.append(row)
    return first


def _filtered(
    graded: Iterable[GradedSample],
    problems: Mapping[str, Problem],
    method: Method,
    keep: Filter,
    edge: str,
    answer: Rule,
    folder: Path | None,
) -> tuple[Spooled[GradedSample], Spooled[Dropped]]:
    rules = [*keep.before_answers, answer, *keep.after_answers]
    kept, dropped = Spooled(GradedSample, folder), Spooled(Dropped, folder)
    solutions = _Solutions(kept, method)
    for row in graded:
        of_problem = solutions.of(row.sample.problem_id)
        context = Context(problems[row.sample.problem_id], method, edge, row.sample.completion, of_problem)
        reason = next((str(found) for rule in rules if (found := rule(row, context))), None)
        if reason:
            dropped.append(Dropped(row.sample.id, edge, reason))
        else:
            of_problem.append(context.solution)
            kept.append(row)
    return kept, dropped


class _Solutions:
    """What was kept of each problem. Rows mostly come by problem: then those of the problem at hand are all that is held."""

    def __init__(self, kept: Iterable[GradedSample], method: Method) -> None:
        self._kept, self._method = kept, method
        self._past: set[str] = set()
        self._held: dict[str, list[str]] = defaultdict(list)
        self._all = False

    def of(self, problem: str) -> list[str]:
        """The solutions of a problem, to which those that are kept are added."""
        if problem in self._held or self._all:
            return self._held[problem]
        if problem in self._past:  # it comes again, as further tries do: from here on, all are held
            self._all = True
            self._held.clear()
            for row in self._kept:
                self._held[row.sample.problem_id].append(self._method.clean(row.sample.completion))
        else:
            self._past.update(self._held)
            self._held.clear()
        return self._held[problem]
