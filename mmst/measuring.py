"""A checkpoint, measured: its greedy answers by every method to the same problems, and what policies choose among them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from mmst.choosing import gathered, with_hidden
from mmst.errors import ConfigError
from mmst.pipeline import Checkpoint, ExampleSet, Pipeline, ProblemSet
from mmst.policies.case import Experience
from mmst.policies.learned import Learned, Ready, prepare
from mmst.policies.policy import Policy
from mmst.policies.table import policy_table
from mmst.reasons import reason_rates
from mmst.samplers.sampler import SamplingParams
from mmst.stages.collapse import Collapse
from mmst.stages.evaluate import Measurement, judge_agreement, measured
from mmst.stages.reasons import Way
from mmst.types import AnswerKind

log = logging.getLogger(__name__)


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
    hardest: int = 0
    """Samples of the base of each problem by each method, which tell a set's hardest third (`mmst.hardest`); 0: not told."""

    def __post_init__(self) -> None:
        if self.greedy.temperature != 0:
            raise ConfigError(
                f"evaluation.params.temperature={self.greedy.temperature} must be 0: tables compare greedy answers."
            )
        if self.samples or self.hardest:
            assert self.sampled is not None
            self.sampled.check_count(max(self.samples, self.hardest))

    @property
    def learns(self) -> bool:
        """Whether some policy learns from verdicts on the training problems."""
        return any(policy.learns for policy in self.policies)


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
