"""The data stages alone: problems in, a folder of examples out."""

from __future__ import annotations

from mmst.config.schema import GenerateSettings
from mmst.crossing import Weights
from mmst.datasets.contamination import Contamination
from mmst.errors import ConfigError
from mmst.example_set import example_set
from mmst.jobs.doubts import tell_doubts
from mmst.jobs.labels import check_gold, selection_options
from mmst.jobs.opened import Job, opened
from mmst.jobs.outlook import made_pieces
from mmst.jobs.problems import train_set
from mmst.pipeline import ExampleSet
from mmst.reporting.dataset import About, preference_pairs, print_examples, write_dataset
from mmst.reporting.progress import say


def run(settings: GenerateSettings) -> None:
    """Sample, grade, select, translate, assemble, and write a data set."""
    with opened(settings) as job:
        examples, contamination = generated(job, settings)
        about = About(settings.model.name, settings.dataset.name, settings.method.name, settings.whole, contamination)
        pairs = preference_pairs(job.pipeline)
        path = write_dataset(examples, job.pipeline.ledger, settings.folder / "examples", about, pairs)
        print_examples(examples, settings.show)
        say(f"results: {path}")


def generated(job: Job, settings: GenerateSettings) -> tuple[ExampleSet, Contamination]:
    """The examples of the recipe's first round, and what their problems have in common with other splits'.

    Raises:
        ConfigError: the recipe has no edges, hence no examples.
    """
    recipe = job.recipes[-1]
    if not recipe.edges:
        raise ConfigError(f"method={recipe.name} has no edges, so there is nothing to generate; choose another recipe.")
    options = selection_options(settings)
    if options.keep.match or recipe.before:
        raise ConfigError(
            "match or compute, of filter or method: this job has one arm, so there is none to match; use train.py."
        )
    if options.weights is not Weights.EQUAL:
        raise ConfigError("sampling.weights=rarity weighs examples in a training, and this job writes a folder; use train.py.")
    problems, contamination = train_set(settings, ())
    check_gold(options, problems, settings.judge is not None)
    tell_doubts(job, [problems])
    job.pipeline.ledger.progress.expect(made_pieces(recipe, options, list(settings.solvers), problems))
    return example_set(job.pipeline, recipe, job.base, problems, options, 1), contamination
