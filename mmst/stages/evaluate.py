"""GradedSample -> Score: what a checkpoint can do, by method and by tag, and arms against each other.

1. In: graded greedy samples, one a problem, for each method; and several samples a problem, where these are asked for.
2. Unjudged problems leave the denominator and are counted; `either` is right where some method is.
3. Out: scores with intervals, how methods agree, and paired comparisons on the problems that both arms were judged on.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from statistics import fmean

from mmst.answers.equality import NO_GOLD, canonical_answer, gold_of, verdict_of
from mmst.answers.labels import Health, Spread, health, spread
from mmst.policies.table import PolicyTable
from mmst.policies.vote import evenly
from mmst.stages.reasons import ReasonRate
from mmst.statistics.agreement import Agreement, agreement
from mmst.statistics.intervals import accuracy_interval, mean_interval
from mmst.statistics.paired import PairedDifference, holm, paired_difference
from mmst.statistics.power import ALPHA, smallest_difference
from mmst.statistics.samples import maj_at_k, pass_at_k
from mmst.types import Comparison, GradedSample, Problem, Score, Verdict

EITHER = "either"
"""The name of the union of all methods in tables."""

ALL_METHODS = "all methods"
"""The name of the vote of all methods' samples together."""

Outcomes = Mapping[str, bool | None]
"""Problem id -> whether it was solved; None where it is unjudged."""


@dataclass(frozen=True, slots=True)
class MethodPair:
    """Two methods of one checkpoint on the same problems."""

    a: str
    b: str
    table: Agreement
    """Whose answers are right; phi below 0 where they fail on different problems."""
    agree: Score
    """How often both give the same answer."""
    right_when_agree: Score
    """How often that answer is right."""


@dataclass(frozen=True, slots=True)
class SampledScore:
    """What several samples of a problem are worth together."""

    method: str
    metric: str
    """`pass@k`, unbiased, or `maj@k`, the vote of the first k samples; of all methods: k in all, evenly drawn from each."""
    k: int
    value: float
    low: float
    high: float
    """The 95% interval over problems; the samples of one are a cluster."""
    n: int


@dataclass(frozen=True, slots=True)
class Measurement:
    """One checkpoint on one data set."""

    outcomes: dict[str, dict[str, bool | None]]
    """Method -> problem id -> right, wrong, or None for unjudged."""
    verdicts: dict[str, dict[str, int]] = field(default_factory=dict)
    """Method -> verdict -> how many greedy answers; `no_gold`: unjudged since no right answer is known."""
    pairs: list[MethodPair] = field(default_factory=list)
    sampled: list[SampledScore] = field(default_factory=list)
    judge_agreement: dict[str, dict[str, int]] = field(default_factory=dict)
    """Method -> `n` greedy answers that a judge of the user's and `exact` both judged, and how often they said the `same`."""
    policies: PolicyTable = field(default_factory=PolicyTable)
    """What choosing among the methods problem by problem is worth."""
    given: dict[str, dict[str, GradedSample]] = field(default_factory=dict)
    """Method -> problem id -> the greedy answer."""
    spread: dict[str, Spread] = field(default_factory=dict)
    """Method -> how its greedy answers differ, which tells of a collapse where no gold is known; so do the next two."""
    agreeing: dict[str, dict[str, bool]] = field(default_factory=dict)
    """Two methods, as in `text, code` -> problem id -> whether both give one answer."""
    reasons: list[ReasonRate] = field(default_factory=list)
    """How often right answers have wrong reasons."""
    health: dict[str, Health] = field(default_factory=dict)
    """Method -> how diverse its sampled answers are, where some are drawn."""


def measured(
    graded: Mapping[str, Iterable[GradedSample]],
    problems: Mapping[str, Problem],
    sampled: Mapping[str, Iterable[GradedSample]],
    samples: int,
) -> Measurement:
    """All that greedy answers, and `samples` sampled ones of each problem (0: none), tell about a checkpoint."""
    rows = {method: list(answers) for method, answers in graded.items()}
    verdicts = {method: dict(Counter(map(_verdict_name, answers))) for method, answers in rows.items()}
    pairs = [_pair(a, rows[a], b, rows[b], problems) for a, b in combinations(rows, 2)]
    given = {method: {row.sample.problem_id: row for row in answers} for method, answers in rows.items()}
    scores = sampled_scores(sampled, problems, samples)
    return Measurement(
        outcomes_by_method(rows),
        verdicts,
        pairs,
        scores,
        given=given,
        spread={method: spread(answers) for method, answers in rows.items()},
        agreeing={f"{a}, {b}": _agreeing(given[a], given[b], problems) for a, b in combinations(rows, 2)},
        health={method: health(answers) for method, answers in sampled.items()},
    )


def _verdict_name(row: GradedSample) -> str:
    return "no_gold" if row.reason == NO_GOLD else row.verdict.value


def judge_agreement(graded: Mapping[str, Iterable[GradedSample]], problems: Mapping[str, Problem]) -> dict[str, dict[str, int]]:
    """How often verdicts are those of the answers' kinds, where gold is known: right against all else that is judged."""
    found = {}
    for method, rows in graded.items():
        exact = [(row.verdict, verdict_of(row.answer, problems[row.sample.problem_id])[0]) for row in rows]
        both = [[verdict is Verdict.RIGHT for verdict in pair] for pair in exact if Verdict.UNJUDGED not in pair]
        found[method] = {"n": len(both), "same": sum(judge == kind for judge, kind in both)}
    return found


def sampled_scores(
    graded: Mapping[str, Iterable[GradedSample]], problems: Mapping[str, Problem], samples: int
) -> list[SampledScore]:
    """pass@k and maj@k for k = 1, 2, 4, ... up to `samples`; problems with an unjudged sample are left out.

    The vote of all methods takes k samples in all, as the row beside it does: one of each at the least.
    """
    golds = {id: gold_of(problem) for id, problem in problems.items()}
    answers = {method: _answers(rows, problems) for method, rows in graded.items()}
    if len(answers) > 1:
        shared = set.intersection(*(set(given) for given in answers.values()))
        order = [id for id in next(iter(answers.values())) if id in shared]
    scores: list[SampledScore] = []
    for k in (2**power for power in range(samples.bit_length()) if 2**power <= samples):
        for method, given in answers.items():
            known = [(row, gold) for id, row in given.items() if (gold := golds[id]) is not None]
            scores.append(_sampled(method, "pass", k, [pass_at_k(len(row), row.count(gold), k) for row, gold in known]))
            scores.append(_sampled(method, "maj", k, [maj_at_k(row[:k], gold) for row, gold in known]))
        if len(answers) > 1 and k >= len(answers):
            shares = evenly(k, list(answers))
            votes = [([x for method, given in answers.items() for x in given[id][: shares[method]]], golds[id]) for id in order]
            scores.append(_sampled(ALL_METHODS, "maj", k, [maj_at_k(vote, gold) for vote, gold in votes if gold is not None]))
    return scores


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


def judgeable(outcomes: Outcomes, problems: Mapping[str, Problem]) -> Outcomes:
    """Without problems that nothing is known of: what is unjudged there is no failure."""
    return {id: right for id, right in outcomes.items() if right is not None or problems[id].has_gold}


def scores_by_tag(outcomes: Outcomes, problems: Sequence[Problem], prefix: str) -> dict[str, Score]:
    """Scores of the problems under each tag that begins with `prefix:`."""
    groups: dict[str, dict[str, bool | None]] = defaultdict(dict)
    for problem in problems:
        for tag in problem.tags:
            if tag.startswith(prefix + ":") and problem.id in outcomes:
                groups[tag.removeprefix(prefix + ":")][problem.id] = outcomes[problem.id]
    return {tag: score(group) for tag, group in sorted(groups.items())}


def compare(arms: Mapping[str, Mapping[str, Outcomes]], pairs: Sequence[tuple[str, str]]) -> list[Comparison]:
    """Each pair (a, b) of arms by each method with problems that both were judged on, p values corrected over all of them."""
    cells = []
    for a, b in pairs:
        for method in arms[a]:
            shared = [p for p, x in arms[a][method].items() if x is not None and arms[b][method].get(p) is not None]
            first, second = ([bool(arms[arm][method][p]) for p in shared] for arm in (a, b))
            if shared:
                cells.append((a, b, method, paired_difference(first, second)))
    corrected = holm([cell[3].p for cell in cells])
    return [
        Comparison(a, b, method, d.difference, d.low, d.high, d.p, p_holm, d.n, d.discordant, _visible(d, len(cells)))
        for (a, b, method, d), p_holm in zip(cells, corrected, strict=True)
    ]


def _visible(found: PairedDifference, comparisons: int) -> float | None:
    """The smallest difference that one of so many comparisons shows by itself, after Holm's correction of the smallest p."""
    return smallest_difference(found.discordant / max(1, found.n), found.n, alpha=ALPHA / comparisons)


def _pair(
    a: str, first: Sequence[GradedSample], b: str, second: Sequence[GradedSample], problems: Mapping[str, Problem]
) -> MethodPair:
    others = {row.sample.problem_id: row for row in second}
    both = [(row, others[row.sample.problem_id]) for row in first if row.sample.problem_id in others]
    judged = [pair for pair in both if all(row.verdict is not Verdict.UNJUDGED for row in pair)]
    same = {row.sample.problem_id: _same(row, other, problems[row.sample.problem_id]) for row, other in judged}
    right = {row.sample.problem_id: row.verdict is Verdict.RIGHT for row, _ in judged if same[row.sample.problem_id]}
    table = agreement((row.verdict is Verdict.RIGHT, other.verdict is Verdict.RIGHT) for row, other in judged)
    return MethodPair(a, b, table, score(same), score(right))


def _same(row: GradedSample, other: GradedSample, problem: Problem) -> bool:
    given = [None if x.answer is None else canonical_answer(x.answer, problem.kind, problem.choices) for x in (row, other)]
    return given[0] is not None and given[0] == given[1]


def _agreeing(
    first: Mapping[str, GradedSample], second: Mapping[str, GradedSample], problems: Mapping[str, Problem]
) -> dict[str, bool]:
    return {id: _same(row, second[id], problems[id]) for id, row in first.items() if id in second}


def _answers(rows: Iterable[GradedSample], problems: Mapping[str, Problem]) -> dict[str, list[str | None]]:
    """Problem id -> its canonical answers, in the samples' order; without problems that have an unjudged sample.

    A right answer is the gold one, also where another form of it was found equal.
    """
    given: dict[str, list[str | None]] = defaultdict(list)
    lost: set[str] = set()
    for row in rows:
        problem = problems[row.sample.problem_id]
        if row.verdict is Verdict.UNJUDGED:
            lost.add(problem.id)
        own = None if row.answer is None else canonical_answer(row.answer, problem.kind, problem.choices)
        given[problem.id].append(gold_of(problem) if row.verdict is Verdict.RIGHT else own)
    return {id: answers for id, answers in given.items() if id not in lost}


def _sampled(method: str, metric: str, k: int, values: Sequence[float]) -> SampledScore:
    low, high = mean_interval(values)
    return SampledScore(method, f"{metric}@{k}", k, fmean(values) if values else 0.0, low, high, len(values))


def _outcome(verdict: Verdict) -> bool | None:
    return None if verdict is Verdict.UNJUDGED else verdict is Verdict.RIGHT


def _union(outcomes: Sequence[bool | None]) -> bool | None:
    if any(outcomes):
        return True
    return None if None in outcomes else False
