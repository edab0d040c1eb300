"""The loop: arms from one base, rounds within an arm, and every arm measured on the same problems.

    for each arm:   base --sample, grade, select, translate, assemble, train--> checkpoint 1 --the same--> checkpoint 2 ...
    at each end:    greedy answers by every method on the test problems, and on the held-out families

Which stage comes next is all that is decided here. Arms that need the same samples share them through the ledger.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from mmst.choosing import experienced
from mmst.crossing import Round, SelectionOptions
from mmst.drawing import drawn
from mmst.errors import ConfigError, UserError
from mmst.example_set import example_set
from mmst.measuring import ArmResult, Evaluation, measured_arm
from mmst.methods.edge import BASE_ARM, Recipe
from mmst.pipeline import Checkpoint, ExampleSet, Pipeline, ProblemSet
from mmst.policies.case import Experience
from mmst.stages.collapse import Collapse, measured_collapses, sampled_collapses
from mmst.stages.train import NothingToTrainOnError
from mmst.training.launch import Fitter
from mmst.training.objective import Objective
from mmst.training.options import TrainingOptions

__all__ = ["ArmResult", "Evaluation", "InitFrom", "OnCollapse", "RoundsPlan", "TrainingPlan", "UntrainableArmError",
           "final_results", "measured_arm", "run_arm", "run_rounds", "training_name"]  # fmt: skip
log = logging.getLogger(__name__)


class InitFrom(StrEnum):
    """Where each round's training starts: STaR starts from the base, ReST from the previous round."""

    BASE = "base"
    PREVIOUS = "previous"


class OnCollapse(StrEnum):
    """What a run does where a checkpoint has collapsed."""

    WARN = "warn"
    STOP = "stop"
    """Before the next training. What was measured is reported."""


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """How checkpoints are made."""

    options: TrainingOptions
    fitter: Callable[[str, str], Fitter]
    """(name of a training, such as `multi-round1`; its title on the screen) -> what trains under that name."""
    settings: Mapping[str, Any]
    """The plain settings of the trainer, which key the stage."""
    objectives: Mapping[str, Objective] = field(default_factory=dict)
    """What an arm's training lowers, by its name; that of `options` for those without."""

    def options_of(self, arm: str) -> TrainingOptions:
        """An arm's options, with its objective."""
        objective = self.objectives.get(arm)
        if objective is None:
            return self.options
        optimizer = replace(self.options.optimizer, lr=self.options.optimizer.lr * objective.lr_share)
        return replace(self.options, objective=objective, optimizer=optimizer)


@dataclass(frozen=True, slots=True)
class RoundsPlan:
    """What a run does."""

    rounds: int
    init_from: InitFrom
    selection: SelectionOptions
    training: TrainingPlan
    evaluation: Evaluation
    seed: int
    on_collapse: OnCollapse = OnCollapse.WARN

    def __post_init__(self) -> None:
        if self.rounds < 1:
            raise ConfigError(f"rounds={self.rounds} must be at least 1; `method=none` evaluates the base alone.")


class UntrainableArmError(UserError):
    """Arms have no examples. Raised once all that do not need them have been measured; `results` are theirs.

    Args:
        why: a training, such as `multi, round 1` -> why nothing could be trained on. Where it is the same it is said once.
        results: what was measured.
    """

    def __init__(self, why: Mapping[str, str], results: Sequence[ArmResult]) -> None:
        alike: dict[str, list[str]] = {}
        for training, reason in why.items():
            alike.setdefault(reason, []).append(training)
        super().__init__(" ".join(f"train {'; '.join(trainings)}: {reason}" for reason, trainings in alike.items()))
        self.why = dict(why)
        self.results = list(results)


def training_name(arm: str, number: int) -> str:
    """What the training of an arm's round is called at a tracker, and in the run's folder."""
    return f"{arm}-round{number}"


def run_rounds(
    pipeline: Pipeline,
    plan: RoundsPlan,
    recipes: Sequence[Recipe],
    base: Checkpoint,
    train_set: ProblemSet,
    test_sets: Sequence[ProblemSet],
) -> list[ArmResult]:
    """Run every arm; the base comes first, then each arm's rounds in order.

    Raises:
        UntrainableArmError: an arm has no examples; holds what was measured of the others.
    """
    trained = [recipe for recipe in recipes if recipe.edges]
    _check_matches(plan.selection.keep.match, trained)
    lived = experience(pipeline, plan, trained, base, train_set, 1)
    results = [measured_arm(pipeline, plan.evaluation, BASE_ARM, 0, base, test_sets, lived)]
    failed: dict[str, UntrainableArmError] = {}
    for recipe in trained:
        if _stops(plan, results):
            results = _stopped(results)
            break
        if not failed.keys().isdisjoint(needs(plan, recipe)):
            continue
        done = {(result.arm, result.round): result.examples for result in results}
        try:
            results += run_arm(pipeline, plan, recipe, trained, base, train_set, test_sets, done, results[0])
        except UntrainableArmError as error:
            log.warning("arm %s has no examples to train on; why is said at the end", recipe.name)
            failed[recipe.name] = error
            results += error.results
        if results[-1].stopped:
            break
    if failed:
        raise UntrainableArmError({name: why for error in failed.values() for name, why in error.why.items()}, results)
    return results


def needs(plan: RoundsPlan, recipe: Recipe) -> set[str]:
    """The arms that a recipe's arm is cut to, or to whose computation: it runs behind them."""
    return {*recipe.before, *filter(None, [plan.selection.keep.match])} - {recipe.name}


def _stops(plan: RoundsPlan, results: Sequence[ArmResult]) -> bool:
    return plan.on_collapse is OnCollapse.STOP and any(result.collapses for result in results)


def _stopped(results: Sequence[ArmResult]) -> list[ArmResult]:
    return [*results[:-1], replace(results[-1], stopped=True)]


def _check_matches(match: str | None, recipes: Sequence[Recipe]) -> None:
    """Refuse an arm to match, of the filter or of a recipe, that does not run before what is cut to it."""
    names = [recipe.name for recipe in recipes]
    if match is not None and match not in names[:-1]:
        raise ConfigError(f"filter.match={match} must be an arm that runs before another; there are {', '.join(names)} (arms).")
    for place, recipe in enumerate(recipes):
        for other in recipe.before:
            if other not in names[:place]:
                raise ConfigError(
                    f"method.{'match' if other == recipe.match else 'compute'}={other}: the arm {recipe.name} is measured "
                    f"against its quantity, so it must run before (arms); there are {', '.join(names)}."
                )


def final_results(results: Sequence[ArmResult]) -> dict[str, ArmResult]:
    """The last round of each arm, by the arm's name."""
    return {result.arm: result for result in results}


def run_arm(
    pipeline: Pipeline,
    plan: RoundsPlan,
    recipe: Recipe,
    recipes: Sequence[Recipe],
    base: Checkpoint,
    train_set: ProblemSet,
    test_sets: Sequence[ProblemSet],
    done: Mapping[tuple[str, int], ExampleSet | None],
    measured_base: ArmResult | None,
) -> list[ArmResult]:
    """The rounds of one arm, which may be cut to what others were trained on (`done`).

    recipes: of all arms, whose samples policies learn from.
    measured_base: beside which it is seen to collapse; None: nobody looks for that.
    """
    results: list[ArmResult] = []
    checkpoint = base
    match = recipe.match or plan.selection.keep.match
    for number in range(1, plan.rounds + 1):
        if _stops(plan, results):
            return _stopped(results)
        log.info("arm %s, round %d of %d", recipe.name, number, plan.rounds)
        matched = done.get((match, number)) if match else None
        compute = done.get((recipe.compute, number)) if recipe.compute else None
        examples = example_set(pipeline, recipe, checkpoint, train_set, plan.selection, number, matched, compute)
        lived = experience(pipeline, plan, recipes if number == 1 else [recipe], checkpoint, train_set, number)
        if results:
            results[-1] = _with_collapses(results[-1], _sampled_by(results, examples))
        if _stops(plan, results):
            return _stopped(results)
        start = base if plan.init_from is InitFrom.BASE else checkpoint
        title = f"train   {recipe.name}, round {number}"
        try:
            checkpoint, examples = pipeline.trained(
                examples,
                start,
                plan.training.options_of(recipe.name),
                plan.training.fitter(training_name(recipe.name, number), title),
                plan.training.settings,
                plan.seed + number,
                title,
            )
        except NothingToTrainOnError as error:
            raise UntrainableArmError({f"{recipe.name}, round {number}": str(error)}, results) from error
        latest = measured_arm(pipeline, plan.evaluation, recipe.name, number, checkpoint, test_sets, lived, examples)
        results.append(_with_collapses(latest, _beside(measured_base, latest) if measured_base else []))
    return results


def _sampled_by(results: Sequence[ArmResult], examples: ExampleSet) -> list[Collapse]:
    """What the samples of an arm's last checkpoint show, beside those of its first round."""
    first = results[0].examples
    return sampled_collapses(results[-1].arm, results[-1].round, first.health if first else {}, examples.health)


def _beside(base: ArmResult, latest: ArmResult) -> list[Collapse]:
    """What the data sets show of a checkpoint beside the base."""
    return [
        sign
        for name, now in latest.measured.items()
        for sign in measured_collapses(latest.arm, latest.round, name, base.measured[name], now)
    ]


def _with_collapses(result: ArmResult, signs: Sequence[Collapse]) -> ArmResult:
    for sign in signs:
        log.info("%s", sign)
    return replace(result, collapses=(*result.collapses, *signs))


def experience(
    pipeline: Pipeline,
    plan: RoundsPlan,
    recipes: Sequence[Recipe],
    checkpoint: Checkpoint,
    train_set: ProblemSet,
    round: int,
) -> Experience | None:
    """Verdicts on the training problems that the recipes' round draws anyway; methods that it does not ask have none."""
    if not plan.evaluation.learns or not recipes:
        return None
    asked = set(pipeline.methods) if plan.selection.asks_all_methods else {s for recipe in recipes for s in recipe.asked}
    this = Round(pipeline, checkpoint, train_set, plan.selection, round)
    rows = {name: drawn(this, name) if name in asked else () for name in pipeline.methods}
    return experienced(pipeline, plan.evaluation.policies, checkpoint, train_set, rows)
