"""Accuracy with its 95% interval, as a metric of `evaluate`: `evaluate.load("mmst/statistics/metrics/accuracy.py")`."""

from __future__ import annotations

from typing import Any

import datasets
import evaluate

from mmst.answers.equality import canonical_answer
from mmst.statistics.intervals import accuracy_interval
from mmst.types import AnswerKind


class Accuracy(evaluate.Metric):
    """The share of answers that equal the gold ones; numbers are compared by value (`12.0` is `12`)."""

    def _info(self) -> evaluate.MetricInfo:
        features = datasets.Features({"predictions": datasets.Value("string"), "references": datasets.Value("string")})
        return evaluate.MetricInfo(description=__doc__, citation="", inputs_description=__doc__, features=features)

    def _compute(self, predictions: list[str], references: list[str], kind: str = "number") -> dict[str, Any]:
        golds = [canonical_answer(reference, AnswerKind(kind)) for reference in references]
        answers = [canonical_answer(prediction, AnswerKind(kind)) for prediction in predictions]
        judged = [answer == gold for answer, gold in zip(answers, golds, strict=True) if gold is not None]
        low, high = accuracy_interval(sum(judged), len(judged))
        accuracy = sum(judged) / len(judged) if judged else 0.0
        return {"accuracy": accuracy, "low": low, "high": high, "n": len(judged), "unjudged": len(golds) - len(judged)}
