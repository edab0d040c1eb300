"""From a composed configuration to the prompts that its job would begin with: `prompts=3`."""

from __future__ import annotations

from omegaconf import DictConfig

from mmst.configuration import built, check_config, config_errors
from mmst.entry import one_sentence, problem_set, prompt_writer, quiet_libraries, read_recipe, recipe_rows
from mmst.methods.edge import Edge
from mmst.methods.method import Method
from mmst.reporting.prompts import Shown, print_prompts, prompts_to_show
from mmst.training.checkpoint import load_tokenizer, served_name


def preview(config: DictConfig) -> None:
    """Print `prompts` prompts of each method and edge; nothing is sampled."""
    quiet_libraries()
    with one_sentence():
        print_prompts(*_shown(config))


@config_errors
def _shown(config: DictConfig) -> tuple[list[Shown], object | None]:
    check_config(config)
    checkpoint = built(config.model.checkpoint, "model")
    writer = prompt_writer(config, checkpoint)
    methods: dict[str, Method] = {str(name): built(config.methods[name], f"methods.{name}") for name in config.methods}
    recipes = [read_recipe(row, methods) for row in recipe_rows(config)] if "method" in config else []
    edges: list[Edge] = list(dict.fromkeys(edge for recipe in recipes for edge in recipe.edges))
    split = config.splits[0] if config.job == "eval" else "train"
    problems = problem_set(config, split).problems[: config.prompts]
    tokenizer = None if served_name(checkpoint) is not None else load_tokenizer(checkpoint)
    return list(prompts_to_show(writer, methods, edges, problems)), tokenizer
