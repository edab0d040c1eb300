"""maj@k, the vote of k answers, as a metric of `evaluate`: `evaluate.load("mmst/statistics/metrics/maj_at_k.py")`."""

from __future__ import annotations

from typing import Any

import datasets
import evaluate

from mmst.answers.equality import canonical_answer
from mmst.statistics.intervals import mean_interval
from mmst.statistics.samples import maj_at_k
from mmst.types import AnswerKind


class MajAtK(evaluate.Metric):
    """How often the commonest of the first k answers is right (arXiv 2203.11171), for each k in `ks`; ties are halved."""

    def _info(self) -> evaluate.MetricInfo:
        answers = datasets.Sequence(datasets.Value("string"))
        features = datasets.Features({"predictions": answers, "references": datasets.Value("string")})
        return evaluate.MetricInfo(description=__doc__, citation="", inputs_description=__doc__, features=features)

    def _compute(
        self, predictions: list[list[str]], references: list[str], ks: tuple[int, ...] = (1,), kind: str = "number"
    ) -> dict[str, Any]:
        golds = [canonical_answer(reference, AnswerKind(kind)) for reference in references]
        rows = [
            ([canonical_answer(answer, AnswerKind(kind)) for answer in answers], gold)
            for answers, gold in zip(predictions, golds, strict=True)
            if gold is not None
        ]
        fewest = min((len(answers) for answers, _ in rows), default=max(ks))
        if not all(1 <= k <= fewest for k in ks):
            raise ValueError(f"maj@k needs a k from 1 to the fewest answers of a problem, which is {fewest}; got {list(ks)}")
        found: dict[str, Any] = {"n": len(rows)}
        for k in ks:
            values = [maj_at_k(answers[:k], gold) for answers, gold in rows]
            low, high = mean_interval(values)
            found.update({f"maj@{k}": sum(values) / max(1, len(values)), f"maj@{k}_low": low, f"maj@{k}_high": high})
        return found
