"""The report: one HTML page that needs nothing but itself.

1. In: a sweep, or a single run, read back from its folders (`mmst.reporting.runs`).
2. Each part of the page is made by a function of `mmst.reporting.scores` or `making`: its tables as rows, its charts as SVG.
3. Out: the page's text. It works from a file, in light and dark, and prints.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable
from importlib import resources
from importlib.metadata import entry_points

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from mmst.reporting.arms import data_sets, headline
from mmst.reporting.making import (
    audit_part,
    correlation_part,
    curves_part,
    labels_part,
    paper_part,
    reasons_part,
    work_part,
    yield_part,
)
from mmst.reporting.paper_tables import paper_tables
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
from mmst.reporting.worth import costs_part, flips_part, policies_part

Section = Callable[[Sweep], Iterable[Part | None]]
"""What makes parts of the page; None, or a part without rows, is left out."""


def _once(make: Callable[[Sweep], Part | None]) -> Section:
    return lambda sweep: [make(sweep)]


def _of_main(make: Callable[[Sweep, str], Part | None]) -> Section:
    """A part about the main data set."""
    return lambda sweep: [make(sweep, data_sets(sweep)[0])]


SECTIONS: dict[str, Section] = {
    "accuracy": lambda sweep: [part for name in data_sets(sweep) for part in accuracy_parts(sweep, name)],
    "policies": lambda sweep: [policies_part(sweep, name) for name in data_sets(sweep)],
    "flips": lambda sweep: [flips_part(sweep, name) for name in data_sets(sweep)],
    "costs": _once(costs_part),
    "sampled": _of_main(sampled_part),
    "axis": _of_main(axis_part),
    "rounds": _of_main(rounds_part),
    "correlation": _of_main(correlation_part),
    "yield": _once(yield_part),
    "curves": _once(curves_part),
    "pairs": _of_main(pairs_part),
    "families": _of_main(families_part),
    "labels": _once(labels_part),
    "verdicts": _of_main(verdicts_part),
    "reasons": _once(reasons_part),
    "audit": _once(audit_part),
    "paper": lambda sweep: [*paper_tables(sweep), paper_part()],
    "work": _once(work_part),
}
"""The page from top to bottom. Other packages add theirs by the entry point `mmst.sections`: a function of a sweep."""


def sections() -> list[Section]:
    """The sections of the page, then those of installed packages."""
    return [*SECTIONS.values(), *(point.load() for point in entry_points(group="mmst.sections"))]


def page(sweep: Sweep, samples: int) -> str:
    """The whole page, with about `samples` samples to look through."""
    names = data_sets(sweep)
    table = sample_table(sweep, samples)
    parts = [part for section in sections() for part in section(sweep)]
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
