"""What `--help` prints: commands, and for a job its groups, its configuration and examples.

The groups are listed from the files. Hydra would list them by copying its repository of configurations for each group, seconds.
"""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import hydra
from omegaconf import OmegaConf

from mmst.cli.places import CONFIGS, groups
from mmst.cli.plugins import installed_folders
from mmst.errors import ConfigError

WIDTH = 110


class Command(NamedTuple):
    """What the first word after `mmst` can be. A job's module has `run(settings)`, another command's `main(arguments)`."""

    module: str
    about: str


COMMANDS = {
    "answer": Command("mmst.cli.answer", "answer a question, a file or a data set by all methods and a policy"),
    "serve": Command("mmst.cli.serve", "answer questions by OpenAI's chat protocol, over HTTP"),
    "report": Command("mmst.cli.report", "a run, or all runs of a sweep, as one HTML page"),
    "runs": Command("mmst.cli.runs", "the runs and sweeps that there are, with their scores"),
    "ledger": Command(
        "mmst.cli.ledger", "the stages in the ledger: sizes, what they were made from, what is damaged or not needed"
    ),
    "trace": Command("mmst.cli.trace", "where a problem, sample or checkpoint of a run is from, and what became of it"),
    "compare": Command("mmst.cli.compare", "two arms' solutions side by side, to be judged blindly by a person"),
    "export": Command(
        "mmst.cli.export", "a run, or a trained model of it, as plain folders, also to the Hub; or its problems, for verifiers"
    ),
    "datasets": Command("mmst.cli.datasets", "the data sets that are known by name"),
    "models": Command("mmst.cli.models", "the models that are known by name"),
    "answers": Command("mmst.cli.answers", "read and judge answers in a file of completions"),
    "new": Command("mmst.cli.new", "a skeleton for a method, filter, judge, data set or exemplars of one's own"),
}
JOBS = {
    "train": Command("mmst.jobs.train", "rounds of self-training, end to end"),
    "generate": Command("mmst.jobs.generate", "the data stages alone: a folder of examples"),
    "eval": Command("mmst.jobs.evaluate", "score a model by every method"),
}


def overview(command: str) -> None:
    """What commands there are.

    Raises:
        ConfigError: the command is none of them.
    """
    if command not in ("--help", "-h", "help"):
        raise ConfigError(f"'{command}' is no command; there are {', '.join([*JOBS, *COMMANDS])}.")
    rows = [(name, of.about) for name, of in {**JOBS, **COMMANDS}.items()]
    lines = ["mmst makes a language model better with its own answers.", "", "usage: mmst COMMAND ...", ""]
    lines += [_folded(f"  {name:10} {about}", 13) for name, about in rows]
    more = "mmst COMMAND --help says more; configurations are given as GROUP=NAME and KEY=VALUE."
    _print([*lines, "", _folded(more)])


def asked_for_help(words: Sequence[str]) -> bool:
    """Whether a job's command line asks for help."""
    return "--help" in words or "-h" in words


def job_help(job: str, words: Sequence[str]) -> None:
    """A job's groups, and its configuration with the overrides of the command line."""
    folder, overrides = parsed(words)
    search = [f"hydra.searchpath=[file://{folder}]"] if folder else []
    with hydra.initialize_config_dir(str(CONFIGS), version_base="1.3", job_name=job):
        config = hydra.compose(job, [*overrides, *search, f"name={job}"])
    about, examples = config.about, _examples(job)
    shown = {key: config._get_node(key) for key in config if key not in ("about", "job", "name")}
    listed = [
        line
        for group, names in groups(*installed_folders(), *([folder] if folder else [])).items()
        for line in _wrapped(group, names)
    ]
    parts = [_folded(about), "", "== What can be chosen (GROUP=NAME) ==", *listed]
    _print([*parts, "", "== What is set (KEY=VALUE) ==", OmegaConf.to_yaml(OmegaConf.create(shown)).rstrip(), "", *examples])


def parsed(words: Sequence[str]) -> tuple[Path | None, list[str]]:
    """The folder of --config-dir, and the overrides."""
    rest, folder, overrides = list(words), None, []
    while rest:
        word = rest.pop(0)
        if word in ("--config-dir", "-cd") and rest:
            folder = Path(rest.pop(0)).expanduser().absolute()
        elif word.startswith("--config-dir="):
            folder = Path(word.partition("=")[2]).expanduser().absolute()
        elif not word.startswith("-"):
            overrides.append(word)
    return folder, overrides


def _wrapped(group: str, names: Sequence[str]) -> list[str]:
    lines, line = [], f"{group}:"
    for place, name in enumerate(names):
        word = f" {name}{',' if place < len(names) - 1 else ''}"
        if len(line) + len(word) > _width():
            lines.append(line)
            line = " " * 4
        line += word
    return [*lines, line]


def _folded(line: str, indent: int = 0) -> str:
    """A line in lines of the screen's width, those after the first indented."""
    return textwrap.fill(line, _width(), subsequent_indent=" " * indent, break_on_hyphens=False)


def _width() -> int:
    return min(WIDTH, shutil.get_terminal_size((WIDTH, 0)).columns)


def _examples(job: str) -> list[str]:
    return [
        f"Choose from a group:   mmst {job} model=hf model.name=./my_model",
        f"Set any key:           mmst {job} seed=1",
        f"See the whole config:  mmst {job} --cfg job",
        f"Sweep over values:     mmst {job} -m seed=0,1,2",
        f"Configs of your own:   mmst {job} --config-dir my_configs dataset=mine",
        *([f"In a checkout also:    python {job}.py ..."] if (CONFIGS.parent / f"{job}.py").is_file() else []),
    ]


def _print(lines: Sequence[str]) -> None:
    sys.stdout.write("\n".join(lines) + "\n")
