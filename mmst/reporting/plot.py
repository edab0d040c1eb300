"""Plots as PNG files."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any


def accuracy_plot(arms: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> bytes:
    """Accuracy by method and arm with 95% intervals, as a PNG."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    with pyplot.rc_context({"text.parse_math": False}):  # a name that holds a $ is a name
        return _accuracy_plot(arms)


def _accuracy_plot(arms: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> bytes:
    from matplotlib import pyplot

    methods = list(next(iter(arms.values())))
    figure, axes = pyplot.subplots(figsize=(1.5 + 1.1 * len(methods) * max(len(arms), 2) / 2, 3.6), layout="constrained")
    width = 0.8 / len(arms)
    for i, (arm, scores) in enumerate(arms.items()):
        centres = [m + (i - (len(arms) - 1) / 2) * width for m in range(len(methods))]
        cells = [scores[method] if scores[method]["n"] else {"accuracy": 0, "low": 0, "high": 0} for method in methods]
        heights = [100 * cell["accuracy"] for cell in cells]
        below = [h - 100 * cell["low"] for h, cell in zip(heights, cells, strict=True)]
        above = [100 * cell["high"] - h for h, cell in zip(heights, cells, strict=True)]
        axes.bar(centres, heights, width * 0.92, yerr=[below, above], capsize=2, label=arm, error_kw={"linewidth": 1})
    axes.set_xticks(range(len(methods)), methods)
    axes.set_ylabel("% right")
    axes.set_ylim(0, 100)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, ncols=min(len(arms), 4), loc="lower center", bbox_to_anchor=(0.5, 1.0))
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=150, metadata={"Software": None})
    pyplot.close(figure)
    return content.getvalue()
