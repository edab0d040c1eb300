"""From a composed configuration to objects, and from errors to one sentence. The only file that reads a configuration."""

from __future__ import annotations

import hashlib
import importlib
import json
import logging
import os
import re
import sys
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hydra
import torch
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from mmst.configuration import SPLITS, built, check_config, check_plain, config_errors, explained
from mmst.datasets.contamination import contaminated
from mmst.errors import ConfigError, MissingExtraError, UserError
from mmst.jobs import failures
from mmst.ledger.ledger import Ledger, run_folder
from mmst.methods.boundary import boundary_of, line_breaks
from mmst.methods.chat import AUTO, ServedChat, chat_of
from mmst.methods.edge import Edge, Recipe
from mmst.methods.method import Method
from mmst.methods.prompt import PromptWriter
from mmst.pipeline import Checkpoint, ExampleSet, Pipeline, ProblemSet, SelectionOptions
from mmst.reporting.progress import CONSOLE, TerminalProgress
from mmst.reporting.results import RESULTS
from mmst.reporting.tracking import TrackedJob, Tracker
from mmst.rounds import ArmResult, Evaluation, InitFrom, RoundsPlan, TrainingPlan, measure
from mmst.training.checkpoint import local_checkpoint, served_name
from mmst.training.launch import Fitter, Here, Launcher, Processes
from mmst.training.options import TrainingOptions
from mmst.training.schedule import check_parts
from mmst.types import Problem

if TYPE_CHECKING:
    from lightning.pytorch.strategies import Strategy

log = logging.getLogger(__name__)

USER_MISTAKE = 2
"""Exit code for what the user can mend."""
LONGEST_NAME = 80
GPU_STRATEGIES = ("lightning.pytorch.strategies.FSDPStrategy", "lightning.pytorch.strategies.DeepSpeedStrategy")
"""What Lightning and its libraries refuse on a CPU, when the training starts."""
EXTRAS = {
    "WandbLogger": ("wandb", 'pip install -c constraints.txt -e ".[wandb]"'),
    "TensorBoardLogger": ("tensorboard", 'pip install -c constraints.txt -e ".[tensorboard]"'),
    "MLFlowLogger": ("mlflow", "pip install mlflow"),
}
"""Lightning's logger -> the module that it needs, and how to have it."""
UNSEEN_KEYS = ("hydra.", "hydra/", "sweep=", "name=", "paths.", "prompts=", "tracker=", "sampler.batch_size", "redo_unjudged=")
"""Overrides that change nothing about the results, hence nothing about the run's name."""


@dataclass(frozen=True, slots=True)
class Job:
    """What every entry point works with."""

    config: DictConfig
    folder: Path
    pipeline: Pipeline
    base: Checkpoint
    recipes: tuple[Recipe, ...]
    tracker: Tracker | None
    """What the job's results are told to; None where they stay in files alone."""


def launch(main: Callable[[], object]) -> None:
    """Run a Hydra main. What the user can mend becomes one sentence and exit code 2; what is ours keeps its traceback."""
    os.environ["HYDRA_FULL_ERROR"] = "1"
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    logging.getLogger("transformers").setLevel(logging.ERROR)
    try:
        main()
    except KeyboardInterrupt:
        _exit("stopped; the same command goes on from here.", 130)
    except Exception as error:
        others, sentence = failures(), explained(error)
        if sentence is None:
            if others:
                log.error("%s", others)
            raise
        _exit(others or sentence, USER_MISTAKE)


@contextmanager
def opened_job(config: DictConfig) -> Iterator[Job]:
    """The run's folder, held; engine, executor and ledger, closed when the block ends."""
    folder = Path(HydraConfig.get().runtime.output_dir)
    quiet_libraries()
    with one_sentence(), run_folder(folder):
        job = _job(config, folder)
        failed = True
        try:
            yield job
            failed = False
        finally:
            job.pipeline.sampler.close()
            job.pipeline.executor.close()
            if job.tracker:
                job.tracker.close(failed)


@config_errors
def _job(config: DictConfig, folder: Path) -> Job:
    check_config(config)
    methods: dict[str, Method] = {name: built(config.methods[name], f"methods.{name}") for name in config.methods}
    for name, method in methods.items():
        if not isinstance(method, Method) or method.name != name:
            raise ConfigError(f"methods.{name} is no method of that name; see mmst/methods/method.py for what one must have.")
    recipes = tuple(read_recipe(row, methods) for row in recipe_rows(config)) if "method" in config else ()
    base = Checkpoint(built(config.model.checkpoint, "model"))
    pipeline = Pipeline(
        ledger=Ledger(Path(config.paths.ledger), TerminalProgress()),
        methods=methods,
        writer=prompt_writer(config, base.path),
        sampler=built(config.sampler, "sampler"),
        executor=built(config.sandbox, "sandbox"),
        seed=config.seed,
        chunk=config.chunk,
        redo_unjudged=config.redo_unjudged,
    )
    return Job(config, folder, pipeline, base, recipes, _tracker(config, folder))


def _tracker(config: DictConfig, folder: Path) -> Tracker | None:
    if OmegaConf.select(config, "tracker.job") is None:
        return None
    made: Tracker = built(config.tracker.job, "tracker.job")(
        TrackedJob(folder.name, config.job, folder, _group(), plain(config))
    )
    return made


def _group() -> str | None:
    """The sweep that this job is of."""
    node = HydraConfig.get()
    name = Path(node.sweep.dir).name
    return name if node.mode is RunMode.MULTIRUN and name != node.job.name else None


@contextmanager
def one_sentence() -> Iterator[None]:
    """End a single job at a user's mistake, before Hydra adds its own words; jobs of a sweep raise."""
    try:
        yield
    except Exception as error:
        sentence = explained(error)
        if sentence is None or HydraConfig.get().mode is not RunMode.RUN:
            raise
        _exit(sentence, USER_MISTAKE)


@config_errors
def problem_set(config: DictConfig, split: str) -> ProblemSet:
    """One split of the data set, cut to `dataset.limit`.

    Raises:
        ConfigError: the data set has no such split.
    """
    if split not in SPLITS or config.dataset.get(split) is None:
        have = [key for key in SPLITS if config.dataset.get(key) is not None]
        raise ConfigError(f"dataset={config.dataset.name} has no split '{split}'; it has {', '.join(have)}.")
    problems: list[Problem] = built(config.dataset[split], "dataset")[: config.dataset.get("limit")]
    for name in config.methods:
        form = built(config.methods[name].format, f"methods.{name}.format")
        for kind in {problem.kind for problem in problems}:
            form.check_kind(kind, name)
    return ProblemSet(split, tuple(problems))


def train_set(config: DictConfig) -> ProblemSet:
    """The training problems without those of other splits: what is measured on, here or by a job that chooses settings."""
    whole = problem_set(config, "train")
    ngram = config.decontaminate
    if ngram is None:
        return whole
    measured_on = test_sets(config)
    others = _readable_sets(config, {"train", *(tests.name for tests in measured_on)})
    found = contaminated(whole.problems, [p for tests in (*measured_on, *others) for p in tests.problems], ngram)
    if found:
        first = ", ".join(f"{train} is {test}" for train, test in list(found.items())[:3])
        log.warning(
            "%d of %d training problems stand in other splits too, and are left out (%s)",
            len(found),
            len(whole.problems),
            first,
        )
    left = tuple(problem for problem in whole.problems if problem.id not in found)
    if not left:
        raise ConfigError(
            "decontaminate: all training problems stand in other splits too; choose another data set, or decontaminate=null."
        )
    return ProblemSet("train", left)


def test_sets(config: DictConfig) -> list[ProblemSet]:
    """What arms are measured on: the splits that `splits` names, else the test split, and held-out families where there are."""
    splits = config.splits
    if splits is None:
        splits = [split for split in ("test", "heldout") if config.dataset.get(split) is not None]
    sets = [*(problem_set(config, split) for split in splits), *_other_sets(config)]
    names = [problems.name for problems in sets]
    if twice := [name for name in names if names.count(name) > 1]:
        raise ConfigError(
            f"datasets, splits: two of what is measured on are called '{twice[0]}'; give one another name, as in "
            '"mawps dataset.name=other".'
        )
    return sets


def _readable_sets(config: DictConfig, without: Collection[str]) -> list[ProblemSet]:
    """The data set's further splits, as far as they can be had: nothing is measured on them here."""
    sets = []
    for split in SPLITS:
        if split not in without and config.dataset.get(split) is not None:
            try:
                sets.append(problem_set(config, split))
            except UserError as error:
                log.warning("training problems are not held against the split %s, which cannot be read (%s)", split, error)
    return sets


def _other_sets(config: DictConfig) -> list[ProblemSet]:
    """The test problems of each of `datasets`; what an entry does not say of root and limit is taken from the main data set."""
    return [_other_set(config, entry.split()) for entry in config.datasets]


def _other_set(config: DictConfig, words: Sequence[str]) -> ProblemSet:
    """words: a name of the group `dataset`, and overrides of its keys."""
    if not words or not all(word.startswith("dataset.") for word in words[1:]):
        raise ConfigError(
            f"datasets: '{' '.join(words)}' must be a name of the group dataset, and may go on with overrides such as "
            "dataset.limit=300."
        )
    other = config.copy()
    other.dataset = hydra.compose(config_name=config.job, overrides=[f"dataset={words[0]}", *words[1:]]).dataset
    named = {word.partition("=")[0] for word in words[1:]}
    for key in ("root", "limit"):
        if key in other.dataset and other.dataset[key] is None and f"dataset.{key}" not in named:
            other.dataset[key] = config.dataset.get(key)
    try:
        check_plain(other, "dataset.")
    except ConfigError as error:
        raise ConfigError(f"datasets: '{' '.join(words)}': {error}") from error
    return ProblemSet(str(other.dataset.name if words[1:] else words[0]), problem_set(other, "test").problems)


@config_errors
def selection_options(config: DictConfig) -> SelectionOptions:
    """How pseudo-labels are drawn, translated and kept."""
    options = SelectionOptions(
        samples_per_problem=config.sampling.per_problem,
        sampling=built(config.sampling.params, "sampling"),
        translations_per_label=config.translation.per_label,
        labels_per_problem=config.translation.labels_per_problem,
        translation=built(config.translation.params, "translation"),
        keep=built(config.filter, "filter"),
    )
    options.sampling.check_count(options.samples_per_problem)
    options.translation.check_count(options.translations_per_label)
    return options


@config_errors
def rounds_plan(job: Job) -> RoundsPlan:
    """All that a run of rounds needs to know."""
    config = job.config
    settings: Any = OmegaConf.to_container(config.trainer.trainer, resolve=True)
    if any(recipe.edges for recipe in job.recipes):
        _check_trainable(job)
    options: TrainingOptions = built(config.trainer.options, "trainer.options")
    return RoundsPlan(
        rounds=config.rounds,
        init_from=InitFrom(config.init_from),
        selection=selection_options(config),
        training=TrainingPlan(
            options=options,
            fitter=_fitter_factory(job, options),
            settings=settings,
        ),
        evaluation=_evaluation(config),
        seed=config.seed,
    )


def _fitter_factory(job: Job, options: TrainingOptions) -> Callable[[str, str], Fitter]:
    """(name of a training, title) -> what trains; what it would refuse is refused now, before hours of sampling."""
    from mmst.training.watch import StepWatch  # by Lightning, seconds of imports that only a training needs

    config, progress = job.config, job.pipeline.ledger.progress
    launcher: Launcher = built(config.trainer.launcher, "trainer.launcher")
    node: Any = OmegaConf.to_container(config.trainer.trainer, resolve=True)
    trainer, strategy = _checked_trainer(config)
    _check_options(job, launcher, options, strategy)
    logger = _logger_nodes(config, job.folder)

    def fitter(name: str, title: str) -> Fitter:
        curves = logger(name)
        if config.trainer.own_process or launcher.processes * launcher.nodes > 1:
            return Processes(launcher, node, curves, progress, title)
        made = built(OmegaConf.create(curves), "tracker")() if curves else False
        return Here(partial(trainer, logger=made), [StepWatch(progress, title)])

    return fitter


def _check_options(job: Job, launcher: Launcher, options: TrainingOptions, strategy: Strategy) -> None:
    """Refuse now what a training would refuse after its samples."""
    from mmst.training.building import ModelBuilder

    methods = job.pipeline.methods
    options.check_edges(str(Edge(a, b)) for a in methods for b in methods)
    check_parts(options.batch_size, launcher.processes * launcher.nodes, job.config.trainer.accumulate)
    ModelBuilder(job.base.path, lora=options.lora).check(strategy)
    if options.lora is not None and not options.merge and not job.pipeline.sampler.takes_adapters:
        raise ConfigError(
            "trainer.options.merge=false: only sampler=hf, here or inside ray, samples from adapters; merge them, or use it."
        )


def _checked_trainer(config: DictConfig) -> tuple[Callable[..., Any], Strategy]:
    """The trainer's factory, once it has shown that it can be built on this machine, and the strategy of what was built."""
    strategy = OmegaConf.select(config, "trainer.trainer.strategy._target_")
    if strategy in GPU_STRATEGIES and not torch.cuda.is_available():
        raise ConfigError(
            f"trainer: {strategy.rsplit('.', 1)[-1]} needs a GPU, and there is none; use trainer=cpu, ddp or fsdp2."
        )
    trainer: Callable[..., Any] = built(config.trainer.trainer, "trainer.trainer")
    _quiet_lightning()
    try:
        made: Strategy = trainer(max_steps=1, logger=False).strategy
    except Exception as error:
        raise ConfigError(f"trainer: {' '.join(str(error).split())[:300]}") from error
    return trainer, made


def _check_trainable(job: Job) -> None:
    """Refuse, before any work, a model without weights here, and an engine that could not sample from what is trained."""
    if (name := served_name(job.base.path)) is not None:
        raise ConfigError(f"model=served: '{name}' has no weights here to train; use generate.py or eval.py, or model=hf.")
    if not job.pipeline.sampler.loads:
        raise ConfigError(
            "sampler.model names one model of the server, but rounds sample from new checkpoints; leave it null for a server "
            "that loads folders (`transformers serve`), or choose sampler=hf or sampler=vllm."
        )


@config_errors
def evaluated(job: Job) -> tuple[list[ArmResult], list[ProblemSet]]:
    """The model, and each of `checkpoints`, on the splits that `splits` names and on the test split of each of `datasets`."""
    sets = test_sets(job.config)
    named = {str(job.config.model.name): job.base, **_checkpoints(job.config)}
    evaluation = _evaluation(job.config)
    return [ArmResult(name, 0, found, measure(job.pipeline, evaluation, found, sets)) for name, found in named.items()], sets


def _checkpoints(config: DictConfig) -> dict[str, Checkpoint]:
    """Name -> checkpoint. A run's folder stands for the last checkpoint of each of its arms."""
    found: dict[str, Checkpoint] = {}
    for name, path in config.checkpoints.items():
        folder = Path(path).expanduser()
        if (folder / RESULTS).is_file():
            found.update({f"{name}/{arm}": Checkpoint(local_checkpoint(place)) for arm, place in _trained(folder).items()})
        else:
            found[str(name)] = Checkpoint(local_checkpoint(folder))
    if str(config.model.name) in found:
        raise ConfigError(f"checkpoints.{config.model.name} is the name of the model itself; give it another one.")
    return found


def _trained(run: Path) -> dict[str, str]:
    """Arm -> the checkpoint of its last round."""
    try:
        rounds = json.loads((run / RESULTS).read_text())["rounds"]
        found = {row["arm"]: row["checkpoint"] for row in rounds if row["round"]}
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"checkpoints: {run / RESULTS} is damaged; give the checkpoint's own folder.") from error
    if not found:
        raise ConfigError(f"checkpoints: the run in {run} has trained nothing; give one that has, or a checkpoint's folder.")
    return found


def generated(job: Job) -> ExampleSet:
    """The examples of the recipe's first round.

    Raises:
        ConfigError: the recipe has no edges, hence no examples.
    """
    recipe = job.recipes[-1]
    if not recipe.edges:
        raise ConfigError(f"method={recipe.name} has no edges, so there is nothing to generate; choose another recipe.")
    options = selection_options(job.config)
    if options.keep.match or recipe.match:
        raise ConfigError("match, of filter or method: this job has one arm, so there is none to match; use train.py.")
    return job.pipeline.example_set(recipe, job.base, train_set(job.config), options, 1)


def recipe_rows(config: DictConfig) -> list[DictConfig]:
    """The recipe of the group `method` and those that `arms` names, each once; the main one last."""
    names = dict.fromkeys(str(name) for name in config.arms)
    rows = [hydra.compose(config_name="train", overrides=[f"method={name}"]).method for name in names]
    for row in rows:
        if row.name == config.method.name and row != config.method:
            raise ConfigError(f"method.name={row.name} is the name of another arm too; give this recipe a name of its own.")
    return [*(row for row in rows if row.name != config.method.name), config.method]


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
    if name == text and len(name) <= LONGEST_NAME and name.strip("."):
        return name
    return f"{name[:LONGEST_NAME]}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def read_recipe(row: DictConfig, methods: Mapping[str, Method]) -> Recipe:
    """A recipe as a configuration names it."""
    edges = row.edges if isinstance(row.edges, str) else [str(edge) for edge in row.edges]
    return Recipe.parse(str(row.name), edges, methods, row.get("match"))


def _evaluation(config: DictConfig) -> Evaluation:
    """How checkpoints are measured."""
    node = config.evaluation
    return Evaluation(
        greedy=built(node.params, "evaluation.params"), samples=node.samples, sampled=built(node.sampled, "evaluation.sampled")
    )


def _logger_nodes(config: DictConfig, folder: Path) -> Callable[[str], dict[str, Any] | None]:
    """(name of a training) -> the node of its Lightning logger; None where the tracker is none."""
    node = config.tracker.logger
    if node is None:
        return lambda training: None
    name = str(node._target_).rsplit(".", 1)[-1]
    module, command = EXTRAS.get(name, (None, ""))
    if module:
        try:
            importlib.import_module(module)
        except ImportError as error:
            raise MissingExtraError(f"tracker={module}", command) from error
    values: Any = OmegaConf.to_container(node, resolve=True)
    known = {"folder": str(folder), "job": folder.name, "group": _group()}
    return lambda training: {key: _filled(key, value, {**known, "training": training}) for key, value in values.items()}


def _filled(key: str, value: Any, known: Mapping[str, str | None]) -> Any:
    """A value whose {names} are replaced; a value that is one name alone becomes what that stands for, also None."""
    if not isinstance(value, str):
        return value
    try:
        return known[value[1:-1]] if value[1:-1] in known and value == f"{{{value[1:-1]}}}" else value.format_map(known)
    except (KeyError, ValueError, IndexError) as error:
        raise ConfigError(f"tracker.logger.{key}: {value} may hold {', '.join(f'{{{name}}}' for name in known)}.") from error


def plain(config: DictConfig) -> dict[str, Any]:
    """The composed configuration as plain values."""
    resolved: Any = OmegaConf.to_container(config, resolve=True)
    return dict(resolved)


def prompt_writer(config: DictConfig, checkpoint: Path) -> PromptWriter:
    """What writes the prompts of a model: few-shot text, or by its chat template."""
    from mmst.training.checkpoint import load_tokenizer

    model = config.model
    wanted, system = model.chat, model.get("system")
    if served_name(checkpoint) is not None:
        chats = wanted is True or (wanted == AUTO and config.sampler.get("api") == "chat")
        return PromptWriter(ServedChat(system) if chats else None, line_breaks)
    tokenizer = load_tokenizer(checkpoint)
    told = OmegaConf.to_container(model.template, resolve=True) if model.get("template") else None
    return PromptWriter(chat_of(tokenizer, wanted, told, system, model.get("prefill") or ""), boundary_of(tokenizer))  # type: ignore[arg-type]


def quiet_libraries() -> None:
    """Keep what libraries say about themselves off the screen."""
    import transformers

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
    for name in ("openai", "httpx", "httpx2", "huggingface_hub"):
        logging.getLogger(name).setLevel(logging.ERROR)


def _quiet_lightning() -> None:
    """The same of Lightning, whose import takes seconds."""
    from lightning.fabric.utilities.warnings import PossibleUserWarning

    warnings.filterwarnings("ignore", category=PossibleUserWarning)
    for name in ("lightning.pytorch", "lightning.fabric", "lightning"):  # their levels are set when they are imported
        logging.getLogger(name).setLevel(logging.ERROR)


def _exit(sentence: str, code: int) -> None:
    CONSOLE.file.flush()
    sys.stderr.write(f"mmst: {sentence}\n")
    sys.exit(code)


register_resolvers()  # processes of Hydra's launchers import this module, and compose a job before they call anything of it
