"""What each arm cost: completions and tokens sampled, translated and trained, and the operations that they need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mmst.rounds import ArmResult
from mmst.stages.sets import ExampleSet

HEADER = [
    "round",
    "samples",
    "tokens sampled",
    "labelled",
    "per 1,000",
    "translations",
    "tokens translated",
    "examples",
    "steps",
    "epochs",
    "tokens trained",
    "FLOPs",
]
FORWARD = 1 / 3
"""The share of a forward pass in the operations of a training's token: two of six a weight (arXiv 2204.02311, appendix B)."""


def cost_results(results: Sequence[ArmResult]) -> list[dict[str, Any]]:
    """A row for each arm's round. Samples that arms share count for each of them."""
    return [_cost(result, result.examples) for result in results if result.examples]


def _cost(result: ArmResult, examples: ExampleSet) -> dict[str, Any]:
    record, whole = examples.record, examples.sampled + examples.translated
    row: dict[str, Any] = {
        "arm": result.arm,
        "round": result.round,
        "samples": examples.sampled.completions,
        "sampled_tokens": examples.sampled.completion_tokens,
        "labelled": examples.labelled,
        "labelled_per_1000": round(1000 * examples.labelled / max(1, examples.sampled.completion_tokens), 3),
        "translations": examples.translated.completions,
        "translated_tokens": examples.translated.completion_tokens,
        "prompt_tokens": whole.prompt_tokens,
        "examples": len(examples.examples),
    }
    if record is None or not record.tokens:
        return row
    a_token = record.flops / record.tokens
    read = whole.prompt_tokens + whole.completion_tokens
    passes = record.examples / max(1, len(examples.examples) - sum(examples.too_long.values()))
    return {
        **row,
        "steps": record.steps,
        "epochs": round(passes, 3),
        "trained_tokens": record.tokens,
        "training_flops": record.flops,
        "sampling_flops": FORWARD * a_token * read,
    }


def cost_cells(row: Mapping[str, Any]) -> list[str]:
    """A row of results, as the cells under `HEADER`."""
    drawn, further = ("samples", "sampled_tokens", "labelled"), ("translations", "translated_tokens", "examples", "steps")
    flops = row.get("training_flops", 0.0) + row.get("sampling_flops", 0.0)
    return [
        str(row["round"]),
        *(f"{row[name]:,}" if name in row else "" for name in drawn),
        f"{row['labelled_per_1000']:.1f}" if "labelled_per_1000" in row else "",
        *(f"{row[name]:,}" if name in row else "" for name in further),
        f"{row['epochs']:.1f}" if "epochs" in row else "",
        f"{row['trained_tokens']:,}" if "trained_tokens" in row else "",
        f"{flops:.2g}" if flops else "",
    ]
