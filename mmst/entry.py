"""From a composed configuration to objects, and from errors to one sentence. The only file that reads a configuration."""

from __future__ import annotations

import errno
import hashlib
import importlib
import logging
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, is_dataclass
from functools import partial
from pathlib import Path
from typing import Any, get_type_hints

import hydra
import msgspec
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException, OverrideParseException
from hydra.types import RunMode
from hydra.utils import get_class
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from mmst.errors import ConfigError, MissingExtraError, UserError
from mmst.ledger.ledger import Ledger, run_folder
from mmst.methods.edge import Recipe
from mmst.methods.method import Method
from mmst.methods.prompt import PromptWriter
from mmst.pipeline import Checkpoint, ExampleSet, Pipeline, ProblemSet, SelectionOptions
from mmst.reporting.progress import CONSOLE, TerminalProgress
from mmst.rounds import ArmResult, InitFrom, RoundsPlan, TrainingPlan, measure
from mmst.training.watch import StepWatch

log = logging.getLogger(__name__)

USER_MISTAKE = 2
"""Exit code for what the user can mend."""
LONGEST_NAME = 80
SEARCH_PATH = re.compile(r"\s*Config search path:.*")
EXTRAS = {"WandbLogger": ("wandb", "wandb"), "TensorBoardLogger": ("tensorboard", "tensorboard")}
UNSEEN_KEYS = ("hydra.", "name=", "paths.", "tracker=", "sampler.batch_size")
"""Overrides that change nothing about the results, hence nothing about the run's name."""


@dataclass(frozen=True, slots=True)
class Job:
    """What every entry point works with."""

    config: DictConfig
    folder: Path
    pipeline: Pipeline
    base: Checkpoint
    recipes: tuple[Recipe, ...]


def launch(main: Callable[[], None]) -> None:
    """Run a Hydra main. What the user can mend becomes one sentence and exit code 2; what is ours keeps its traceback."""
    os.environ["HYDRA_FULL_ERROR"] = "1"
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    logging.getLogger("transformers").setLevel(logging.ERROR)
    register_resolvers()
    try:
        main()
    except KeyboardInterrupt:
        _exit("stopped; the same command goes on from here.", 130)
    except Exception as error:
        sentence = explained(error)
        if sentence is None:
            raise
        _exit(sentence, USER_MISTAKE)


def explained(error: BaseException) -> str | None:
    """One sentence for an error that the user can mend; None for one of ours."""
    chain = [error]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) is not None and cause not in chain:
        chain.append(cause)
    for link in chain:
        if isinstance(link, UserError):
            return str(link)
        if isinstance(link, OSError) and link.errno == errno.ENOSPC:
            where = link.filename or "the run folder"
            return f"no space is left on the device of {where}; free some, and the same command goes on."
        if isinstance(link, FloatingPointError):
            return f"train: {link}."
        if isinstance(link, OverrideParseException):
            return f"config: '{link.override}' cannot be read as KEY=VALUE; quote it, or close its brackets."
    if isinstance(error, HydraException | OmegaConfBaseException):
        words = [_one_line(link) for link in chain if isinstance(link, HydraException | OmegaConfBaseException | TypeError)]
        return f"config: {'; '.join(dict.fromkeys(words))}"
    return None


@contextmanager
def opened_job(config: DictConfig) -> Iterator[Job]:
    """The run's folder, held; engine, executor and ledger, closed when the block ends."""
    folder = Path(HydraConfig.get().runtime.output_dir)
    _quiet_libraries()
    with _one_sentence(), run_folder(folder):
        methods: dict[str, Method] = {name: _built(config.methods[name], f"methods.{name}") for name in config.methods}
        base = Checkpoint(_built(config.model.checkpoint, "model"))
        progress = TerminalProgress()
        pipeline = Pipeline(
            ledger=Ledger(Path(config.paths.ledger), progress),
            methods=methods,
            writer=PromptWriter(_chat_template(base.path) if config.model.chat else None),
            sampler=_built(config.sampler, "sampler"),
            executor=_built(config.sandbox, "sandbox"),
            seed=config.seed,
            chunk=config.chunk,
        )
        recipes = tuple(_recipe(row, methods) for row in recipe_rows(config)) if "method" in config else ()
        try:
            yield Job(config, folder, pipeline, base, recipes)
        finally:
            pipeline.sampler.close()
            pipeline.executor.close()


@contextmanager
def _one_sentence() -> Iterator[None]:
    """End a single job at a user's mistake, before Hydra adds its own words; jobs of a sweep raise."""
    try:
        yield
    except Exception as error:
        sentence = explained(error)
        if sentence is None or HydraConfig.get().mode is not RunMode.RUN:
            raise
        _exit(sentence, USER_MISTAKE)


def problem_set(config: DictConfig, split: str) -> ProblemSet:
    """One split of the data set, cut to `dataset.limit`.

    Raises:
        ConfigError: the data set has no such split.
    """
    if config.dataset.get(split) is None:
        have = [key for key in ("train", "validation", "test", "heldout") if config.dataset.get(key) is not None]
        raise ConfigError(f"dataset={config.dataset.name} has no split '{split}'; it has {', '.join(have)}.")
    limit = config.dataset.get("limit")
    if limit is not None and (not isinstance(limit, int) or limit < 1):
        raise ConfigError(f"dataset.limit={limit} must be a whole number above 0, or null.")
    problems = _built(config.dataset[split], "dataset")
    return ProblemSet(split, tuple(problems[:limit]))


def test_sets(config: DictConfig) -> list[ProblemSet]:
    """What arms are measured on: the test split, and the held-out families where there are some."""
    return [problem_set(config, split) for split in ("test", "heldout") if config.dataset.get(split) is not None]


def selection_options(config: DictConfig) -> SelectionOptions:
    """How pseudo-labels are drawn, translated and kept."""
    options = SelectionOptions(
        samples_per_problem=_count(config, "sampling.per_problem"),
        sampling=_built(config.sampling.params, "sampling"),
        translations_per_label=_count(config, "translation.per_label"),
        labels_per_problem=_count(config, "translation.labels_per_problem"),
        translation=_built(config.translation.params, "translation"),
        keep=_built(config.filter, "filter"),
    )
    options.sampling.check_count(options.samples_per_problem)
    options.translation.check_count(options.translations_per_label)
    return options


def rounds_plan(job: Job) -> RoundsPlan:
    """All that a run of rounds needs to know."""
    config = job.config
    settings: Any = OmegaConf.to_container(config.trainer.trainer, resolve=True)
    trainer = _built(config.trainer.trainer, "trainer.trainer")
    progress = job.pipeline.ledger.progress
    logger = _logger_factory(config, job.folder)
    return RoundsPlan(
        rounds=_count(config, "rounds"),
        init_from=InitFrom(_one_of(config, "init_from", tuple(InitFrom))),
        selection=selection_options(config),
        training=TrainingPlan(
            options=_built(config.trainer.options, "trainer.options"),
            trainer=lambda name: partial(trainer, logger=logger(name)),
            settings=settings,
            watch=lambda title, steps: [StepWatch(progress, title, steps)],
        ),
        evaluation=_built(config.evaluation.params, "evaluation"),
        seed=config.seed,
    )


def evaluated(job: Job) -> tuple[ArmResult, list[ProblemSet]]:
    """The model's outcomes on the splits that `splits` names."""
    sets = [problem_set(job.config, split) for split in job.config.splits]
    params = _built(job.config.evaluation.params, "evaluation")
    return ArmResult(str(job.config.model.name), 0, job.base, measure(job.pipeline, params, job.base, sets)), sets


def generated(job: Job) -> ExampleSet:
    """The examples of the recipe's first round.

    Raises:
        ConfigError: the recipe has no edges, hence no examples.
    """
    recipe = job.recipes[-1]
    if not recipe.edges:
        raise ConfigError(f"method={recipe.name} has no edges, so there is nothing to generate; choose another recipe.")
    return job.pipeline.example_set(recipe, job.base, problem_set(job.config, "train"), selection_options(job.config), 1)


def recipe_rows(config: DictConfig) -> list[DictConfig]:
    """The recipe of the group `method` and those that `arms` names, each once; the main one last."""
    names = [str(name) for name in config.arms]
    rows = [
        hydra.compose(config_name="train", overrides=[f"method={name}"]).method for name in names if name != config.method.name
    ]
    return [*rows, config.method]


def register_resolvers() -> None:
    """Make `${run_name:...}` known to OmegaConf."""
    OmegaConf.register_new_resolver("run_name", run_name, replace=True)


def run_name(overrides: Sequence[str]) -> str:
    """A folder's name from a job's overrides: readable, and short by a hash where they are many. The order does not matter."""
    telling = sorted(o for o in overrides if not o.lstrip("+~").startswith(UNSEEN_KEYS))
    if not telling:
        return "default"
    text = ",".join(telling)
    name = re.sub(r"[^\w.=,+-]+", "_", text)
    if name == text and len(name) <= LONGEST_NAME:
        return name
    return f"{name[:LONGEST_NAME]}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def _recipe(row: DictConfig, methods: dict[str, Method]) -> Recipe:
    return Recipe.parse(str(row.name), [str(edge) for edge in row.edges], methods)


def _built(node: DictConfig, where: str) -> Any:
    """The object that a node describes. A value that its constructor refuses is the user's to mend."""
    _check_types(node, where)
    try:
        return hydra.utils.instantiate(node, _convert_="all")
    except (HydraException, OmegaConfBaseException) as error:
        sentence = explained(error)
        if sentence is not None and not sentence.startswith("config:"):
            raise ConfigError(sentence) from error
        raise ConfigError(f"{where}: {_one_line(error.__cause__ or error)}") from error


def _check_types(node: DictConfig, where: str) -> None:
    """Refuse a value that is not of the type its dataclass declares, by the value's key."""
    target = get_class(node._target_) if "_target_" in node and "." in str(node._target_) and _names_class(node) else None
    hints = get_type_hints(target) if is_dataclass(target) else {}
    for key in map(str, node):
        value = node[key]
        if isinstance(value, DictConfig):
            _check_types(value, f"{where}.{key}")
        elif key in hints:
            plain = OmegaConf.to_container(value) if OmegaConf.is_config(value) else value
            try:
                msgspec.convert(plain, hints[key], strict=True)
            except msgspec.ValidationError as error:
                raise ConfigError(f"{where}.{key}={plain!r} is not usable: {str(error).lower()}.") from error


def _names_class(node: DictConfig) -> bool:
    return str(node._target_).rsplit(".", 1)[-1][0].isupper()


def _count(config: DictConfig, key: str) -> int:
    value = OmegaConf.select(config, key)
    if not isinstance(value, int) or value < 1:
        raise ConfigError(f"{key}={value} must be a whole number above 0.")
    return value


def _one_of(config: DictConfig, key: str, allowed: Sequence[str]) -> str:
    value = str(OmegaConf.select(config, key))
    if value not in allowed:
        raise ConfigError(f"{key}={value} must be one of {', '.join(allowed)}.")
    return value


def _logger_factory(config: DictConfig, folder: Path) -> Callable[[str], Any]:
    """(name of a training) -> its Lightning logger; False where the tracker is none."""
    node = config.tracker.logger
    if node is None:
        return lambda name: False
    name = str(node._target_).rsplit(".", 1)[-1]
    module, extra = EXTRAS.get(name, (None, None))
    if module and extra:
        try:
            importlib.import_module(module)
        except ImportError as error:
            raise MissingExtraError(f"tracker={extra}", f'pip install -c constraints.txt -e ".[{extra}]"') from error
    made = _built(node, "tracker")
    return lambda name: made(save_dir=str(folder / "curves"), name=name)


def _chat_template(checkpoint: Path) -> Callable[[str, str], str]:
    from mmst.training.checkpoint import load_tokenizer

    tokenizer = load_tokenizer(checkpoint)
    if not tokenizer.chat_template:
        raise ConfigError("model.chat=true, but the model's tokenizer has no chat template; set model.chat=false.")

    def render(content: str, cue: str) -> str:
        message = [{"role": "user", "content": content}]
        return str(tokenizer.apply_chat_template(message, tokenize=False, add_generation_prompt=True)) + cue

    return render


def _quiet_libraries() -> None:
    import transformers
    from lightning.fabric.utilities.warnings import PossibleUserWarning

    warnings.filterwarnings("ignore", category=PossibleUserWarning)
    for message in (
        ".*treespec, LeafSpec.*",
        ".*set_vital.*",
        ".*Checkpoint directory .* exists.*",
        ".*logs directory .* exists.*",
    ):
        warnings.filterwarnings("ignore", message=message)
    library: Any = transformers.utils.logging
    library.set_verbosity_error()
    library.disable_progress_bar()
    for name in ("lightning.pytorch", "lightning.fabric", "lightning"):
        logging.getLogger(name).setLevel(logging.ERROR)


def _one_line(error: BaseException) -> str:
    lines = [
        line.strip()
        for line in str(error).splitlines()
        if line.strip() and "full_key:" not in line and "object_type=" not in line
    ]
    text = " ".join(lines)
    return SEARCH_PATH.sub("", text)[:400].strip()


def _exit(sentence: str, code: int) -> None:
    CONSOLE.file.flush()
    sys.stderr.write(f"mmst: {sentence}\n")
    sys.exit(code)
