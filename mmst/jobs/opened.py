"""What every job works with, built from its settings: solvers, engine, executor, ledger, tracker; closed when the job ends."""

from __future__ import annotations

import gc
import logging
import math
import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mmst.config.build import build
from mmst.config.groups import Node, ObjectiveSettings, RecipeSettings
from mmst.config.schema import EvalSettings, LabelSettings, Settings, TrainSettings
from mmst.config.sentences import config_errors
from mmst.errors import ConfigError
from mmst.jobs.curves import need_logger
from mmst.jobs.placeholders import filled, of_job
from mmst.judges.judge import Judge
from mmst.ledger.ledger import run_folder
from mmst.ledger.progress import Progress
from mmst.ledger.remote import folder_of, ledger_at
from mmst.ledger.stored import adding, end_note, noting
from mmst.methods.boundary import boundary_of, line_breaks
from mmst.methods.chat import ServedChat, chat_of
from mmst.methods.edge import Choice, Contrast, Crossing, Recipe, Send, Tries, in_order
from mmst.methods.method import Method
from mmst.methods.prompt import PromptWriter
from mmst.pipeline import Checkpoint, Pipeline
from mmst.reporting.events import TOLD_EVERY, WRITTEN_EVERY, TellingProgress, Told, into, numbers_of
from mmst.reporting.progress import TerminalProgress
from mmst.reporting.tracking import TrackedJob, Tracker
from mmst.samplers.sampler import Sampler
from mmst.training.checkpoint import served_name
from mmst.translator import Translator

THREADS = "OMP_NUM_THREADS"


@dataclass(frozen=True, slots=True)
class Job:
    """What is open while a job runs."""

    settings: Settings
    pipeline: Pipeline
    base: Checkpoint
    recipes: tuple[Recipe, ...]
    tracker: Tracker | None
    """What the job's results are told to; None where they stay in files alone."""
    tokenizer: Any = None
    """The model's; None where a server has it."""


@contextmanager
def opened(settings: Settings) -> Iterator[Job]:
    """The run's folder, held; engine, executor and ledger, closed when the block ends."""
    quiet_libraries()
    with threads(settings.model.threads), run_folder(settings.folder), _closed(_job(settings, noting)) as job, lasting():
        yield job
        end_note(settings.folder, (stage.folder.name for stage in job.pipeline.ledger.used))


@contextmanager
def opened_beside(settings: Settings) -> Iterator[Job]:
    """The same, in a process that computes a part of a run for the one that holds its folder."""
    quiet_libraries()
    with threads(settings.model.threads), _closed(_job(settings, lambda run, root: adding(run))) as job, lasting():
        yield job


@contextmanager
def _closed(job: Job) -> Iterator[Job]:
    """A job whose parts are closed when the block ends."""
    failed = True
    try:
        yield job
        failed = False
    finally:
        job.pipeline.sampler.close()
        if job.pipeline.translator is not None:
            job.pipeline.translator.sampler.close()
        job.pipeline.executor.close()
        if job.tracker:
            job.tracker.close(failed)


@config_errors
def _job(settings: Settings, note: Callable[[Path, Path], Callable[[str], None]]) -> Job:
    methods = build_methods(settings.solvers)
    recipes = tuple(in_order(read_recipe(row, methods, objective_of(settings, row)) for row in settings.recipes))
    base = Checkpoint(build(settings.model.checkpoint, "model"))
    writer, tokenizer = asking(settings, base.path)
    tracker = _tracker(settings)
    sampler: Sampler = build(settings.sampler, "sampler")
    paths, root = settings.paths, folder_of(settings.paths.ledger, settings.paths.cache)
    pipeline = Pipeline(
        ledger=ledger_at(paths.ledger, paths.cache, telling(settings, tracker), note(settings.folder, root)),
        methods=methods,
        writer=writer,
        sampler=sampler,
        executor=build(settings.sandbox, "sandbox"),
        seed=settings.seed,
        chunk=settings.chunk,
        chunk_seconds=settings.chunk_seconds or math.inf,
        redo_unjudged=settings.redo_unjudged,
        judge=build_judge(settings),
        translator=_translator(settings, recipes, sampler),
    )
    return Job(settings, pipeline, base, recipes, tracker, tokenizer)


def _translator(settings: Settings, recipes: Sequence[Recipe], sampler: Sampler) -> Translator | None:
    """Who translates for the recipes that are taught; None where none is.

    Raises:
        ConfigError: such a recipe is there, and no translator.
    """
    taught = [recipe.name for recipe in recipes if recipe.taught]
    if not taught:
        return None
    named = settings.translator if isinstance(settings, LabelSettings) else None
    if named is None:
        raise ConfigError(
            f"method.taught=true: another model translates for the recipe {taught[0]}, and none is named; "
            "add translator=hf translator.model.name=FOLDER."
        )
    checkpoint = Checkpoint(build(named.model.checkpoint, "translator.model"))
    own = build(named.sampler, "translator.sampler") if named.sampler is not None else sampler
    told = replace(settings, model=named.model, sampler=named.sampler or settings.sampler)
    return Translator(checkpoint, prompt_writer(told, checkpoint.path), own)


def telling(settings: Settings, tracker: Tracker | None) -> Progress:
    """Where a job says how far it is: the terminal, its folder, and its tracker."""
    others: list[tuple[Told, float]] = []
    if settings.folder != Path():  # jobs without a folder of their own, such as `mmst serve`
        others.append((into(settings.folder), WRITTEN_EVERY))
    if tracker is not None:
        others.append((lambda event: tracker.progress(numbers_of(event)), TOLD_EVERY))
    return TellingProgress(TerminalProgress(), others)


@contextmanager
def threads(count: int | None) -> Iterator[None]:
    """This process, and those that it starts, compute in so many threads; what OMP_NUM_THREADS says goes before."""
    if count is None or THREADS in os.environ:
        yield
        return
    import torch

    before = torch.get_num_threads()
    os.environ[THREADS] = str(count)
    torch.set_num_threads(count)
    try:
        yield
    finally:
        os.environ.pop(THREADS, None)
        torch.set_num_threads(before)


@contextmanager
def lasting() -> Iterator[None]:
    """What is there when the block begins, such as all that libraries consist of, is looked at by no garbage collection in it.

    Rows come and go by ten thousands, and each time a third of the work was to look at half a million objects that stay.
    """
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def build_methods(solvers: Mapping[str, Node]) -> dict[str, Method]:
    """Name -> method, for each of `solvers`.

    Raises:
        ConfigError: a class does not implement Method, or has another name.
    """
    methods: dict[str, Method] = {name: build(node, f"solvers.{name}") for name, node in solvers.items()}
    for name, method in methods.items():
        if not isinstance(method, Method) or method.name != name:
            raise ConfigError(
                f"solvers.{name}: the class does not implement Method (mmst/methods/method.py), or its name is not {name}."
            )
    return methods


def build_judge(settings: Settings) -> Judge | None:
    """What decides that an answer is right; None for the problems' kinds of answers.

    Raises:
        ConfigError: what is built cannot be called.
    """
    if settings.judge is None:
        return None
    judge: Judge = build(settings.judge, "judge")
    if not callable(judge):
        raise ConfigError("judge: what _target_ names must be callable with (problem, reading); see docs/judging.md.")
    return judge


def objective_of(settings: Settings, row: RecipeSettings) -> ObjectiveSettings:
    """What a recipe's arm is trained by: its own objective, or the run's; jobs that train nothing have none."""
    return (row.objective or settings.objective) if isinstance(settings, TrainSettings) else ObjectiveSettings()


def read_recipe(
    row: RecipeSettings,
    methods: Mapping[str, Method],
    objective: ObjectiveSettings = ObjectiveSettings(),  # noqa: B008
) -> Recipe:
    """A recipe, with its edges between these methods, and what its objective sets beside what."""
    contrasts = {"sft": Contrast.NONE, "kto": Contrast.ALONE}
    recipe = Recipe.parse(row.name, row.edges, methods)
    return replace(
        recipe,
        match=row.match,
        crossing=Crossing(row.crossing),
        verify=row.verify,
        compute=row.compute,
        tries=Tries(row.tries),
        send=Send(row.send),
        choose=Choice(row.choose),
        taught=row.taught,
        contrast=contrasts.get(objective.aim) or Contrast(objective.pairs),
        contrasts=objective.per_problem,
    )


def _tracker(settings: Settings) -> Tracker | None:
    if not isinstance(settings, TrainSettings | EvalSettings) or settings.tracker.job is None:
        return None
    told = TrackedJob(settings.folder.name, settings.job, settings.folder, settings.group, settings.whole)
    node = filled(settings.tracker.job, of_job(settings.folder, settings.group), "tracker.job")
    if "logger" in node:
        need_logger(node["logger"])
    made: Tracker = build(node, "tracker.job")(told)
    return made


def prompt_writer(settings: Settings, checkpoint: Path) -> PromptWriter:
    """What writes the prompts of a model: few-shot text, or by its chat template."""
    return asking(settings, checkpoint)[0]


def asking(settings: Settings, checkpoint: Path) -> tuple[PromptWriter, Any]:
    """(what writes the prompts of a model, its tokenizer; None where a server has it).

    Raises:
        ModelError: the model does not continue texts, or its tokenizer does not load.
        ConfigError: its chat template cannot be used.
    """
    from mmst.training.broken import refuse_encoder
    from mmst.training.checkpoint import load_config, load_tokenizer

    model = settings.model
    if served_name(checkpoint) is not None:
        chats = settings.sampler.get("api") == "chat"
        if model.chat is True and not chats:
            raise ConfigError("model.chat=true: what a server's chat template writes is not known here; set sampler.api=chat.")
        return PromptWriter(ServedChat(model.system) if chats and model.chat else None, line_breaks), None
    refuse_encoder(load_config(checkpoint), checkpoint)
    tokenizer = load_tokenizer(checkpoint)
    chat = chat_of(tokenizer, model.chat, model.template, model.system, model.prefill)
    return PromptWriter(chat, boundary_of(tokenizer)), tokenizer


class _IntoTheLog(logging.Filter):
    """Sends a logger's records to the job's handlers in place of its own, which write to the screen."""

    def filter(self, record: logging.LogRecord) -> bool:
        logging.getLogger().handle(record)
        return False


def quiet_libraries() -> None:
    """Keep what libraries say about themselves off the screen: warnings go into the job's log file, and the rest nowhere."""
    import transformers

    logging.captureWarnings(True)
    for message in (
        ".*treespec, LeafSpec.*",
        ".*set_vital.*",
        ".*Checkpoint directory .* exists.*",
        ".*logs directory .* exists.*",
        ".*is_gradient_checkpointing.*",
    ):
        warnings.filterwarnings("ignore", message=message)
    library: Any = transformers.utils.logging
    library.set_verbosity_error()
    library.disable_progress_bar()
    for name in ("openai", "httpx", "httpx2", "huggingface_hub", "transformers"):
        logging.getLogger(name).setLevel(logging.ERROR)
    deepspeed = logging.getLogger("DeepSpeed")
    if not any(isinstance(known, _IntoTheLog) for known in deepspeed.filters):
        deepspeed.addFilter(_IntoTheLog())
