"""Charts of the report, as SVG that takes its colours from the page: they follow its light and dark theme, and print."""

from __future__ import annotations

import html
import io
import itertools
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mmst.reporting.arm_style import COLOURS, arm_colour, arm_name
from mmst.reporting.arms import Cell

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, FAINT = "#010203", "#010204"
"""Stand for the page's text colour, and for a fainter one."""
LETTERS_PER_INCH, LEGEND_MARGIN = 14, 6
"""How much of a legend fits beside each other."""
LABELS_WIDTH, INCHES_A_LETTER = 1.9, 0.07
"""Of the labels of rows: the least, and what long ones take."""
STACKED_WIDTH = 4.6
"""Inches of a chart whose panels stand below each other: a phone shows it whole."""
LEAST_SCALE = 0.8
"""A chart is shrunk no further on a narrow screen; it is scrolled instead."""
SERIES = tuple(f"#0a0b{number:02x}" for number in range(COLOURS))
"""Stand for the page's colours of series, `--s0` to `--s12`."""
DASHES = ("-", "--", ":", "-.")
"""What tells variants of one arm apart."""


def colour(number: int) -> str:
    """The colour of a series; one more than there are repeats the first."""
    return SERIES[number % len(SERIES)]


def interval_chart(
    rows: Sequence[tuple[str, Mapping[str, Cell]]],
    unit: str,
    zero: bool = False,
    arms: Sequence[str] | None = None,
    stacked: bool = False,
    colours: Mapping[str, int] | None = None,
) -> str:
    """Values with intervals: a panel a column, a line a row. `zero`: differences, with a line at none.

    arms: whose colour each row has; by default that of the arm that its label names. stacked: panels below each other.
    colours: those of the page's arms (`arm_style.page_colours`), here and below.
    """
    panels = list(dict.fromkeys(name for _, cells in rows for name in cells))
    shades = [colour(arm_colour(name, colours)) for name in arms or [label for label, _ in rows]]
    beside = max(LABELS_WIDTH, INCHES_A_LETTER * max(len(label) for label, _ in rows))
    figure, axes = _figure(min(11.0, beside + 2.6 * len(panels)), 0.7 + 0.27 * len(rows), len(panels), stacked)
    for panel, name in zip(axes, panels, strict=True):
        for place, (_, cells) in enumerate(rows):
            if name not in cells or not cells[name].n:
                continue
            cell = cells[name]
            value, low, high = (100 * x for x in (cell.value, cell.low, cell.high))
            panel.plot([low, high], [place, place], color=shades[place], linewidth=2, solid_capstyle="butt", alpha=0.55)
            panel.plot([value], [place], "o", color=shades[place], markersize=5)
        if zero:
            panel.axvline(0, color=FAINT, linewidth=1)
        panel.set_title(name, fontsize=10)
        panel.set_ylim(len(rows) - 0.5, -0.5)
        panel.tick_params(axis="y", length=0)
        panel.set_xlabel(unit)
        panel.grid(axis="x", color=FAINT, alpha=0.25, linewidth=0.6)
    axes[0].set_yticks(range(len(rows)), [label for label, _ in rows])  # shared by all panels
    for panel in axes if stacked else ():
        panel.tick_params(labelleft=True)
    return _svg(figure, f"{unit}, with 95% intervals, by {listed(panels)}: {listed([label for label, _ in rows])}")


def line_chart(
    panels: Mapping[str, Mapping[str, Sequence[tuple[float, Cell]]]],
    label: str,
    unit: str,
    logarithmic: bool = False,
    stacked: bool = False,
    colours: Mapping[str, int] | None = None,
    zero: bool = False,
) -> str:
    """Values along an axis: a panel each, a line a series, with intervals as bands. stacked: panels below each other.

    zero: differences, of which nothing is shown as well, so that one sees how large they are.
    """
    figure, axes = _figure(min(11.0, 1.0 + 3.2 * len(panels)), 2.7, len(panels), stacked)
    dashes = dashes_of([name for lines in panels.values() for name in lines])
    for panel, (title, lines) in zip(axes, panels.items(), strict=True):
        for name, points in lines.items():
            x, shade = [place for place, _ in points], colour(arm_colour(name, colours))
            y = [100 * c.value for _, c in points]
            panel.plot(x, y, marker="o", linestyle=dashes[name], color=shade, label=name, markersize=4)
            low, high = ([100 * getattr(c, key) for _, c in points] for key in ("low", "high"))
            panel.fill_between(x, low, high, color=shade, alpha=0.13, linewidth=0)
        panel.set_title(title, fontsize=10)
        panel.set_xlabel(label)
        panel.set_ylabel(unit if panel is axes[0] else "")
        if zero:
            panel.axhline(0, color=FAINT, linewidth=1)
        if logarithmic:
            panel.set_xscale("log")
        ticks = sorted({place for points in lines.values() for place, _ in points})
        panel.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        panel.minorticks_off()
        panel.grid(axis="y", color=FAINT, alpha=0.25, linewidth=0.6)
    _legend(figure, axes[0])
    return _svg(figure, f"{unit} along {label}, with 95% intervals, by {listed(list(panels))}: {listed(list(dashes))}")


def scatter_chart(
    points: Mapping[str, Sequence[tuple[float, float]]], across: str, up: str, colours: Mapping[str, int] | None = None
) -> str:
    """Points of several series."""
    figure, (panel,) = _figure(5.6, 3.2, 1)
    for (name, pairs), mark in zip(points.items(), itertools.cycle("os^Dv"), strict=False):
        panel.plot(
            [x for x, _ in pairs], [100 * y for _, y in pairs], mark, color=_shade(name, colours), label=name, markersize=5
        )
    panel.axhline(0, color=FAINT, linewidth=1)
    panel.set_xlabel(across)
    panel.set_ylabel(up)
    panel.grid(color=FAINT, alpha=0.25, linewidth=0.6)
    _legend(figure, panel)
    return _svg(figure, f"{up} against {across}: {listed(list(points))}")


def curves_chart(
    curves: Mapping[str, Sequence[Sequence[tuple[float, float]]]],
    across: str,
    up: str,
    colours: Mapping[str, int] | None = None,
) -> str:
    """Learning curves: all of a series in its colour."""
    figure, (panel,) = _figure(7.0, 2.8, 1)
    dashes = dashes_of(list(curves))
    for name, lines in curves.items():
        for place, line in enumerate(lines):
            how: Any = {"label": name if place == 0 else None, "linestyle": dashes[name], "linewidth": 1, "alpha": 0.8}
            panel.plot([x for x, _ in line], [y for _, y in line], color=_shade(name, colours), **how)
    panel.set_xlabel(across)
    panel.set_ylabel(up)
    panel.grid(axis="y", color=FAINT, alpha=0.25, linewidth=0.6)
    _legend(figure, panel)
    return _svg(figure, f"{up} by {across}: {listed(list(curves))}")


def flow_chart(edges: Mapping[str, Sequence[int | None]], stages: Sequence[str]) -> str:
    """How many rows of each edge reach each stage: ribbons as wide as their counts, edges on top of each other.

    None: the edge does not pass through that stage, and its ribbon goes on.
    """
    figure, (panel,) = _figure(8.4, 0.9 + 0.75 * len(edges), 1)
    whole = max(count for counts in edges.values() for count in counts if count is not None) or 1
    for number, (name, counts) in enumerate(edges.items()):
        known = [(place, count / whole * 0.86) for place, count in enumerate(counts) if count is not None]
        for (left, before), (right, after) in itertools.pairwise(known):
            x, top = _ribbon(left + 0.06, right - 0.06, before, after)
            panel.fill_between(x, number, [number - y for y in top], color=colour(number), alpha=0.3, linewidth=0)
        for place, height in known:
            panel.bar(place, -height, 0.12, bottom=number, color=colour(number))
            panel.text(place + 0.08, number - 0.02, f"{counts[place]:,}", fontsize=8, va="bottom", color=INK)
        panel.text(-0.12, number - 0.02, name, ha="right", va="bottom", fontsize=9, color=INK)
    panel.set_xlim(-0.15, len(stages) - 0.55)
    panel.set_ylim(len(edges) - 0.9, -1.0)
    panel.set_xticks(range(len(stages)), stages)
    panel.xaxis.tick_top()
    panel.tick_params(length=0)
    panel.set_yticks([])
    for side in panel.spines.values():
        side.set_visible(False)
    return _svg(figure, f"how many rows of each edge reach {listed(stages)}: {listed(list(edges))}")


def dashes_of(names: Sequence[str]) -> dict[str, str]:
    """A way to draw the line of each series: variants of one arm have its colour, and differ in their dashes."""
    found: dict[str, str] = {}
    seen: Counter[str] = Counter()
    for name in dict.fromkeys(names):
        found[name] = DASHES[seen[arm_name(name)] % len(DASHES)]
        seen[arm_name(name)] += 1
    return found


def listed(names: Sequence[str]) -> str:
    """Names in a sentence."""
    return ", ".join(dict.fromkeys(names))


def _shade(name: str, colours: Mapping[str, int] | None) -> str:
    return colour(arm_colour(name, colours))


def _ribbon(left: float, right: float, before: float, after: float) -> tuple[list[float], list[float]]:
    """A smooth edge from one height to another."""
    steps = [i / 24 for i in range(25)]
    return [left + (right - left) * t for t in steps], [before + (after - before) * (3 * t * t - 2 * t**3) for t in steps]


def for_any_width(drawn: Callable[[bool], str], wide: bool) -> str:
    """A chart, and, where it is wide, one for narrow screens, with panels below each other. drawn: whether stacked -> chart."""
    if not wide:
        return drawn(False)
    return f'<div class="broad">{drawn(False)}</div><div class="narrow">{drawn(True)}</div>'


def _figure(width: float, height: float, panels: int, stacked: bool = False) -> tuple[Figure, list[Axes]]:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    style: Any = {
        "svg.fonttype": "none", "svg.hashsalt": "mmst", "font.size": 9, "text.color": INK, "axes.edgecolor": FAINT,
        "axes.labelcolor": INK, "xtick.color": INK, "ytick.color": INK, "axes.spines.top": False, "axes.spines.right": False,
        "figure.facecolor": "none", "axes.facecolor": "none", "axes.titlecolor": INK, "legend.labelcolor": INK,
    }  # fmt: skip
    with pyplot.rc_context(style):
        size = (STACKED_WIDTH, height * panels) if stacked else (width, height)
        shape = (panels, 1) if stacked else (1, panels)
        figure, axes = pyplot.subplots(*shape, figsize=size, layout="constrained", squeeze=False, sharey=True)
    return figure, list(axes.flat)


def _legend(figure: Figure, panel: Axes) -> None:
    handles, labels = panel.get_legend_handles_labels()
    if len(labels) > 1:
        letters = figure.get_figwidth() * LETTERS_PER_INCH
        columns = max(1, min(4, int(letters / (max(map(len, labels)) + LEGEND_MARGIN))))
        figure.legend(handles, labels, frameon=False, loc="outside upper center", ncols=columns, fontsize=8, labelcolor=INK)


def _svg(figure: Figure, said: str) -> str:
    """The figure with the page's colours, without a size of its own beyond its proportions. said: what it shows, in words."""
    import matplotlib
    from matplotlib import pyplot

    content = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "mmst"}):
        figure.savefig(content, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    pyplot.close(figure)
    text = content.getvalue()
    text = text[text.index("<svg") :]
    for number, marker in enumerate(SERIES):
        text = text.replace(marker, f"var(--s{number})")
    text = text.replace(INK, "var(--ink)").replace(FAINT, "var(--faint)")
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    narrow = LEAST_SCALE * 72 * figure.get_figwidth()
    text = re.sub(r'(width="[\d.]+pt") height="[\d.]+pt"', rf'\1 style="min-width: {narrow:.0f}pt"', text, count=1)
    text = text.replace("<svg ", f'<svg role="img" aria-label="{html.escape(f"Chart: {said}")}" ', 1)
    return re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
