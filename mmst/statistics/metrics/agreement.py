"""How two methods' successes hang together, as a metric of `evaluate`, loaded by this file's path."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import datasets
import evaluate

from mmst.answers.equality import canonical_answer
from mmst.statistics.agreement import agreement
from mmst.types import AnswerKind


class MethodAgreement(evaluate.Metric):
    """The 2x2 table of `predictions` and `others` being right, with phi and its 95% interval."""

    def _info(self) -> evaluate.MetricInfo:
        text = datasets.Value("string")
        features = datasets.Features({"predictions": text, "others": text, "references": text})
        return evaluate.MetricInfo(description=__doc__, citation="", inputs_description=__doc__, features=features)

    def _compute(
        self, predictions: list[str], others: list[str], references: list[str], kind: str = "number"
    ) -> dict[str, Any]:
        own, other, golds = (
            [canonical_answer(answer, AnswerKind(kind)) for answer in answers] for answers in (predictions, others, references)
        )
        judged = [i for i, gold in enumerate(golds) if gold is not None]
        return asdict(agreement((own[i] == golds[i], other[i] == golds[i]) for i in judged))
