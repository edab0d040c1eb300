"""The main job: rounds of multi-method self-training, end to end."""

from __future__ import annotations

from mmst.config.build import build
from mmst.config.schema import TrainSettings
from mmst.errors import TrainingError
from mmst.executors.executor import Executor
from mmst.jobs.arms import compute_ahead
from mmst.jobs.curves import tell_curves
from mmst.jobs.doubts import tell_doubts
from mmst.jobs.labels import check_gold, withheld_share
from mmst.jobs.opened import opened
from mmst.jobs.outlook import run_pieces
from mmst.jobs.plan import print_plan_of
from mmst.jobs.power import check_power
from mmst.jobs.problems import test_sets, train_set
from mmst.jobs.results import leave_results
from mmst.jobs.training import rounds_plan
from mmst.reporting.results import mean_accuracy
from mmst.rounds import UntrainableArmError, run_rounds


def run(settings: TrainSettings) -> float | None:
    """Run the arms and print what became of them; with plan=true, print what a round would take.

    Returns what a sweeper that searches maximizes: the main arm's accuracy, on the mean of the methods.
    """
    check_power(settings)
    if settings.plan:
        print_plan_of(settings)
        return None
    executor: Executor = build(settings.executor, "executor")
    with opened(settings) as job:
        plan, measured_on = rounds_plan(job, settings), test_sets(settings)
        learned_from, contamination = train_set(settings, measured_on)
        if any(recipe.edges for recipe in job.recipes):
            check_gold(plan.selection, learned_from, settings.judge is not None)
        if withheld_share(settings):  # whether it shows where translations were trained on, or elsewhere too
            measured_on = [*measured_on, learned_from]
        tell_doubts(job, [learned_from, *measured_on])
        compute_ahead(executor, job, settings, plan, learned_from, measured_on)
        expected = run_pieces(plan, job.recipes, list(settings.solvers), learned_from, measured_on)
        job.pipeline.ledger.progress.expect(expected)
        try:
            results = run_rounds(job.pipeline, plan, job.recipes, job.base, learned_from, measured_on)
        except UntrainableArmError as error:
            tell_curves(settings, error.results)
            leave_results(job, plan.evaluation, error.results, measured_on, contamination)
            raise
        tell_curves(settings, results)
        found = leave_results(job, plan.evaluation, results, measured_on, contamination)
        if results[-1].stopped:
            sign = next(sign for result in results for sign in result.collapses)
            raise TrainingError(f"on_collapse=stop: no further training, since {sign}; what was computed is kept and reported.")
        main = settings.method.name  # not always the last: an arm that is measured against it runs behind
        return mean_accuracy(found, main if main in found["arms"] else results[-1].arm)
