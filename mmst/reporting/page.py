"""The report: one HTML page that needs nothing but itself.

1. In: a sweep, or a single run, read back from its folders (`mmst.reporting.runs`).
2. Each part of the page is made by a function of `mmst.reporting.scores` or `making`: its tables as rows, its charts as SVG.
3. Out: the page's text. It works from a file, in light and dark, and prints.
"""

from __future__ import annotations

import datetime
import sys
from collections.abc import Callable, Iterable
from importlib import resources
from importlib.metadata import entry_points
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from mmst.reporting.arms import data_sets
from mmst.reporting.browser import Embedded, embedded, write_beside
from mmst.reporting.distinct import distinct
from mmst.reporting.headline import answers
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
from mmst.reporting.samples import sample_table
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

BESIDE, LEDGER = "in the files beside this page", "in the runs' ledger, not here"
GONE = "in files that lay beside it, and are not here"
"""Where the samples are that a page does not hold itself."""
SCRIPTS = ("samples.js", "browser.js")
Section = Callable[[Sweep], Iterable[Part | None]]
"""What makes parts of the page; None, or a part without rows, is left out."""


def _once(make: Callable[[Sweep], Part | None]) -> Section:
    return lambda sweep: [make(sweep)]


def _of_main(make: Callable[[Sweep, str], Part | None]) -> Section:
    """A part about the main data set."""
    return lambda sweep: [make(sweep, data_sets(sweep)[0])]


SECTIONS: dict[str, Section] = {
    "accuracy": lambda sweep: [part for name in data_sets(sweep)[1:] for part in accuracy_parts(sweep, name)],
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
    "paper": lambda sweep: [*(found := paper_tables(sweep)), paper_part() if found else None],
    "work": _once(work_part),
}
"""The page from top to bottom, below the accuracies on the main data set.

Other packages add theirs by the entry point `mmst.sections`: a function of a sweep.
"""


def sections() -> list[Section]:
    """The sections of the page, then those of installed packages."""
    return [*SECTIONS.values(), *(point.load() for point in entry_points(group="mmst.sections"))]


def page(
    sweep: Sweep,
    samples: int,
    beside: Path | None = None,
    change: Callable[[str, str], str] | None = None,
    made: datetime.date | None = None,
) -> str:
    """The whole page, with about `samples` samples to look through.

    Args:
        sweep: what it is about.
        samples: about how many it holds itself.
        beside: where the page will lie; all samples are written into files beside it, which it loads when they are looked at.
        change: (a sample's text, where it stands) -> the text to show.
        made: the date that it bears; None: today's.
    """
    names = data_sets(sweep)
    table = sample_table(sweep, samples if beside is None else sys.maxsize)
    table = table.rewritten(change) if change else table
    drawn = embedded(table, samples)
    numbers = sweep.settings.get("values")
    lead = [distinct(part, numbers) for part in accuracy_parts(sweep, names[0])]
    others = [distinct(part, numbers) for section in sections() for part in section(sweep) if part is not None]
    environment = Environment(
        loader=PackageLoader("mmst.reporting", "page"), undefined=StrictUndefined, autoescape=select_autoescape(["j2"])
    )
    files = resources.files("mmst.reporting") / "page"
    folder = None if beside is None else write_beside(table, beside)
    return environment.get_template("page.html.j2").render(
        sweep=sweep,
        answers=answers(sweep, names[0]),
        lead=lead,
        others=[part for part in others if part.charts or any(table.rows for table in part.tables)],
        style=(files / "page.css").read_text(),
        scripts="\n".join((files / name).read_text() for name in SCRIPTS),
        folds=(files / "folds.js").read_text(),
        embedded=drawn,
        beside=folder,
        shown=_shown(drawn, BESIDE if folder else LEDGER),
        alone=_shown(drawn, GONE),
        made=(made or datetime.datetime.now(datetime.UTC)).strftime("%Y-%m-%d"),
        jobs=len(sweep.runs),
    )


def _shown(drawn: Embedded, others: str) -> str:
    """How many samples the page holds, and how many more there are."""
    if not drawn.shown:
        return "The ledger of these runs is gone, so there are no samples to show."
    if drawn.shown == drawn.total:
        return f"All {drawn.total:,} samples of these runs."
    return (
        f"{drawn.shown:,} of {drawn.total:,} samples of these runs are in this page: all of some problems, drawn at random. "
        f"The other {drawn.total - drawn.shown:,} are {others}."
    )
