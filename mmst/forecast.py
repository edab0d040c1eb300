"""From a composed configuration to what a round of it would take: `python train.py plan=true`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from transformers import AutoConfig

from mmst.configuration import built, check_config, config_errors
from mmst.entry import (
    one_sentence,
    problem_set,
    prompt_writer,
    quiet_libraries,
    read_recipe,
    recipe_rows,
    selection_options,
    test_sets,
)
from mmst.errors import ConfigError
from mmst.methods.edge import Edge
from mmst.methods.method import Method
from mmst.methods.prompt import PromptWriter
from mmst.planning.estimate import Division, RoundWork, TrainingSetup, estimates
from mmst.planning.hardware import Hardware
from mmst.planning.measure import Probe, measured_here
from mmst.planning.size import ModelSize, model_size
from mmst.reporting.plan import print_plan
from mmst.reporting.progress import say
from mmst.samplers.cache import rows_that_fit
from mmst.training.batches import SHORTEST_SHARED_PREFIX, common_length
from mmst.training.checkpoint import load_config, load_tokenizer, served_name
from mmst.training.model import adapter_parameters
from mmst.training.options import TrainingOptions

READ = 50
"""Problems whose prompts are measured."""
LETTERS = 4.0
"""Letters of a token, where there is no tokenizer to ask."""
DIVISIONS = {1: Division.OPTIMIZER, 2: Division.GRADIENTS, 3: Division.WEIGHTS}


def print_forecast(config: DictConfig, folder: Path) -> None:
    """Print the plan of a configuration, and write it to `plan.json` in the run's folder."""
    quiet_libraries()
    with one_sentence():
        model, checkpoint = _model(config)
        prompts = _prompts(config, checkpoint)
        size = model_size(model)
        work, setup, hardware = _round(config, model, size, checkpoint, prompts)
        if hardware.measured:
            longest = max(prompts, key=lambda of_method: sum(map(len, of_method)))
            batch = [longest[i % len(longest)] for i in range(min(work.batch, work.prompts))]
            hardware = measured_here(hardware, model, Probe(setup.rows, _probed(setup), checkpoint, batch))
        found = estimates(model, setup, work, hardware)
        print_plan(f"{config.model.name} on {config.dataset.name}", size, setup, work, hardware, found)
        content = {
            "size": asdict(size),
            "work": asdict(work),
            "hardware": asdict(hardware),
            "rows": [asdict(row) for row in found],
        }
        (folder / "plan.json").write_text(json.dumps(content, indent=1))
        say(f"plan: {folder / 'plan.json'}")


def _probed(setup: TrainingSetup) -> int:
    """Tokens of a row as it is computed: a packed one is full."""
    return setup.longest if setup.rows < setup.batch_size else round(setup.length)


@config_errors
def _model(config: DictConfig) -> tuple[Any, Path | None]:
    """The model's configuration, and its folder; None where it is planned by its numbers."""
    check_config(config)
    numbers = OmegaConf.to_container(config.model.architecture, resolve=True) if config.model.get("architecture") else None
    if numbers is not None:
        return AutoConfig.for_model(**dict(numbers)), None  # type: ignore[arg-type]
    checkpoint: Path = built(config.model.checkpoint, "model")
    if (name := served_name(checkpoint)) is not None:
        raise ConfigError(
            f"plan: '{name}' is on a server, and nothing is known of it here; choose a model with weights or a preset."
        )
    return load_config(checkpoint), checkpoint


@config_errors
def _round(
    config: DictConfig, model: Any, size: ModelSize, checkpoint: Path | None, prompts: Sequence[Sequence[str]]
) -> tuple[RoundWork, TrainingSetup, Hardware]:
    hardware: Hardware = built(config.hardware, "hardware")
    options: TrainingOptions = built(config.trainer.options, "trainer.options")
    methods = _methods(config)
    recipes = [read_recipe(row, methods) for row in recipe_rows(config)]
    problems, tests = problem_set(config, "train").problems, test_sets(config)
    prompt = _mean_tokens([text for of_method in prompts for text in of_method], checkpoint)
    shared = _shared_tokens(prompts, checkpoint)
    completion = hardware.completion_share * config.model.max_tokens
    selection = selection_options(config)
    number_bytes = 4.0 if hardware.measured else 2.0
    sources = {edge.source for recipe in recipes for edge in recipe.edges}
    crossing: set[Edge] = {edge for recipe in recipes for edge in recipe.edges if edge.crosses}
    labels = len(problems) * len(crossing) * min(selection.labels_per_problem, selection.samples_per_problem)
    asked = len(problems) * len(sources)
    trained = [recipe for recipe in recipes if recipe.edges]
    tested = sum(len(tests_of.problems) for tests_of in tests) * len(methods) * (len(trained) + 1)
    examples = len(problems) * selection.keep.per_problem * max((len(recipe.edges) for recipe in trained), default=0)
    work = RoundWork(
        completions=asked * selection.samples_per_problem + labels * selection.translations_per_label + tested,
        prompts=asked + labels + tested,
        prompt=prompt,
        own=prompt - shared,
        completion=completion,
        longest=config.model.max_tokens,
        batch=_batch(config, number_bytes * size.cached, prompt - shared),
        trainings=len(trained),
        steps=options.step_count(examples),
        sampling_bytes=number_bytes,
    )
    length = min(prompt + completion + 1, options.longest_row)
    if options.shares_prefixes:
        length = _length_in_shared_row(length, shared, options.row)
    setup = _setup(config, options, length, completion)
    if options.lora is not None:
        setup = replace(setup, trainable=adapter_parameters(model, options.lora))
    return work, setup, hardware


def _batch(config: DictConfig, cached: float, own: float) -> int:
    """Completions that the engine has room for at a time. cached: the bytes that a token leaves in its cache."""
    most = int(config.sampler.get("batch_size") or 256)
    if "cache_gib" not in config.sampler:
        return most
    return rows_that_fit(config.sampler.cache_gib * 2**30, cached, own + config.model.max_tokens, most)


def _length_in_shared_row(length: float, shared: float, row: int) -> float:
    """Tokens of an example, and of its part of the prefix that all examples of its row begin with."""
    if shared < SHORTEST_SHARED_PREFIX:
        return length
    own = max(1.0, length - shared)
    return own + shared / max(1.0, (row - shared) // own)


def _methods(config: DictConfig) -> dict[str, Method]:
    return {str(name): built(config.methods[name], f"methods.{name}") for name in config.methods}


@config_errors
def _prompts(config: DictConfig, checkpoint: Path | None) -> list[list[str]]:
    """Some of the round's prompts, by method."""
    writer = PromptWriter() if checkpoint is None else prompt_writer(config, checkpoint)
    problems = problem_set(config, "train").problems[:READ]
    if not problems:
        raise ConfigError("dataset: there are no training problems to plan a round with.")
    return [[writer.solve(problem, method.format) for problem in problems] for method in _methods(config).values()]


def _mean_tokens(prompts: Sequence[str], checkpoint: Path | None) -> float:
    if checkpoint is None:
        return sum(map(len, prompts)) / LETTERS / len(prompts)
    tokenizer = load_tokenizer(checkpoint)
    return sum(len(tokenizer.encode(prompt)) for prompt in prompts) / len(prompts)


def _shared_tokens(prompts: Sequence[Sequence[str]], checkpoint: Path | None) -> float:
    """Mean tokens that all prompts of a method begin with; none where a method has a single prompt."""
    several = [of_method for of_method in prompts if len(of_method) > 1]
    if not several:
        return 0.0
    return _mean_tokens([texts[0][: common_length(texts)] for texts in several], checkpoint)


def _setup(config: DictConfig, options: TrainingOptions, length: float, completion: float) -> TrainingSetup:
    node: Any = OmegaConf.to_container(config.trainer, resolve=True)
    strategy: dict[str, Any] = node["strategy"] if isinstance(node["strategy"], dict) else {"_target_": str(node["strategy"])}
    name = strategy["_target_"].rpartition(".")[2]
    sharded = name in ("FSDPStrategy", "FullyShardStrategy", "ModelParallelStrategy")
    deepspeed = name == "DeepSpeedStrategy"
    division = Division.WEIGHTS if sharded else DIVISIONS[int(strategy.get("stage", 2))] if deepspeed else Division.NONE
    packed = options.packed
    rows = max(1, round(options.batch_size * length / options.row)) if packed else options.batch_size
    return TrainingSetup(
        division=division,
        precision=str(node["precision"]),
        master=deepspeed and "bf16" in str(node["precision"]),
        blockwise=sharded,
        replicas=name in ("DDPStrategy", "ddp"),
        offload_optimizer=bool(strategy.get("offload_optimizer")),
        offload_weights=bool(strategy.get("offload_parameters")),
        recompute=options.recompute,
        loss_chunk=options.loss_chunk,
        batch_size=options.batch_size,
        accumulate=options.accumulated(rows, 1, int(node["accumulate"])),
        length=length,
        rows=rows,
        longest=options.row if packed else options.longest,
        learned=min(1.0, completion / length),
    )
