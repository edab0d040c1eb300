"""A finished run's page as a static Space of the Hub: `index.html`, the files of its samples beside it, and a card."""

from __future__ import annotations

import datetime
from pathlib import Path

from mmst.ledger.files import atomic_write
from mmst.ledger.stage import MANIFEST
from mmst.publishing.private import Guard
from mmst.publishing.rows import run_stages
from mmst.reporting.card import TAGS, arms_of, difference_rows, head_of, origin_lines, score_rows
from mmst.reporting.page import page
from mmst.reporting.results import RESULTS
from mmst.reporting.runs import Run, read_sweep

INDEX = "index.html"
SAMPLES = 4_000
"""About so many samples are in the page itself, as in that of `mmst report`."""
MOST_TITLE = 60


def write_space(run: Run, folder: Path, guard: Guard) -> Path:
    """Write the page and its card; returns the folder. Raises as `Guard.tidied`: every text of its samples is looked at."""
    sweep = read_sweep(run.folder)
    text = page(sweep, SAMPLES, folder / INDEX, guard.tidied, computed_on(run))
    atomic_write(folder / INDEX, text.encode())
    atomic_write(folder / "README.md", space_card(run, sweep.question).encode())
    return folder


def computed_on(run: Run) -> datetime.date:
    """The day on which the last of what a run shows was computed, so that its page is the same on the next."""
    marks = [stage.folder / MANIFEST for stage in run_stages(run)] or [run.folder / RESULTS]
    return datetime.datetime.fromtimestamp(max(path.stat().st_mtime for path in marks), datetime.UTC).date()


def space_card(run: Run, question: str) -> str:
    """What the Hub reads of a Space, and the run's tables for whoever opens its files."""
    compared = difference_rows(run.found)
    head = {
        "title": question[:MOST_TITLE],
        "colorFrom": "blue",
        "colorTo": "green",
        "sdk": "static",
        "app_file": INDEX,
        "pinned": False,
        "tags": list(TAGS),
    }
    return "\n".join(
        [
            *head_of(head),
            f"# {question}",
            "",
            "The report of a run of mmst (multi-method self-training, arXiv 2307.10633). Percent right, with 95% intervals:",
            "",
            *score_rows(run.found, arms_of(run.found)),
            "",
            *(["Paired differences on the same problems, with 95% intervals:", "", *compared, ""] if compared else []),
            *origin_lines(run.found, run.folder),
            "",
        ]
    )
