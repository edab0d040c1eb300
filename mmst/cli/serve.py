"""`mmst serve ...`: the choice of `mmst answer`, by OpenAI's chat protocol."""

from __future__ import annotations

import importlib
from collections.abc import Sequence

from mmst.cli.answer import composed
from mmst.cli.help import asked_for_help, job_help


def main(arguments: Sequence[str]) -> None:
    """Compose the configuration, and serve until it is stopped."""
    if asked_for_help(arguments):
        job_help("serve", arguments)
        return
    importlib.import_module("mmst.jobs.serve").run(composed("serve", arguments))
