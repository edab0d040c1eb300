"""The main job: rounds of multi-method self-training, end to end."""

from __future__ import annotations

from mmst.config.build import build
from mmst.config.schema import ObjectiveSettings, TrainSettings
from mmst.config.sentences import config_errors
from mmst.errors import TrainingError
from mmst.jobs.curves import tell_curves
from mmst.jobs.doubts import tell_doubts
from mmst.jobs.evaluation import evaluation_of
from mmst.jobs.labels import check_gold, selection_options, withheld_share
from mmst.jobs.opened import Job, objective_of, opened
from mmst.jobs.outlook import run_pieces
from mmst.jobs.plan import print_plan_of
from mmst.jobs.power import check_power
from mmst.jobs.problems import test_sets, train_set
from mmst.jobs.results import leave_results
from mmst.jobs.training import check_trainable, fitter_factory
from mmst.reasons import check_ways
from mmst.reporting.results import mean_accuracy
from mmst.rounds import InitFrom, OnCollapse, RoundsPlan, TrainingPlan, UntrainableArmError, run_rounds
from mmst.training.objective import Aim, Objective
from mmst.training.options import TrainingOptions


def run(settings: TrainSettings) -> float | None:
    """Run the arms and print what became of them; with plan=true, print what a round would take.

    Returns what a sweeper that searches maximizes: the main arm's accuracy, on the mean of the methods.
    """
    check_power(settings)
    if settings.plan:
        print_plan_of(settings)
        return None
    with opened(settings) as job:
        plan, measured_on = rounds_plan(job, settings), test_sets(settings)
        learned_from, contamination = train_set(settings, measured_on)
        if any(recipe.edges for recipe in job.recipes):
            check_gold(plan.selection, learned_from, settings.judge is not None)
        if withheld_share(settings):  # whether it shows where translations were trained on, or elsewhere too
            measured_on = [*measured_on, learned_from]
        tell_doubts(job, [learned_from, *measured_on])
        expected = run_pieces(plan, job.recipes, list(settings.solvers), learned_from, measured_on)
        job.pipeline.ledger.progress.expect(expected)
        try:
            results = run_rounds(job.pipeline, plan, job.recipes, job.base, learned_from, measured_on)
        except UntrainableArmError as error:
            tell_curves(settings, error.results)
            leave_results(job, error.results, measured_on, contamination)
            raise
        tell_curves(settings, results)
        found = leave_results(job, results, measured_on, contamination)
        if results[-1].stopped:
            sign = next(sign for result in results for sign in result.collapses)
            raise TrainingError(f"on_collapse=stop: no further training, since {sign}; what was computed is kept and reported.")
        main = settings.method.name  # not always the last: an arm that is measured against it runs behind
        return mean_accuracy(found, main if main in found["arms"] else results[-1].arm)


def arms_objective(settings: ObjectiveSettings) -> Objective:
    """What an arm's training lowers."""
    return Objective(Aim(settings.aim), settings.beta, settings.alpha, settings.right, settings.wrong, settings.lr_share)


@config_errors
def rounds_plan(job: Job, settings: TrainSettings) -> RoundsPlan:
    """All that a run of rounds needs to know."""
    if any(recipe.edges for recipe in job.recipes):
        check_trainable(job)
    evaluation = evaluation_of(settings.evaluation, settings.policy, list(settings.solvers))
    check_ways(evaluation.reasons, job.pipeline.methods, job.pipeline.judge)
    options: TrainingOptions = build(settings.trainer.options, "trainer.options")
    return RoundsPlan(
        rounds=settings.rounds,
        init_from=InitFrom(settings.init_from),
        selection=selection_options(settings),
        training=TrainingPlan(
            options=options,
            objectives={row.name: arms_objective(objective_of(settings, row)) for row in settings.recipes},
            fitter=fitter_factory(job, settings, options),
            settings=settings.trainer.trainer,
        ),
        evaluation=evaluation,
        seed=settings.seed,
        on_collapse=OnCollapse(settings.on_collapse),
    )
