"""How checkpoints are measured: from settings to what the rounds are told."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from mmst.config.build import build
from mmst.config.groups import EvaluationSettings, Node
from mmst.config.sentences import config_errors
from mmst.errors import ConfigError
from mmst.policies.policy import Policy, PolicyError
from mmst.policies.table import with_rows_beside
from mmst.rounds import Evaluation
from mmst.stages.reasons import Way

log = logging.getLogger(__name__)


@config_errors
def evaluation_of(settings: EvaluationSettings, policy: Mapping[str, Node], methods: Sequence[str]) -> Evaluation:
    """Greedy answers, sampled ones if they are asked for, and the policies that choose among them."""
    return Evaluation(
        greedy=build(settings.params, "evaluation.params"),
        samples=settings.samples,
        sampled=build(settings.sampled, "evaluation.sampled"),
        policies=tuple(policies_of(policy, methods, settings.samples)),
        reasons=tuple(map(Way, settings.reasons)),
        hardest=settings.hardest,
    )


@config_errors
def policies_of(nodes: Mapping[str, Node], methods: Sequence[str], samples: int) -> list[Policy]:
    """The policies of the group `policy`, with the rows beside them; none where one method leaves nothing to choose.

    Raises:
        ConfigError: a class is no policy, or there are fewer sampled answers than it needs.
    """
    made: list[Policy] = []
    for name, node in nodes.items():
        policy = build(node, f"policy.{name}")
        if not isinstance(policy, Policy):
            raise ConfigError(f"policy.{name}: the class does not implement Policy (mmst/policies/policy.py).")
        made.append(policy)
    if len(methods) < 2:
        for policy in made:
            _tell_what_it_lacks(policy, methods)
        return []
    for policy in made:
        most = max(policy.needs(methods).samples.values(), default=0)
        if most > samples:
            raise ConfigError(
                f"policy={policy.name} needs {most} sampled answers of each problem by each method, and "
                f"evaluation.samples={samples}; set evaluation.samples={most}."
            )
    return with_rows_beside(made, methods)


def _tell_what_it_lacks(policy: Policy, methods: Sequence[str]) -> None:
    try:
        policy.needs(methods)
    except PolicyError as error:
        log.info("%s", error)
