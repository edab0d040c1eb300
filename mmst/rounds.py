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

from mmst.choosing import experienced, gathered, with_hidden
from mmst.crossing import Round, SelectionOptions
from mmst.drawing import drawn
from mmst.errors import ConfigError, UserError
from mmst.example_set import example_set
from mmst.methods.edge import BASE_ARM, Recipe
from mmst.pipeline import Checkpoint, ExampleSet, Pipeline, ProblemSet
from mmst.policies.case import Experience
from mmst.policies.learned import Learned, Ready, prepare
from mmst.policies.policy import Policy
from mmst.policies.table import policy_table
from mmst.reasons import reason_rates
from mmst.samplers.sampler import SamplingParams
from mmst.stages.collapse import Collapse, measured_collapses, sampled_collapses
from mmst.stages.evaluate import Measurement, judge_agreement, measured
from mmst.stages.reasons import Way
from mmst.stages.train import NothingToTrainOnError
from mmst.training.launch import Fitter
from mmst.training.objective import Objective
from mmst.training.options import TrainingOptions
from mmst.types import AnswerKind

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
class Evaluation:
    """How a checkpoint is measured."""

    greedy: SamplingParams
    """One answer a problem, the likeliest tokens: what every table compares."""
    samples: int = 0
    """Sampled answers of each problem besides, for pass@k and maj@k; 0: none."""
    sampled: SamplingParams | None = None
    """How they are drawn."""
    policies: tuple[Policy, ...] = ()
    """Ways to choose among the methods' answers, each a row of its own."""
    reasons: tuple[Way, ...] = ()
    """How the reasons of right answers are looked at."""

    def __post_init__(self) -> None:
        if self.greedy.temperature != 0:
            raise ConfigError(
                f"evaluation.params.temperature={self.greedy.temperature} must be 0: tables compare greedy answers."
            )
        if self.samples:
            assert self.sampled is not None
            self.sampled.check_count(self.samples)

    @property
    def learns(self) -> bool:
        """Whether some policy learns from verdicts on the training problems."""
        return any(policy.learns for policy in self.policies)


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


@dataclass(frozen=True, slots=True)
class ArmResult:
    """One arm after one round: outcomes by data set and method, and what it was trained on."""

    arm: str
    round: int
    checkpoint: Checkpoint
    measured: dict[str, Measurement]
    """By data set."""
    examples: ExampleSet | None = None
    """What it was trained on; None for the base."""
    learned: Learned | None = None
    """What policies learned from the training problems to choose among this checkpoint's methods."""
    collapses: tuple[Collapse, ...] = ()
    """Signs that this checkpoint has collapsed."""
    stopped: bool = False
    """Whether the run stopped here for them, with trainings left to do."""

    @property
    def outcomes(self) -> dict[str, dict[str, dict[str, bool | None]]]:
        """Data set -> method -> problem id -> right, wrong, or None for unjudged."""
        return {name: measurement.outcomes for name, measurement in self.measured.items()}


class UntrainableArmError(UserError):
    """An arm has no examples, so the run ends here. Raised once the arms before it have been measured; `results` are theirs."""

    def __init__(self, sentence: str, results: Sequence[ArmResult]) -> None:
        super().__init__(sentence)
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
        UntrainableArmError: an arm has no examples; holds what was measured before.
    """
    trained = [recipe for recipe in recipes if recipe.edges]
    _check_matches(plan.selection.keep.match, trained)
    lived = _experience(pipeline, plan, trained, base, train_set, 1)
    results = [measured_arm(pipeline, plan.evaluation, BASE_ARM, 0, base, test_sets, lived)]
    for recipe in trained:
        done = {(result.arm, result.round): result.examples for result in results}
        if _stops(plan, results):
            return _stopped(results)
        try:
            results += _run_arm(pipeline, plan, recipe, trained, base, train_set, test_sets, done, results[0])
        except UntrainableArmError as error:
            raise UntrainableArmError(str(error), [*results, *error.results]) from error
        if results[-1].stopped:
            break
    return results


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


def _run_arm(
    pipeline: Pipeline,
    plan: RoundsPlan,
    recipe: Recipe,
    recipes: Sequence[Recipe],
    base: Checkpoint,
    train_set: ProblemSet,
    test_sets: Sequence[ProblemSet],
    done: Mapping[tuple[str, int], ExampleSet | None],
    measured_base: ArmResult,
) -> list[ArmResult]:
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
        lived = _experience(pipeline, plan, recipes if number == 1 else [recipe], checkpoint, train_set, number)
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
            raise UntrainableArmError(str(error), results) from error
        latest = measured_arm(pipeline, plan.evaluation, recipe.name, number, checkpoint, test_sets, lived, examples)
        results.append(_with_collapses(latest, _beside(measured_base, latest)))
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


def _experience(
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


def measured_arm(
    pipeline: Pipeline,
    evaluation: Evaluation,
    arm: str,
    round: int,
    checkpoint: Checkpoint,
    test_sets: Sequence[ProblemSet],
    source: Experience | Learned | None = None,
    examples: ExampleSet | None = None,
) -> ArmResult:
    """An arm's checkpoint, measured. source: what policies learn from, or have learned."""
    if isinstance(source, Experience):
        source = with_hidden(pipeline, checkpoint, evaluation.policies, source)
    ready = prepare(evaluation.policies, source)
    found = {problems.name: measure(pipeline, evaluation, checkpoint, problems, ready) for problems in test_sets}
    saved = ready.plain(evaluation.policies)
    model = source.model if source else checkpoint.key
    learned = Learned(arm, round, checkpoint.key, model, saved) if saved else None
    return ArmResult(arm, round, checkpoint, found, examples, learned)


def measure(
    pipeline: Pipeline, evaluation: Evaluation, checkpoint: Checkpoint, problems: ProblemSet, ready: Ready
) -> Measurement:
    """A checkpoint's answers to each problem by each method, measured, with what policies choose among them."""
    greedy = {m: pipeline.graded(checkpoint, m, problems, evaluation.greedy, 0, 1) for m in pipeline.methods}
    sampled = {}
    if evaluation.samples and evaluation.sampled is not None:
        params, count = evaluation.sampled, evaluation.samples
        sampled = {m: pipeline.graded(checkpoint, m, problems, params, 0, count) for m in pipeline.methods}
    found = measured(greedy, problems.by_id, sampled, evaluation.samples)
    if pipeline.judge is not None:
        found = replace(found, judge_agreement=_told_agreement(judge_agreement(greedy, problems.by_id), problems.name))
    rates = reason_rates(pipeline, evaluation.reasons, checkpoint, problems, greedy, evaluation.greedy)
    found = replace(found, reasons=rates)
    known = {id: problem for id, problem in problems.by_id.items() if problem.has_gold or pipeline.judge is not None}
    if not evaluation.policies or not known:
        return found
    tested = any(problem.kind is AnswerKind.TESTS for problem in problems.problems)
    rows = gathered(pipeline, checkpoint, evaluation.policies, problems, greedy, sampled, evaluation.greedy, tested, known)
    table = policy_table(evaluation.policies, ready, rows, tested)
    return replace(found, policies=table)


def _told_agreement(found: dict[str, dict[str, int]], name: str) -> dict[str, dict[str, int]]:
    """The agreement of a judge as it is, told in a line."""
    told = [f"{method} {row['same']} of {row['n']}" for method, row in found.items() if row["n"]]
    if told:
        log.info("judge on %s: the same verdict as judge=exact by %s", name, ", ".join(told))
    return found
