"""Arms side by side: an executor computes the parts of a run into the ledger, and says how far they are."""

from __future__ import annotations

import logging
import os
import traceback
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path

from mmst.ahead import Part, compute_part, parts_of
from mmst.config.build import builds
from mmst.config.schema import TrainSettings
from mmst.config.sentences import explained
from mmst.errors import UserError, first_line
from mmst.executors.executor import Executor
from mmst.jobs.opened import Job, opened_beside
from mmst.jobs.outlook import run_pieces
from mmst.jobs.training import rounds_plan
from mmst.pipeline import ProblemSet
from mmst.reporting.progress import ConsoleHandler, in_sweep, label, say
from mmst.rounds import OnCollapse, RoundsPlan, UntrainableArmError

log = logging.getLogger(__name__)

ARMS = "arms"
"""In a run's folder: what each part says while it is computed."""
LOOK_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a part was not computed."""

    sentence: str
    untrainable: bool = False
    """The loop says so itself, at no cost, and goes on with the others."""
    fault: str = ""
    """The traceback, of what no user can mend."""


def compute_ahead(
    executor: Executor,
    job: Job,
    settings: TrainSettings,
    plan: RoundsPlan,
    train_set: ProblemSet,
    test_sets: Sequence[ProblemSet],
) -> None:
    """Compute the parts of a run into the ledger, where there is room for several at a time; else leave all to the loop.

    Raises:
        UserError: a part failed. The others are computed first, and the same command finds them.
    """
    parts = parts_of(plan, job.recipes)
    if reason := why_in_turn(settings, plan, parts):
        if executor.chosen:
            log.info("executor: arms follow one another, since %s", reason)
        return
    if in_sweep() and not executor.chosen:  # whose jobs may be side by side themselves
        return
    with executor:
        at_once = executor.at_once(len(parts), settings.model.threads)
        if at_once < 2:
            return
        shared = _shared(settings, at_once, executor.threads(at_once))
        failures = _Running(executor, shared, (train_set, tuple(test_sets))).all(parts, at_once)
    for name, failure in failures.items():
        if failure.fault:
            raise RuntimeError(f"arm {name}: {failure.sentence}\n{failure.fault}")
        if not failure.untrainable:
            raise UserError(failure.sentence)


def why_in_turn(settings: TrainSettings, plan: RoundsPlan, parts: Sequence[Part]) -> str | None:
    """Why parts must follow one another; None where they need not."""
    if len(parts) < 2:
        return "there is none but the base"
    if plan.on_collapse is OnCollapse.STOP:
        return "on_collapse=stop trains none behind one that has collapsed"
    if settings.redo_unjudged:
        return "redo_unjudged=true tries anew what others have just tried"
    if settings.sampler.get("weights") is not None:
        return "a server holds the weights of one model at a time (sampler.weights)"
    if builds(settings.sampler, "RaySampler"):
        return "sampler=ray has each stage on all of its devices already, which arms would take from each other"
    if (
        builds(settings.sandbox, "RaySandbox")
        and settings.sandbox.get("address") is None
        and builds(settings.executor, "Local")
    ):
        return "sandbox=ray would start a Ray for each (executor=ray, or sandbox.address of a cluster that runs, does not)"
    return None


def _shared(settings: TrainSettings, at_once: int, threads: int | None) -> TrainSettings:
    """A run's settings for each of its parts: a share of the cores, and no word to the tracker that the run speaks to."""
    cores = len(os.sched_getaffinity(0))
    sandbox = dict(settings.sandbox)
    if sandbox.get("workers") == 0:
        sandbox["workers"] = max(1, cores // at_once)
    model = replace(settings.model, threads=settings.model.threads or threads)
    return replace(settings, model=model, sandbox=sandbox, tracker=replace(settings.tracker, job=None))


class _Running:
    """Parts at work."""

    def __init__(
        self, executor: Executor, settings: TrainSettings, problems: tuple[ProblemSet, tuple[ProblemSet, ...]]
    ) -> None:
        self.executor, self.settings, self.problems = executor, settings, problems
        self.heard: dict[Path, int] = {}
        """Log of a part -> bytes of it that were said."""

    def all(self, parts: Sequence[Part], at_once: int) -> dict[str, Failure]:
        """Compute parts, each behind those that it needs; returns those that failed. What needs one of them is left out."""
        waiting, done = list(parts), set[str]()
        failures: dict[str, Failure] = {}
        running: dict[Future[Failure | None], Part] = {}
        while True:
            ready = [part for part in waiting if part.needs <= done]
            for part in ready[: at_once - len(running)]:
                running[self._started(part)] = part
                waiting.remove(part)
            if not running:
                return failures
            ended, _ = wait(running, LOOK_SECONDS, FIRST_COMPLETED)
            self._say()
            for future in ended:
                part = running.pop(future)
                if failure := _failure(future, part.name):
                    failures[part.name] = failure
                else:
                    done.add(part.name)

    def _started(self, part: Part) -> Future[Failure | None]:
        path = part_log(self.settings.folder, part.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        self.heard[path] = path.stat().st_size if path.exists() else 0
        return self.executor.start(compute, self.settings, *self.problems, part.name, Path.cwd())

    def _say(self) -> None:
        """Say what parts have written since."""
        for path, start in self.heard.items():
            if not path.exists():
                continue
            with path.open("rb") as file:
                file.seek(start)
                written = file.read()
            whole = written[: written.rfind(b"\n") + 1]
            self.heard[path] += len(whole)
            for line in whole.decode(errors="replace").splitlines():
                say(line)


def _failure(future: Future[Failure | None], name: str) -> Failure | None:
    """Why a part failed. A process that died is no failure: the loop computes itself what is missing."""
    try:
        return future.result()
    except Exception as error:
        log.warning("%s: its process ended (%s); what it lacks is computed in the run's own process", name, first_line(error))
        return None


def part_log(folder: Path, name: str) -> Path:
    """What a part says, in a run's folder."""
    return folder / ARMS / f"{name}.log"


def compute(
    settings: TrainSettings, train_set: ProblemSet, test_sets: Sequence[ProblemSet], name: str, place: Path
) -> Failure | None:
    """Compute a part of a run, in a process for it; returns why it failed, if it did. place: what paths are relative to."""
    with part_log(settings.folder, name).open("a", buffering=1) as said, redirect_stdout(said), redirect_stderr(said):
        label(name)
        try:
            os.chdir(place)
            _log_into_stdout()
            with opened_beside(settings) as job:
                plan = rounds_plan(job, settings)
                own = [recipe for recipe in job.recipes if recipe.name == name]
                expected = run_pieces(plan, own, list(settings.solvers), train_set, test_sets)
                job.pipeline.ledger.progress.expect(expected)
                compute_part(job.pipeline, plan, job.recipes, job.base, train_set, test_sets, name)
        except Exception as error:
            sentence = explained(error)
            failure = Failure(
                sentence or first_line(error),
                isinstance(error, UntrainableArmError),
                "" if sentence else traceback.format_exc(),
            )
            if not failure.untrainable:
                say(failure.fault or failure.sentence)
            return failure
        finally:
            label(None)
    return None


def _log_into_stdout() -> None:
    """Log as a job does on a screen."""
    root = logging.getLogger()
    if not any(isinstance(handler, ConsoleHandler) for handler in root.handlers):
        root.handlers[:] = [ConsoleHandler()]
    root.setLevel(logging.INFO)
