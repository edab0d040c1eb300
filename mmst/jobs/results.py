"""What jobs that measure leave behind: results in files, on the screen, and at the tracker."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from itertools import combinations
from typing import Any

from mmst.datasets.contamination import Contamination
from mmst.hardest import with_hardest
from mmst.jobs.labels import withheld_share
from mmst.jobs.opened import Job
from mmst.pipeline import ProblemSet
from mmst.policies.learned import save
from mmst.reporting.models import leave_models
from mmst.reporting.progress import in_sweep, say
from mmst.reporting.results import run_results, write_outcomes, write_results
from mmst.reporting.terminal import print_results, write_tables
from mmst.reporting.tracking import track_results
from mmst.rounds import ArmResult, Evaluation, final_results

log = logging.getLogger(__name__)


def leave_results(
    job: Job,
    evaluation: Evaluation,
    results: Sequence[ArmResult],
    measured_on: Sequence[ProblemSet],
    contamination: Contamination | None = None,
) -> dict[str, Any]:
    """Write, print and track what a job found; every pair of its arms is compared.

    contamination: of what was trained on; None where nothing was.
    """
    settings = job.settings
    results, measured_on = with_hardest(job.pipeline, evaluation, job.base, results, measured_on)
    pairs = list(combinations(final_results(results), 2))
    found = run_results(results, pairs, measured_on, job.pipeline.ledger, settings.whole, withheld_share(settings))
    found["contamination"] = contamination.counts if contamination else None
    path = write_results(found, settings.folder)
    write_outcomes(results, settings.folder)
    if learned := [result.learned for result in final_results(results).values() if result.learned]:
        save(learned, settings.folder)
    print_results(found, f"{settings.model.name} on {settings.dataset.name}", main=in_sweep())
    if job.tracker:
        track_results(job.tracker, found, settings.folder)
    if (tables := write_tables(found, settings.folder)) is not None:
        say(f"more tables: {tables}")
    for arm, place in leave_models(results, found, settings.folder).items():
        say(f"model {arm}: {place}")
    for sign in [sign for result in results for sign in result.collapses]:
        log.warning("%s", sign)
    say(f"results: {path}")
    return found
