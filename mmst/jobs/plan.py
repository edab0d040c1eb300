"""From a composed configuration to what a round of it would take: `python train.py plan=true`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from transformers import AutoConfig

from mmst.config.build import build, builds
from mmst.config.groups import TrainerSettings
from mmst.config.schema import TrainSettings
from mmst.config.sentences import config_errors
from mmst.errors import ConfigError
from mmst.jobs.labels import selection_options
from mmst.jobs.opened import build_methods, objective_of, prompt_writer, quiet_libraries, read_recipe
from mmst.jobs.power import print_power, write_plan
from mmst.jobs.problems import problem_set, test_sets
from mmst.methods.prompt import PromptWriter
from mmst.planning.cluster import ClusterPlan, cluster_plans, examples_of
from mmst.planning.estimate import Division, RoundWork, TrainingSetup, estimates
from mmst.planning.hardware import Hardware
from mmst.planning.measure import Probe, measured_here
from mmst.planning.size import ModelSize, model_size
from mmst.reporting.plan import print_cluster_plan, print_plan
from mmst.samplers.cache import rows_that_fit
from mmst.training.batches import common_length
from mmst.training.checkpoint import load_config, load_tokenizer, served_name
from mmst.training.model import adapter_parameters
from mmst.training.options import TrainingOptions
from mmst.training.prefixes import SHORTEST_SHARED_PREFIX
from mmst.training.tokenization import prompt_tokens
from mmst.types import Prompt

READ = 50
"""Problems whose prompts are measured."""
LETTERS = 4.0
"""Letters of a token, where there is no tokenizer to ask."""
DIVISIONS = {1: Division.OPTIMIZER, 2: Division.GRADIENTS, 3: Division.WEIGHTS}


def print_plan_of(settings: TrainSettings) -> None:
    """Print the plan of a run, and write it to `plan.json` in the run's folder."""
    quiet_libraries()
    model, checkpoint = _model(settings)
    prompts = _prompts(settings, checkpoint)
    size = model_size(model)
    work, setup, hardware = _round(settings, model, size, checkpoint, prompts)
    if hardware.measured:
        longest = max(prompts, key=lambda of_method: sum(len(prompt.text) for prompt in of_method))
        batch = [longest[i % len(longest)] for i in range(min(work.batch, work.prompts))]
        hardware = measured_here(hardware, model, Probe(setup.rows, _probed(setup), checkpoint, batch))
    found = estimates(model, setup, work, hardware)
    print_plan(f"{settings.model.name} on {settings.dataset.name}", size, setup, work, hardware, found)
    content: dict[str, Any] = {
        "size": asdict(size),
        "work": asdict(work),
        "hardware": asdict(hardware),
        "rows": [asdict(row) for row in found],
    }
    if hardware.cluster.samples is not None:
        plans = _on_machines(settings, hardware.cluster.samples, work, setup, hardware)
        content["cluster"] = [{**asdict(row), "bottleneck": row.bottleneck} for row in plans]
    if settings.power is not None:
        content["power"] = print_power(settings, checkpoint)
    write_plan(content, settings.folder)


def _on_machines(
    settings: TrainSettings, samples: int, work: RoundWork, setup: TrainingSetup, hardware: Hardware
) -> list[ClusterPlan]:
    """The round, with so many samples, on several machines."""
    cluster = hardware.cluster
    rates = cluster.measured()
    options: TrainingOptions = build(settings.trainer.options, "trainer.options")
    examples = examples_of(samples, rates, setup.batch_size, options.step_count)
    price = cluster.devices * hardware.price if cluster.price is None else cluster.price
    divided = builds(settings.sandbox, "RaySandbox")
    plans = cluster_plans(samples, cluster.nodes, cluster.devices, rates, work.trainings, examples, price, divided)
    print_cluster_plan(samples, cluster.devices, rates, work.trainings, examples, plans)
    return plans


def _probed(setup: TrainingSetup) -> int:
    """Tokens of a row as it is computed: a packed one is full."""
    return setup.longest if setup.rows < setup.batch_size else round(setup.length)


@config_errors
def _model(settings: TrainSettings) -> tuple[Any, Path | None]:
    """The model's configuration, and its folder; None where it is planned by its numbers."""
    numbers = settings.model.architecture
    if numbers:
        return AutoConfig.for_model(**numbers), None
    checkpoint: Path = build(settings.model.checkpoint, "model")
    if (name := served_name(checkpoint)) is not None:
        raise ConfigError(
            f"plan: '{name}' is on a server, and nothing is known of it here; choose a model with weights or a preset."
        )
    return load_config(checkpoint), checkpoint


@config_errors
def _round(
    settings: TrainSettings, model: Any, size: ModelSize, checkpoint: Path | None, prompts: Sequence[Sequence[Prompt]]
) -> tuple[RoundWork, TrainingSetup, Hardware]:
    hardware: Hardware = build(settings.hardware, "hardware")
    options: TrainingOptions = build(settings.trainer.options, "trainer.options")
    methods = build_methods(settings.solvers)
    recipes = [read_recipe(row, methods, objective_of(settings, row)) for row in settings.recipes]
    problems, tests = problem_set(settings.dataset, "train", settings.solvers).problems, test_sets(settings)
    prompt = _mean_tokens([text for of_method in prompts for text in of_method], checkpoint)
    shared = _shared_tokens(prompts, checkpoint)
    completion = hardware.completion_share * settings.model.max_tokens
    selection = selection_options(settings)
    number_bytes = 4.0 if hardware.measured else 2.0
    sources = {edge.source for recipe in recipes for edge in recipe.edges}
    crossing = {(edge, recipe.crossing) for recipe in recipes for edge in recipe.edges if edge.crosses}
    labels = len(problems) * len(crossing) * min(selection.labels_per_problem, selection.until or selection.samples_per_problem)
    asked = len(problems) * len(sources)
    again = sum(recipe.compute is not None for recipe in recipes)  # each spends as much as another arm
    trained = [recipe for recipe in recipes if recipe.edges]
    measured = sum(len(tests_of.problems) for tests_of in tests) + len(problems) * bool(selection.keep.withhold)
    tested = measured * len(methods) * (len(trained) + 1)
    examples = len(problems) * selection.keep.per_problem * max((len(recipe.edges) for recipe in trained), default=0)
    work = RoundWork(
        completions=(asked * selection.most_samples + labels * selection.translations_per_label) * (1 + again) + tested,
        prompts=asked + labels + tested,
        prompt=prompt,
        own=prompt - shared,
        completion=completion,
        longest=settings.model.max_tokens,
        batch=_batch(settings, number_bytes * size.cached, prompt - shared),
        trainings=len(trained),
        steps=options.step_count(examples),
        sampling_bytes=number_bytes,
    )
    length = min(prompt + completion + 1, options.longest_row)
    if options.shares_prefixes:
        length = _length_in_shared_row(length, shared, options.row)
    setup = _setup(settings.trainer, options, length, completion)
    if options.lora is not None:
        setup = replace(setup, trainable=adapter_parameters(model, options.lora))
    return work, setup, hardware


def _batch(settings: TrainSettings, cached: float, own: float) -> int:
    """Completions that the engine has room for at a time. cached: the bytes that a token leaves in its cache."""
    most = int(settings.sampler.get("batch_size") or 256)
    if "cache_gib" not in settings.sampler:
        return most
    return rows_that_fit(settings.sampler["cache_gib"] * 2**30, cached, own + settings.model.max_tokens, most)


def _length_in_shared_row(length: float, shared: float, row: int) -> float:
    """Tokens of an example, and of its part of the prefix that all examples of its row begin with."""
    if shared < SHORTEST_SHARED_PREFIX:
        return length
    own = max(1.0, length - shared)
    return own + shared / max(1.0, (row - shared) // own)


@config_errors
def _prompts(settings: TrainSettings, checkpoint: Path | None) -> list[list[Prompt]]:
    """Some of the round's prompts, by method."""
    writer = PromptWriter() if checkpoint is None else prompt_writer(settings, checkpoint)
    problems = problem_set(settings.dataset, "train", settings.solvers).problems[:READ]
    if not problems:
        raise ConfigError("dataset: there are no training problems to plan a round with.")
    return [
        [writer.solution(problem, method.format).prompt(problem.id, ()) for problem in problems]
        for method in build_methods(settings.solvers).values()
    ]


def _mean_tokens(prompts: Sequence[Prompt], checkpoint: Path | None) -> float:
    if checkpoint is None:
        return sum(len(prompt.text) for prompt in prompts) / LETTERS / len(prompts)
    tokenizer = load_tokenizer(checkpoint)
    return sum(len(prompt_tokens(tokenizer, prompt)) for prompt in prompts) / len(prompts)


def _shared_tokens(prompts: Sequence[Sequence[Prompt]], checkpoint: Path | None) -> float:
    """Mean tokens that all prompts of a method begin with; none where a method has a single prompt."""
    several = [of_method for of_method in prompts if len(of_method) > 1]
    if not several:
        return 0.0
    return _mean_tokens([_common(of_method) for of_method in several], checkpoint)


def _common(prompts: Sequence[Prompt]) -> Prompt:
    """What prompts begin with; it ends within a message, so that it has no messages of its own."""
    first = prompts[0]
    return replace(first, text=first.text[: common_length([prompt.text for prompt in prompts])], messages=())


def _setup(trainer: TrainerSettings, options: TrainingOptions, length: float, completion: float) -> TrainingSetup:
    named = trainer.strategy
    strategy: dict[str, Any] = named if isinstance(named, dict) else {"_target_": named}
    name = strategy["_target_"].rpartition(".")[2]
    sharded = name in ("FSDPStrategy", "FullyShardStrategy", "ModelParallelStrategy")
    deepspeed = name == "DeepSpeedStrategy"
    division = Division.WEIGHTS if sharded else DIVISIONS[int(strategy.get("stage", 2))] if deepspeed else Division.NONE
    packed = options.packed
    rows = max(1, round(options.batch_size * length / options.row)) if packed else options.batch_size
    return TrainingSetup(
        division=division,
        precision=str(trainer.precision),
        master=deepspeed and "bf16" in str(trainer.precision),
        blockwise=sharded,
        replicas=name in ("DDPStrategy", "ddp"),
        offload_optimizer=bool(strategy.get("offload_optimizer")),
        offload_weights=bool(strategy.get("offload_parameters")),
        recompute=options.recompute,
        loss_chunk=options.loss_chunk,
        batch_size=options.batch_size,
        accumulate=options.accumulated(rows, 1, trainer.accumulate),
        length=length,
        rows=rows,
        longest=options.row if packed else options.longest,
        learned=min(1.0, completion / length),
    )
