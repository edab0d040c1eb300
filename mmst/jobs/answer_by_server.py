"""Questions to an `mmst serve` that is running: its model is loaded already, so that nothing of it is loaded here."""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

from mmst.config.schema import AnswerSettings
from mmst.errors import ConfigError, DataError, EngineError
from mmst.jobs.answer import Answered, in_lines, in_words, questions
from mmst.types import AnswerKind, Problem

SECONDS = 600.0
"""That one answer may take."""
VERSION = "/v1"


def run(settings: AnswerSettings, asked: str | None) -> None:
    """Print what the server answers to what is asked.

    Raises:
        ConfigError: it is a data set, or what only the server can choose is given here.
    """
    if asked is None:
        raise ConfigError("server= answers questions; leave it out for a data set.")
    chosen = [key for key in ("run", "arm", "learned") if getattr(settings, key) is not None]
    if chosen:
        raise ConfigError(f"{chosen[0]}= is the server's to choose: give it to mmst serve.")
    address = address_of(str(settings.server))
    rows = [answer_of(address, problem) for problem in questions(asked, AnswerKind(settings.kind)).problems]
    sys.stdout.write(in_words(rows[0]) if len(rows) == 1 else in_lines(rows))


def address_of(server: str) -> str:
    """Where a server takes questions.

    Raises:
        ConfigError: it is no address.
    """
    if urlsplit(server).scheme not in ("http", "https"):
        raise ConfigError(f"server={server} must be the address of an mmst serve, such as http://127.0.0.1:8000.")
    return f"{server.rstrip('/').removesuffix(VERSION)}{VERSION}/chat/completions"


def answer_of(address: str, problem: Problem) -> Answered:
    """What the server answers to a question.

    Raises:
        EngineError: it does not answer, or is another server.
        DataError: it refuses the question; in its own words.
    """
    reply = _reply(address, {"messages": [{"role": "user", "content": problem.question}]})
    try:
        chosen, usage = reply["mmst"], reply["usage"]
        told = (
            chosen["answer"],
            chosen["method"],
            chosen["confidence"],
            usage["completion_tokens"],
            None,
            usage["prompt_tokens"],
        )
    except (KeyError, TypeError) as error:
        raise EngineError(f"what answers at {address} is no mmst serve: the reply says nothing of a method.") from error
    return Answered(problem.id, problem.question, *told)


def _reply(address: str, body: Any) -> Any:
    request = urllib.request.Request(address, json.dumps(body).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as heard:
            return json.load(heard)
    except urllib.error.HTTPError as error:
        raise DataError(f"the server refuses the question: {_said(error)}") from error
    except (OSError, ValueError) as error:
        why = getattr(error, "reason", error)
        raise EngineError(
            f"no mmst serve answers at {address} ({why}); start one by `mmst serve`, or leave server= out."
        ) from error


def _said(error: urllib.error.HTTPError) -> str:
    """The message in a refusal's body, or the status."""
    try:
        return str(json.load(error)["error"]["message"])
    except (OSError, ValueError, KeyError, TypeError):
        return f"HTTP {error.code}"
