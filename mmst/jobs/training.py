"""What trains: from settings to fitters and a run's plan, and what they would refuse is refused before hours of sampling."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import torch

from mmst.config.build import build
from mmst.config.groups import ObjectiveSettings
from mmst.config.schema import TrainSettings
from mmst.config.sentences import config_errors
from mmst.errors import ConfigError
from mmst.jobs.curves import Noted, logger_nodes
from mmst.jobs.evaluation import evaluation_of
from mmst.jobs.labels import selection_options
from mmst.jobs.opened import Job, objective_of
from mmst.methods.edge import Edge
from mmst.reasons import check_ways
from mmst.rounds import InitFrom, OnCollapse, RoundsPlan, TrainingPlan
from mmst.training.checkpoint import served_name
from mmst.training.launch import Fitter, Here, Launcher, Processes
from mmst.training.objective import Aim, Objective
from mmst.training.options import TrainingOptions
from mmst.training.schedule import check_parts

if TYPE_CHECKING:
    from lightning.pytorch.strategies import Strategy

GPU_STRATEGIES = ("lightning.pytorch.strategies.FSDPStrategy", "lightning.pytorch.strategies.DeepSpeedStrategy")
"""What Lightning and its libraries refuse on a CPU, when the training starts."""


def fitter_factory(job: Job, settings: TrainSettings, options: TrainingOptions) -> Callable[[str, str], Fitter]:
    """(name of a training, title) -> what trains."""
    from mmst.training.watch import StepWatch  # by Lightning, seconds of imports that only a training needs

    progress = job.pipeline.ledger.progress
    launcher: Launcher = build(settings.trainer.launcher, "trainer.launcher")
    trainer, strategy = _checked_trainer(settings)
    _check_options(job, settings, launcher, options, strategy)
    logger = logger_nodes(settings)

    def fitter(name: str, title: str) -> Fitter:
        curves = logger(name)
        if settings.trainer.own_process or launcher.processes * launcher.nodes > 1:
            return Noted(Processes(launcher, settings.trainer.trainer, curves, progress, title), settings, name)
        made = build(curves, "tracker")() if curves else False
        return Noted(Here(partial(trainer, logger=made), [StepWatch(progress, title)]), settings, name)

    return fitter


def check_trainable(job: Job) -> None:
    """Refuse, before any work, a model without weights here, and an engine that could not sample from what is trained."""
    if (name := served_name(job.base.path)) is not None:
        raise ConfigError(f"model=served: '{name}' has no weights here to train; use generate.py or eval.py, or model=hf.")
    if not job.pipeline.sampler.loads:
        raise ConfigError(
            "sampler.model names one model of the server, but rounds sample from new checkpoints; give it their weights by "
            "sampler.weights=sglang, vllm or lora, leave it null for a server that loads folders (`transformers serve`), or "
            "choose sampler=hf or sampler=vllm."
        )


def _check_options(job: Job, settings: TrainSettings, launcher: Launcher, options: TrainingOptions, strategy: Strategy) -> None:
    """Refuse now what a training would refuse after its samples."""
    from mmst.training.building import ModelBuilder

    methods = job.pipeline.methods
    options.check_edges(str(Edge(a, b)) for a in methods for b in methods)
    check_parts(options.batch_size, launcher.processes * launcher.nodes, settings.trainer.accumulate)
    ModelBuilder(job.base.path, lora=options.lora).check(strategy)
    if options.lora is not None and not options.merge and not job.pipeline.sampler.takes_adapters:
        raise ConfigError(
            "trainer.options.merge=false: only sampler=hf, here or inside ray, and sampler.weights=lora sample from adapters; "
            "merge them, or use one of these."
        )


def _checked_trainer(settings: TrainSettings) -> tuple[Callable[..., Any], Strategy]:
    """The trainer's factory, once it has shown that it can be built on this machine, and the strategy of what was built."""
    node = settings.trainer.trainer.get("strategy")
    strategy = str(node.get("_target_")) if isinstance(node, Mapping) else None
    if strategy in GPU_STRATEGIES and not torch.cuda.is_available():
        raise ConfigError(
            f"trainer: {strategy.rsplit('.', 1)[-1]} needs a GPU, and there is none; use trainer=cpu, ddp or fsdp2."
        )
    if settings.trainer.trainer.get("accelerator") in ("gpu", "cuda") and not torch.cuda.is_available():
        raise ConfigError("trainer: it asks for a GPU (accelerator), and torch sees none here; use trainer=cpu, ddp or fsdp2.")
    trainer: Callable[..., Any] = build(settings.trainer.trainer, "trainer.trainer")
    _quiet_lightning()
    try:
        made: Strategy = trainer(max_steps=1, logger=False).strategy
    except Exception as error:
        raise ConfigError(f"trainer: {' '.join(str(error).split())[:300]}") from error
    return trainer, made


def _quiet_lightning() -> None:
    """Keep what Lightning says about itself off the screen. Its import takes seconds."""
    from lightning.fabric.utilities.warnings import PossibleUserWarning

    warnings.filterwarnings("ignore", category=PossibleUserWarning)
    for name in ("lightning.pytorch", "lightning.fabric", "lightning"):  # their levels are set when they are imported
        logging.getLogger(name).setLevel(logging.ERROR)


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
