"""How checkpoints are measured: from settings to what the rounds are told."""

from __future__ import annotations

from mmst.config.build import build
from mmst.config.schema import EvaluationSettings
from mmst.config.sentences import config_errors
from mmst.rounds import Evaluation


@config_errors
def evaluation_of(settings: EvaluationSettings) -> Evaluation:
    """Greedy answers, and sampled ones if they are asked for."""
    return Evaluation(
        greedy=build(settings.params, "evaluation.params"),
        samples=settings.samples,
        sampled=build(settings.sampled, "evaluation.sampled"),
    )
