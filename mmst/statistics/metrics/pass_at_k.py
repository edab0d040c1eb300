"""pass@k, unbiased, as a metric of `evaluate`: `evaluate.load("mmst/statistics/metrics/pass_at_k.py")`."""

from __future__ import annotations

from typing import Any

import datasets
import evaluate

from mmst.answers.equality import canonical_answer
from mmst.statistics.intervals import mean_interval
from mmst.statistics.samples import pass_at_k
from mmst.types import AnswerKind


class PassAtK(evaluate.Metric):
    """The chance that one of k answers is right (arXiv 2107.03374), for each k in `ks`; intervals are over problems."""

    def _info(self) -> evaluate.MetricInfo:
        answers = datasets.Sequence(datasets.Value("string"))
        features = datasets.Features({"predictions": answers, "references": datasets.Value("string")})
        return evaluate.MetricInfo(description=__doc__, citation="", inputs_description=__doc__, features=features)

    def _compute(
        self, predictions: list[list[str]], references: list[str], ks: tuple[int, ...] = (1,), kind: str = "number"
    ) -> dict[str, Any]:
        golds = [canonical_answer(reference, AnswerKind(kind)) for reference in references]
        rows = [
            (len(answers), sum(canonical_answer(answer, AnswerKind(kind)) == gold for answer in answers))
            for answers, gold in zip(predictions, golds, strict=True)
            if gold is not None
        ]
        found: dict[str, Any] = {"n": len(rows)}
        for k in ks:
            values = [pass_at_k(samples, right, k) for samples, right in rows]
            low, high = mean_interval(values)
            found.update({f"pass@{k}": sum(values) / max(1, len(values)), f"pass@{k}_low": low, f"pass@{k}_high": high})
        return found
