"""The command line: `mmst train method=code_to_text`, and the doors `train.py`, `generate.py`, `eval.py`, `report.py`.

What a help text, a typo or a TAB needs is Hydra and the errors; a job's own imports come when its configuration has been read.
"""

from __future__ import annotations

import importlib
import logging
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

import hydra
from hydra._internal.utils import get_args_parser
from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig, OmegaConf

from mmst.cli.ending import ended_well, one_sentence
from mmst.cli.help import COMMANDS, JOBS, asked_for_help, job_help, overview
from mmst.cli.names import run_name
from mmst.cli.old_names import check_overrides
from mmst.cli.places import CONFIGS, SWEEPS
from mmst.cli.plugins import add_installed_configs
from mmst.cli.record import failures
from mmst.config.read import read_settings
from mmst.config.schema import Settings
from mmst.errors import ConfigError

log = logging.getLogger(__name__)
_to_push: list[Settings] = []
"""The job of this process that has ended well and is to be pushed."""

WITH_VALUE = {"--cfg", "-c", "--package", "-p", "--config-dir", "-cd", "--config-name", "-cn", "--config-path", "-cp", "--info"}
"""Options of Hydra after which a word is theirs, and no override."""


def main(arguments: Sequence[str] | None = None) -> None:
    """The command `mmst`: its first word is what to do, the rest is that command's own."""
    command, *rest = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    if command in JOBS:
        run_job(command, rest)
    elif command in COMMANDS:
        module = importlib.import_module(COMMANDS[command].module)
        ended_well(lambda: module.main(rest))
    else:
        ended_well(lambda: overview(command))


def run_job(job: str, arguments: Sequence[str] | None = None) -> None:
    """One of the jobs that a configuration describes, with Hydra's command line."""
    words = options_first(sys.argv[1:] if arguments is None else arguments)
    sys.argv = [sys.argv[0], *words]
    os.environ["HYDRA_FULL_ERROR"] = "1"
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    logging.getLogger("transformers").setLevel(logging.ERROR)
    ended_well(lambda: _job(job, words), failures)


def options_first(words: Sequence[str]) -> list[str]:
    """A job's command line with `-m` and the like before the overrides: Hydra refuses overrides on both sides of one."""
    options: list[str] = []
    overrides: list[str] = []
    before = ""
    for word in words:
        (options if word.startswith("-") or before in WITH_VALUE else overrides).append(word)
        before = word
    return [*options, *overrides]


def _job(job: str, words: list[str]) -> None:
    store_sweeps()
    add_installed_configs()
    check_overrides(words)
    if asked_for_help(words):
        job_help(job, words)
        return
    _refuse_unknown(words)
    started: Callable[[], Any] = hydra.main(version_base="1.3", config_path=str(CONFIGS), config_name=job)(task)
    started()
    for settings in _to_push:  # once the job is recorded as done: a push that fails is no job that fails
        importlib.import_module("mmst.jobs.push").push_run(settings)


def _refuse_unknown(words: Sequence[str]) -> None:
    """Refuse an option that Hydra does not know, which it would answer with all those that it does.

    Raises:
        ConfigError: says how keys are set.
    """
    _, rest = get_args_parser().parse_known_args(words)
    unknown = [word for word in rest if word.startswith("-")]
    if unknown:
        key = unknown[0].lstrip("-").partition("=")[0]
        raise ConfigError(
            f"there is no option {unknown[0]}; keys are set without dashes, as {key}=VALUE, and --help lists them."
        )


def task(config: DictConfig) -> Any:
    """What Hydra runs, once for each job: read the configuration, then do what it says."""
    with one_sentence():
        settings = read_settings(config)
        if settings.prompts:
            return importlib.import_module("mmst.jobs.preview").preview(settings)
        log.info("%s: %s", settings.job, settings.folder)  # a job's own imports take seconds
        pushes = importlib.import_module("mmst.jobs.push").checked_push(settings) is not None
        found = importlib.import_module(JOBS[settings.job].module).run(settings)
        _to_push.extend([settings] if pushes else [])
        return found


def store_sweeps() -> None:
    """Make the files of `sweeps/` the config group `sweep`."""
    store = ConfigStore.instance()
    for path in SWEEPS.glob("*.yaml"):
        store.store(group="sweep", name=path.stem, node=OmegaConf.load(path), package="_global_", provider="sweeps")


OmegaConf.register_new_resolver("run_name", run_name, replace=True)  # also in the processes of Hydra's launchers
