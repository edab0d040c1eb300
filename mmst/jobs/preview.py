"""The prompts that a job would begin with, as the engine gets them: `prompts=3`."""

from __future__ import annotations

from mmst.config.build import build
from mmst.config.schema import Settings
from mmst.config.sentences import config_errors
from mmst.jobs.opened import build_methods, objective_of, prompt_writer, quiet_libraries, read_recipe
from mmst.jobs.problems import problem_set
from mmst.methods.edge import Crossing, Edge
from mmst.reporting.prompts import Shown, print_prompts, prompts_to_show
from mmst.training.checkpoint import hub_checkpoint, load_tokenizer, served_name


def preview(settings: Settings) -> None:
    """Print `prompts` prompts of each method and edge; nothing is sampled."""
    quiet_libraries()
    print_prompts(*_shown(settings))


@config_errors
def _shown(settings: Settings) -> tuple[list[Shown], object | None]:
    described = settings.model.checkpoint
    if described["_target_"] == f"{hub_checkpoint.__module__}.{hub_checkpoint.__qualname__}":
        described = {**described, "weights": False}  # prompts need none
    checkpoint = build(described, "model")
    writer = prompt_writer(settings, checkpoint)
    methods = build_methods(settings.solvers)
    recipes = [read_recipe(row, methods, objective_of(settings, row)) for row in settings.recipes]
    shown = [recipe for recipe in recipes if recipe.crossing in (Crossing.TRANSLATE, Crossing.SHUFFLED)]
    edges: list[Edge] = list(dict.fromkeys(edge for recipe in shown for edge in recipe.edges))
    hints = any(recipe.crossing is Crossing.HINT for recipe in recipes)
    split = "train" if recipes or not settings.splits else settings.splits[0]
    problems = problem_set(settings.dataset, split, settings.solvers).problems[: settings.prompts]
    tokenizer = None if served_name(checkpoint) is not None else load_tokenizer(checkpoint)
    return list(prompts_to_show(writer, methods, edges, problems, hints)), tokenizer
