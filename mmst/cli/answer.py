"""`mmst answer QUESTION ...`: the first word that is no override is the question, or a file of questions."""

from __future__ import annotations

import importlib
import re
from collections.abc import Sequence
from typing import cast

import hydra

from mmst.cli.help import asked_for_help, job_help, parsed
from mmst.cli.old_names import check_overrides
from mmst.cli.places import CONFIGS
from mmst.config.read import read_settings
from mmst.config.schema import AnswerSettings
from mmst.errors import ConfigError

OVERRIDE = re.compile(r"[+~]{0,2}[A-Za-z][\w./@-]*=(\S*|[\[{\"'].*)", re.DOTALL)
"""KEY=VALUE; a value with spaces is a list, a mapping or quoted, and anything else with spaces is a question."""


def main(arguments: Sequence[str]) -> None:
    """Compose the configuration, and answer.

    Raises:
        ConfigError: there are two questions.
    """
    asked, words = divided(arguments)
    if asked_for_help(words):
        job_help("answer", words)
        return
    settings = composed("answer", words)
    job = "mmst.jobs.answer" if settings.server is None else "mmst.jobs.answer_by_server"
    importlib.import_module(job).run(settings, asked)


def composed(job: str, words: Sequence[str]) -> AnswerSettings:
    """The settings of a job that keeps no folder of its own, from the words of its command line."""
    check_overrides(words)
    folder, overrides = parsed(words)
    search = [f"hydra.searchpath=[file://{folder}]"] if folder else []
    with hydra.initialize_config_dir(str(CONFIGS), version_base="1.3", job_name=job):
        return cast(AnswerSettings, read_settings(hydra.compose(job, [*overrides, *search, f"name={job}"])))


def divided(arguments: Sequence[str]) -> tuple[str | None, list[str]]:
    """The question, if there is one, and the other words."""
    words: list[str] = []
    asked: list[str] = []
    for place, word in enumerate(arguments):
        follows = place > 0 and arguments[place - 1] in ("--config-dir", "-cd")
        is_option = word.startswith("-") and " " not in word
        (words if follows or is_option or OVERRIDE.fullmatch(word) else asked).append(word)
    if len(asked) > 1:
        raise ConfigError(
            f"there are {len(asked)} questions, '{asked[0]}' and '{asked[1]}'; put one question in quotes, or use a file."
        )
    return (asked[0] if asked else None), words
