"""What a finished run gives to a training beside it: base, problems, methods, judge, and its arms' outcomes to compare with.

All of it is built from the run's own configuration, so that rewards are its verdicts and scores are its measurements.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any

from grpo_tally import budget_of  # benchmarks/grpo_tally.py, the folder of a script being on its path

from mmst.config.build import build
from mmst.config.schema import TrainSettings, checked
from mmst.config.sentences import config_errors
from mmst.errors import ConfigError, DataError
from mmst.jobs.opened import build_judge, build_methods, prompt_writer, quiet_libraries, threads
from mmst.jobs.problems import test_sets, train_set
from mmst.judges.judge import Judge
from mmst.ledger.ledger import Ledger
from mmst.methods.method import Method
from mmst.methods.prompt import PromptWriter
from mmst.pipeline import Checkpoint, Pipeline, ProblemSet
from mmst.reporting.arms import arms_of
from mmst.reporting.export import finished
from mmst.reporting.progress import TerminalProgress
from mmst.reporting.runs import read_sweep
from mmst.samplers.rows import before_completed_stop
from mmst.sandbox.result import Executor
from mmst.stages.evaluate import compare, outcomes_by_method, score
from mmst.stages.grade import verdicts
from mmst.statistics.intervals import mean_interval
from mmst.types import Problem, Score, Verdict

MEAN, CHOSEN = "mean", "chosen"
Outcomes = dict[str, dict[str, bool | None]]
"""Method, or `either` -> problem id -> right, wrong, or None for unjudged."""


@dataclass(frozen=True)
class Beside:
    """A finished run, opened for a training beside it."""

    name: str
    settings: TrainSettings
    base: Path
    methods: Mapping[str, Method]
    writer: PromptWriter
    executor: Executor
    judge: Judge | None
    train: ProblemSet
    tests: ProblemSet
    arms: Mapping[str, Outcomes]
    """The run's arms after their last round, its base among them, on `tests`."""
    budget: int
    """The tokens that the arm to be matched sampled and translated."""

    def prompts(self, problem: Problem) -> dict[str, str]:
        """Method -> what a problem is asked by."""
        return {name: self.writer.solution(problem, how.format).text for name, how in self.methods.items()}

    def verdicts(self, completions: Sequence[str], ids: Sequence[str], methods: Sequence[str]) -> list[Verdict]:
        """What became of completions of training problems, each by one method: as the run judged its samples."""
        found: dict[int, Verdict] = {}
        for name, how in self.methods.items():
            rows = [n for n, method in enumerate(methods) if method == name]
            texts = [_until_stop(completions[n], how.format.stop) for n in rows]
            problems = [self.train.by_id[ids[n]] for n in rows]
            read = how.read_all(texts, problems, self.executor)
            shown = [replace(reading, completion=text) for reading, text in zip(read, texts, strict=True)]
            judged = verdicts(shown, problems, self.executor, self.judge)
            found |= {n: verdict for n, (verdict, _) in zip(rows, judged, strict=True)}
        return [found[n] for n in range(len(completions))]

    @config_errors
    def measured(self, checkpoint: Path, ledger: Path) -> Outcomes:
        """A checkpoint's greedy answers to the test problems by each method, judged. ledger: a folder to keep them in."""
        sampler = build(self.settings.sampler, "sampler")
        parts = (Ledger(ledger, TerminalProgress()), self.methods, self.writer, sampler, self.executor)
        pipeline = Pipeline(*parts, self.settings.seed, self.settings.chunk, judge=self.judge)
        greedy = build(self.settings.evaluation.params, "evaluation.params")
        try:
            rows = {m: pipeline.graded(Checkpoint(checkpoint), m, self.tests, greedy, 0, 1) for m in self.methods}
            return outcomes_by_method(rows)
        finally:
            sampler.close()


def _until_stop(text: str, stops: Sequence[str]) -> str:
    """A completion up to its first stop string, at which the run's engine would have ended it."""
    shown = before_completed_stop(text, stops) if stops else None
    return text if shown is None else shown


@contextmanager
def beside(folder: Path, match: str) -> Iterator[Beside]:
    """A finished run of `mmst train`. match: the arm whose tokens may be spent.

    Raises:
        DataError: there is no such run or arm, or its test problems are no longer those that its arms were measured on.
        ConfigError: a class that it names cannot be imported here.
    """
    found = finished(folder)
    budget = budget_of(found.get("costs", ()), match)
    try:
        settings: TrainSettings = checked(found["config"], TrainSettings)
    except ConfigError as error:
        raise DataError(
            f"grpo: {folder} is of another version of mmst ({error}) Run its command again; stages are kept."
        ) from error
    quiet_libraries()
    with threads(settings.model.threads):
        opened = _opened(folder, found, settings, budget)
        try:
            yield opened
        finally:
            opened.executor.close()


@config_errors
def _opened(folder: Path, found: Mapping[str, Any], settings: TrainSettings, budget: int) -> Beside:
    measured_on = test_sets(settings)
    tests = next(one for one in measured_on if one.name == found["dataset"])
    base = build(settings.model.checkpoint, "model")
    return Beside(
        name=folder.resolve().name,
        settings=settings,
        base=base,
        methods=build_methods(settings.solvers),
        writer=prompt_writer(settings, base),
        judge=build_judge(settings),
        train=train_set(settings, measured_on)[0],
        tests=tests,
        arms=_arms(folder, tests),
        budget=budget,
        executor=build(settings.sandbox, "sandbox"),
    )


def _arms(folder: Path, tests: ProblemSet) -> dict[str, Outcomes]:
    """Arm -> its outcomes on a data set after its last round."""
    found = {arm.arm: by_method for arm in arms_of(read_sweep(folder), tests.name) for by_method in arm.solved.values()}
    if any(set(solved) != set(tests.by_id) for of_arm in found.values() for solved in of_arm.values()):
        raise DataError(f"grpo: {folder} was measured on other test problems than {tests.name} has now; run its command again.")
    return found


def with_mean(outcomes: Outcomes, methods: Sequence[str]) -> dict[str, Score]:
    """Scores by method, of `either`, and of the mean of the methods, over the problems that all of them were judged on."""
    shares = _means(outcomes, methods)
    low, high = mean_interval(list(shares.values()))
    first = next(iter(outcomes.values()))
    scores = {name: score(solved) for name, solved in outcomes.items()}
    return {**scores, MEAN: Score(fmean(shares.values()), len(shares), low, high, len(first) - len(shares))}


def differences(arms: Mapping[str, Outcomes], pairs: Sequence[tuple[str, str]], methods: Sequence[str]) -> list[dict[str, Any]]:
    """Each pair's second arm minus its first, by method, of `either`, and of the mean of the methods (without a p value)."""
    rows = [asdict(row) for row in compare(arms, pairs)]
    for a, b in pairs:
        first, second = _means(arms[a], methods), _means(arms[b], methods)
        values = [second[id] - share for id, share in first.items() if id in second]
        low, high = mean_interval(values, bounds=(-1.0, 1.0))
        rows.append({"a": a, "b": b, "method": MEAN, "difference": fmean(values), "low": low, "high": high, "n": len(values)})
    return rows


def _means(outcomes: Outcomes, methods: Sequence[str]) -> dict[str, float]:
    """Problem id -> the share of the methods that solve it, where all of them were judged."""
    of_problem = {id: [outcomes[name].get(id) for name in methods] for id in outcomes[methods[0]]}
    return {id: fmean(map(bool, solved)) for id, solved in of_problem.items() if None not in solved}


def chosen_outcomes(outcomes: Outcomes, picks: Mapping[str, str]) -> Outcomes:
    """Whether the method that was picked for each problem solves it. picks: problem id -> method."""
    return {CHOSEN: {id: outcomes[method][id] for id, method in picks.items()}}
