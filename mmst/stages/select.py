"""GradedSample -> pseudo-labels: which samples and translations may be learned from. Every refused row gets one reason.

1. In: graded samples of one method (or graded translations into it), and the filter.
2. Order of the tests: unjudged, truncated, too long, not right (or drifted from its source), leak, wrong step, duplicate, over
   the cap.
3. Out: kept rows in their order, and the dropped ones with reasons.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from mmst.answers.equality import canonical_answer
from mmst.answers.labels import LabelRule
from mmst.errors import ConfigError
from mmst.methods.code import read_programs
from mmst.methods.method import Method
from mmst.sandbox.result import Executor
from mmst.types import Dropped, DropReason, FinishReason, GradedSample, Problem, Verdict

VERSION = 3


class Sameness(StrEnum):
    """When two solutions of a problem are the same."""

    NONE = "none"
    TEXT = "text"
    """Equal but for white space."""
    STEPS = "steps"
    """Equal calculations, whatever the words and names (RFT, arXiv 2308.01825)."""


class Quantity(StrEnum):
    """What the amount of training data is counted in."""

    EXAMPLES = "examples"
    TOKENS = "tokens"
    """Those that have a loss: the completions'."""


@dataclass(frozen=True, slots=True)
class Filter:
    """What a pseudo-label must be, and how many make a training set. docs/filters.md has the sources."""

    labels: LabelRule = LabelRule.GOLD
    """What decides that an answer is right."""
    least_share: float = 0.5
    """For labels without gold: the share of a problem's samples that must give the answer."""
    per_problem: int = 4
    """The most pseudo-labels of one problem on one edge: without a cap, easy problems fill the training set."""
    deduplicate: Sameness = Sameness.TEXT
    """Which of a problem's solutions count once."""
    drop_leaks: bool = True
    """Drop a solution that states its answer without deriving it."""
    drop_constant: bool = False
    """Drop a program whose value stays when the problem's numbers in it are changed; each is run twice more."""
    drop_wrong_steps: bool = False
    """Drop a text in which a statement `a op b = c` does not hold."""
    longest: int | None = None
    """The most words of a solution."""
    balance: bool = False
    """Cut every edge's examples down to the fewest of any edge, at random."""
    match: str | None = None
    """Another arm: cut the examples down to as many as it has in the same round, each edge in proportion, at random."""
    match_by: Quantity = Quantity.EXAMPLES
    """What `match`, `share` and `most` count in."""
    share: float = 1.0
    """The share of the training set that stays, each edge in proportion, at random."""
    most: int | None = None
    """The most that the training set holds, each edge in proportion, at random."""
    disagreement: float | None = None
    """The share of the training set on problems that some methods solve and others do not, the rest on those that all solve:
    what the methods' (anti-)correlation is set by. None: as it comes. Needs gold answers."""
    replay: float = 0.0
    """The share of the training set that methods have which the recipe does not train, each with its own pseudo-labels, against
    forgetting."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "labels", LabelRule(self.labels))
        object.__setattr__(self, "deduplicate", Sameness(self.deduplicate))
        object.__setattr__(self, "match_by", Quantity(self.match_by))
        if self.per_problem < 1:
            raise ConfigError(f"filter.per_problem={self.per_problem} must be at least 1.")
        if self.longest is not None and self.longest < 1:
            raise ConfigError(f"filter.longest={self.longest} must be at least 1, or null.")
        if not 0 < self.share <= 1:
            raise ConfigError(f"filter.share={self.share} is a share of the training set, above 0 and at most 1.")
        if self.most is not None and self.most < 1:
            raise ConfigError(f"filter.most={self.most} must be at least 1, or null.")
        if self.disagreement is not None and not 0 <= self.disagreement <= 1:
            raise ConfigError(f"filter.disagreement={self.disagreement} is a share of the training set, from 0 to 1, or null.")
        if self.disagreement is not None and self.replay:
            raise ConfigError("filter: disagreement and replay both say what the training set consists of; set one of them.")
        if not 0 <= self.replay < 1:
            raise ConfigError(f"filter.replay={self.replay} is a share of the training set, from 0 to below 1.")
        if not 0 < self.least_share <= 1:
            raise ConfigError(f"filter.least_share={self.least_share} must be above 0 and at most 1.")

    @property
    def cuts(self) -> bool:
        """Whether it says how much of what was found stays."""
        return self.balance or self.share < 1 or self.most is not None or self.disagreement is not None


def select(
    graded: Iterable[GradedSample],
    problems: Mapping[str, Problem],
    method: Method,
    keep: Filter,
    edge: str,
    answers: Mapping[str, str],
) -> tuple[list[GradedSample], list[Dropped]]:
    """The samples among `graded` whose answer is the one in `answers` (problem id -> canonical answer, see `labels`)."""

    def not_right(row: GradedSample) -> DropReason | None:
        problem = problems[row.sample.problem_id]
        given = canonical_answer(row.answer, problem.kind, problem.choices) if row.answer is not None else None
        return None if given is not None and given == answers.get(problem.id) else DropReason.NOT_RIGHT

    return _filtered(graded, problems, method, keep, edge, not_right)


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
        own, other = (canonical_answer(answer or "", problem.kind, problem.choices) for answer in (row.answer, source))
        if same and own == other is not None:
            return None
        return DropReason.DRIFT

    return _filtered(graded, problems, method, keep, edge, drifted)


def drop_constant(
    rows: Sequence[GradedSample], problems: Mapping[str, Problem], method: Method, executor: Executor, edge: str
) -> tuple[list[GradedSample], list[Dropped]]:
    """Without the programs that give the same answer when the problem's numbers in them are changed."""
    changed = [method.perturbed(row.sample.completion, problems[row.sample.problem_id]) for row in rows]
    owners = [n for n, programs in enumerate(changed) for _ in programs]
    asked = [problems[rows[n].sample.problem_id] for n in owners]
    readings = read_programs([program for programs in changed for program in programs], asked, executor)
    moved = {n for n, reading in zip(owners, readings, strict=True) if reading.answer != rows[n].answer or not reading.judged}
    constant = set(owners) - moved
    dropped = [Dropped(rows[n].sample.id, edge, DropReason.LEAK) for n in sorted(constant)]
    return [row for n, row in enumerate(rows) if n not in constant], dropped


def first_of_each(rows: Sequence[GradedSample], most: int) -> list[GradedSample]:
    """The first `most` rows of each problem."""
    counts: Counter[str] = Counter()
    first = []
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
    judge: Callable[[GradedSample], DropReason | None],
) -> tuple[list[GradedSample], list[Dropped]]:
    kept: list[GradedSample] = []
    dropped: list[Dropped] = []
    seen: set[tuple[str, str]] = set()
    counts: Counter[str] = Counter()
    for row in graded:
        solution = (row.sample.problem_id, _identity(row, method, keep.deduplicate))
        reason = _unusable(row, keep, method) or judge(row) or _refused(row, problems, method, keep, solution in seen, counts)
        if reason:
            dropped.append(Dropped(row.sample.id, edge, reason))
            continue
        seen.add(solution)
        counts[row.sample.problem_id] += 1
        kept.append(row)
    return kept, dropped


def _identity(row: GradedSample, method: Method, sameness: Sameness) -> str:
    if sameness is Sameness.NONE:
        return row.sample.id
    solution = method.clean(row.sample.completion)
    return method.steps(solution) if sameness is Sameness.STEPS else " ".join(solution.split())


def _unusable(row: GradedSample, keep: Filter, method: Method) -> DropReason | None:
    if row.verdict is Verdict.UNJUDGED and (keep.labels is LabelRule.GOLD or row.answer is None):
        return DropReason.UNJUDGED
    if row.sample.finish is not FinishReason.STOP:
        return DropReason.TRUNCATED
    if keep.longest is not None and len(method.clean(row.sample.completion).split()) > keep.longest:
        return DropReason.TOO_LONG
    return None


def _refused(
    row: GradedSample, problems: Mapping[str, Problem], method: Method, keep: Filter, seen: bool, counts: Counter[str]
) -> DropReason | None:
    if keep.drop_leaks and method.leaks(problems[row.sample.problem_id], row.sample.completion, row.answer or ""):
        return DropReason.LEAK
    if keep.drop_wrong_steps and method.wrong_steps(row.sample.completion):
        return DropReason.WRONG_STEP
    if seen:
        return DropReason.DUPLICATE
    return DropReason.OVER_CAP if counts[row.sample.problem_id] >= keep.per_problem else None
