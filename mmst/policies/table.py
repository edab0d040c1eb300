"""The policies' rows of one checkpoint on one data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mmst.policies.case import Case, Choice
from mmst.policies.learned import Ready
from mmst.policies.policy import Policy, PolicyError
from mmst.policies.score import PolicyComparison, PolicyScore, against, outcomes, policy_score
from mmst.policies.single import OneMethod, Oracle
from mmst.policies.verifier import SampleBound

TESTED = "compares answers, and problems that are judged by tests have none to compare"


@dataclass(frozen=True, slots=True)
class PolicyTable:
    """What each policy is worth on one data set, by the answers of one checkpoint."""

    scores: dict[str, PolicyScore] = field(default_factory=dict)
    comparisons: list[PolicyComparison] = field(default_factory=list)
    """Each policy, but the bound, against the best single method by training verdicts; without any, by the data set's own."""
    missing: dict[str, str] = field(default_factory=dict)
    """Policy -> what it lacks, in a sentence."""
    single: str | None = None
    """The method that policies are held against."""
    single_by_training: bool = False
    """Whether the training problems chose it; else the data set did, which favours it."""


def with_rows_beside(policies: Sequence[Policy], methods: Sequence[str]) -> list[Policy]:
    """The policies, each with those that belong beside it; what belongs beside two of them is there once."""
    rows: dict[str, Policy] = {}
    for policy in policies:
        for row in (policy, *policy.beside(methods)):
            rows.setdefault(row.name, row)
    return list(rows.values())


def policy_table(policies: Sequence[Policy], ready: Ready, cases: Sequence[Case], tested: bool = False) -> PolicyTable:
    """Let each policy choose, and say what that is worth. tested: whether hidden tests decide what is right."""
    choices: dict[str, list[Choice]] = {}
    missing = dict(ready.missing)
    for policy in policies:
        if policy.name not in ready.choosers:
            continue
        try:
            if tested and policy.compares:
                raise PolicyError(f"policy={policy.name} {TESTED}; leave it out.")
            choices[policy.name] = ready.choosers[policy.name].choose(cases)
        except PolicyError as error:
            missing[policy.name] = str(error)
    single, by_training = _single(ready, cases)
    scores = {name: policy_score(found) for name, found in choices.items()}
    if single is None:
        return PolicyTable(scores, [], missing)
    answers = outcomes(OneMethod(single, None).choose(cases))
    rivals = {
        name: found for name, found in choices.items() if not isinstance(ready.choosers[name], OneMethod | Oracle | SampleBound)
    }
    return PolicyTable(scores, against(rivals, single, answers), missing, single, by_training)


def _single(ready: Ready, cases: Sequence[Case]) -> tuple[str | None, bool]:
    """The best single method, and whether the training problems say so."""
    learned = ready.choosers.get("one")
    if isinstance(learned, OneMethod):
        return learned.method, True
    if not cases:
        return None, False
    rates: Mapping[str, int] = {
        method: sum(bool(right) for right in outcomes(OneMethod(method, None).choose(cases)).values())
        for method in cases[0].greedy
    }
    return max(rates, key=rates.__getitem__), False
