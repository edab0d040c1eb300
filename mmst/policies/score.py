"""What a policy's choices are worth: accuracy against tokens, calibration, and against the best single method."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from mmst.policies.case import Choice
from mmst.statistics.calibration import Bin, Coverage, area_under_risk, expected_calibration_error, reliability, risk_coverage
from mmst.statistics.intervals import accuracy_interval
from mmst.statistics.paired import holm, paired_difference
from mmst.types import Verdict

POINTS = 50
"""The most points of a curve that are kept."""


@dataclass(frozen=True, slots=True)
class PolicyScore:
    """One policy on one data set, by the answers of one checkpoint."""

    accuracy: float
    """Share of the judged problems, from 0 to 1."""
    n: int
    """Judged problems."""
    low: float
    high: float
    """The 95% interval of the accuracy."""
    unjudged: int
    """Problems left out because the judging failed, not the model."""
    tokens: float
    """Completion tokens a problem, of every answer that was looked at."""
    methods: dict[str, int]
    """Method -> on how many problems its answer was chosen."""
    ece: float | None
    """Expected calibration error of the confidence, from 0 to 1; None where the policy states none."""
    aurc: float | None
    """Area under the curve of risk against coverage, from 0 to 1."""
    bins: list[Bin]
    """The reliability diagram; empty without confidence."""
    coverage: list[Coverage]
    """Risk against coverage, at no more than fifty points; empty without confidence."""
    prompt_tokens: float = 0.0
    """A problem, of every answer that was looked at; engines that share prefixes compute less."""


@dataclass(frozen=True, slots=True)
class PolicyComparison:
    """A policy minus a single method, on the same problems."""

    policy: str
    against: str
    difference: float
    low: float
    high: float
    """The 95% interval of the difference."""
    p: float
    p_holm: float
    """`p`, corrected for the number of policies (Holm)."""
    n: int


def outcomes(choices: Sequence[Choice]) -> dict[str, bool | None]:
    """Problem id -> whether the choice is right; None where it is unjudged."""
    return {c.id: None if c.verdict is Verdict.UNJUDGED else c.verdict is Verdict.RIGHT for c in choices}


def policy_score(choices: Sequence[Choice]) -> PolicyScore:
    """What the choices are worth."""
    judged = [choice for choice in choices if choice.verdict is not Verdict.UNJUDGED]
    right = [choice.verdict is Verdict.RIGHT for choice in judged]
    hits = sum(right)
    sure = [choice.confidence for choice in judged if choice.confidence is not None]
    stated = bool(judged) and len(sure) == len(judged)
    return PolicyScore(
        hits / len(judged) if judged else 0.0,
        len(judged),
        *accuracy_interval(hits, len(judged)),
        unjudged=len(choices) - len(judged),
        tokens=fmean(choice.tokens for choice in choices) if choices else 0.0,
        methods=dict(Counter(choice.method for choice in choices if choice.method is not None)),
        ece=expected_calibration_error(sure, right) if stated else None,
        aurc=area_under_risk(sure, right) if stated else None,
        bins=reliability(sure, right) if stated else [],
        coverage=_thinned(risk_coverage(sure, right)) if stated else [],
        prompt_tokens=fmean(choice.prompt_tokens for choice in choices) if choices else 0.0,
    )


def against(
    policies: Mapping[str, Sequence[Choice]], single: str, answers: Mapping[str, bool | None]
) -> list[PolicyComparison]:
    """Each policy against one method's outcomes, on the problems that both were judged on."""
    cells = {}
    for name, choices in policies.items():
        own = outcomes(choices)
        shared = [id for id, right in own.items() if right is not None and answers.get(id) is not None]
        cells[name] = paired_difference([bool(answers[id]) for id in shared], [bool(own[id]) for id in shared])
    corrected = holm([cell.p for cell in cells.values()])
    return [
        PolicyComparison(name, single, d.difference, d.low, d.high, d.p, p_holm, d.n)
        for (name, d), p_holm in zip(cells.items(), corrected, strict=True)
    ]


def _thinned(points: Sequence[Coverage]) -> list[Coverage]:
    """Points at equal distances, with the last."""
    step = max(1, -(-len(points) // POINTS))
    return [*reversed(points[::-1][::step])]
