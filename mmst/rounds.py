"""The loop: arms from one base, rounds within an arm, and every arm measured on the same problems.

    for each arm:   base --sample, grade, select, translate, assemble, train--> checkpoint 1 --the same--> checkpoint 2 ...
    at each end:    greedy answers by every method on the test problems, and on the held-out families

Which stage comes next is all that is decided here. Arms that need the same samples share them through the ledger.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from lightning.pytorch.callbacks import Callback

from mmst.errors import ConfigError
from mmst.methods.edge import BASE_ARM, Recipe
from mmst.pipeline import Checkpoint, EdgeCounts, Pipeline, ProblemSet, SelectionOptions
from mmst.samplers.sampler import SamplingParams
from mmst.stages.evaluate import outcomes_by_method
from mmst.training.fit import TrainerFactory, TrainingOptions

log = logging.getLogger(__name__)


class InitFrom(StrEnum):
    """Where each round's training starts: STaR starts from the base, ReST from the previous round."""

    BASE = "base"
    PREVIOUS = "previous"


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """How checkpoints are made."""

    options: TrainingOptions
    trainer: Callable[[str], TrainerFactory]
    """(name of a training, such as `multi-round1`) -> a factory of Lightning trainers that logs under that name."""
    settings: Mapping[str, Any]
    """The plain settings of the trainer, which key the stage."""
    watch: Callable[[str], Sequence[Callback]] = lambda title: ()
    """(title) -> callbacks that show the training."""


@dataclass(frozen=True, slots=True)
class RoundsPlan:
    """What a run does."""

    rounds: int
    init_from: InitFrom
    selection: SelectionOptions
    training: TrainingPlan
    evaluation: SamplingParams
    """Greedy in every table of this project."""
    seed: int

    def __post_init__(self) -> None:
        if self.rounds < 1:
            raise ConfigError(f"rounds={self.rounds} must be at least 1; `method=none` evaluates the base alone.")


@dataclass(frozen=True, slots=True)
class ArmResult:
    """One arm after one round: outcomes by data set and method, and what it was trained on."""

    arm: str
    round: int
    checkpoint: Checkpoint
    outcomes: dict[str, dict[str, dict[str, bool | None]]]
    """Data set -> method -> problem id -> right, wrong, or None for unjudged."""
    counts: dict[str, EdgeCounts] = field(default_factory=dict)


def run_rounds(
    pipeline: Pipeline,
    plan: RoundsPlan,
    recipes: Sequence[Recipe],
    base: Checkpoint,
    train_set: ProblemSet,
    test_sets: Sequence[ProblemSet],
) -> list[ArmResult]:
    """Run every arm; the base comes first, then each arm's rounds in order."""
    results = [ArmResult(BASE_ARM, 0, base, measure(pipeline, plan.evaluation, base, test_sets))]
    for recipe in recipes:
        if recipe.edges:
            results += _run_arm(pipeline, plan, recipe, base, train_set, test_sets)
    return results


def final_results(results: Sequence[ArmResult]) -> dict[str, ArmResult]:
    """The last round of each arm, by the arm's name."""
    return {result.arm: result for result in results}


def _run_arm(
    pipeline: Pipeline,
    plan: RoundsPlan,
    recipe: Recipe,
    base: Checkpoint,
    train_set: ProblemSet,
    test_sets: Sequence[ProblemSet],
) -> list[ArmResult]:
    results = []
    checkpoint = base
    for number in range(1, plan.rounds + 1):
        log.info("arm %s, round %d of %d", recipe.name, number, plan.rounds)
        examples = pipeline.example_set(recipe, checkpoint, train_set, plan.selection, number)
        start = base if plan.init_from is InitFrom.BASE else checkpoint
        title = f"train   {recipe.name}, round {number}"
        checkpoint = pipeline.trained(
            examples,
            start,
            plan.training.options,
            plan.training.trainer(f"{recipe.name}-round{number}"),
            plan.training.settings,
            plan.seed + number,
            title,
            plan.training.watch(title),
        )
        outcomes = measure(pipeline, plan.evaluation, checkpoint, test_sets)
        results.append(ArmResult(recipe.name, number, checkpoint, outcomes, examples.counts))
    return results


def measure(
    pipeline: Pipeline, params: SamplingParams, checkpoint: Checkpoint, test_sets: Sequence[ProblemSet]
) -> dict[str, dict[str, dict[str, bool | None]]]:
    """One answer of a checkpoint to each problem by each method: data set -> method -> problem id -> outcome."""
    return {
        problems.name: outcomes_by_method(
            {method: pipeline.graded(checkpoint, method, problems, params, 0, 1) for method in pipeline.methods}
        )
        for problems in test_sets
    }
