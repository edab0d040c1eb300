"""The report: one HTML page that needs nothing but itself.

1. In: a sweep, or a single run, read back from its folders (`mmst.reporting.runs`).
2. Each part of the page is made by a function of `mmst.reporting.scores` or `making`: its tables as rows, its charts as SVG.
3. Out: the page's text. It works from a file, in light and dark, and prints.
"""

from __future__ import annotations

import datetime
from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from mmst.reporting.arms import data_sets, headline
from mmst.reporting.making import audit_part, correlation_part, curves_part, labels_part, paper_part, work_part, yield_part
from mmst.reporting.part import Part
from mmst.reporting.runs import Sweep
from mmst.reporting.samples import SampleTable, sample_table
from mmst.reporting.scores import (
    accuracy_parts,
    axis_part,
    families_part,
    pairs_part,
    rounds_part,
    sampled_part,
    verdicts_part,
)
from mmst.reporting.worth import flips_part, policies_part


def page(sweep: Sweep, samples: int) -> str:
    """The whole page, with about `samples` samples to look through."""
    names = data_sets(sweep)
    table = sample_table(sweep, samples)
    parts: list[Part | None] = [part for name in names for part in accuracy_parts(sweep, name)]
    parts += [policies_part(sweep, name) for name in names]
    parts += [flips_part(sweep, name) for name in names]
    parts += [
        sampled_part(sweep, names[0]), axis_part(sweep, names[0]), rounds_part(sweep, names[0]),
        correlation_part(sweep, names[0]), yield_part(sweep), curves_part(sweep), pairs_part(sweep, names[0]),
        families_part(sweep, names[0]), labels_part(sweep), verdicts_part(sweep, names[0]), audit_part(sweep), paper_part(),
        work_part(sweep),
    ]  # fmt: skip
    environment = Environment(
        loader=PackageLoader("mmst.reporting", "page"), undefined=StrictUndefined, autoescape=select_autoescape(["j2"])
    )
    files = resources.files("mmst.reporting") / "page"
    return environment.get_template("page.html.j2").render(
        sweep=sweep,
        answers=headline(sweep, names[0]),
        parts=[part for part in parts if part and (part.charts or any(t.rows for t in part.tables))],
        style=(files / "page.css").read_text(),
        script=(files / "browser.js").read_text(),
        table=table,
        shown=_shown(table),
        made=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d"),
        jobs=len(sweep.runs),
    )


def _shown(table: SampleTable) -> str:
    if not len(table):
        return "The ledger of these runs is gone, so there are no samples to show."
    whole = "all" if table.share == 1 else f"{len(table):,} of"
    of = "" if table.share == 1 else f": all of {table.share:.1%} of the problems, drawn at random"
    return f"{whole} {table.total:,} samples of these runs{of}."
