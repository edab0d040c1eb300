"""From an error to one sentence for the user. Imports nothing heavy: a typo is told within a second."""

from __future__ import annotations

import errno
import re
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from functools import wraps
from typing import ParamSpec, TypeVar

from hydra.errors import HydraException, OverrideParseException
from omegaconf.errors import OmegaConfBaseException

from mmst.errors import ConfigError, UserError
from mmst.ledger.files import FULL, no_space

P = ParamSpec("P")
R = TypeVar("R")
ENDED = re.compile(r"SIG[A-Z]+")
"""A signal's name, as joblib gives it among the exit codes of its processes."""
SEARCH_PATH = re.compile(r"\s*Config search path:.*")


def explained(error: BaseException) -> str | None:
    """One sentence for an error that the user can mend; None for one of ours."""
    chain = [error]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) is not None and cause not in chain:
        chain.append(cause)
    for link in chain:
        if sentence := _sentence(link):
            return sentence
    if isinstance(error, HydraException | OmegaConfBaseException):
        words = [one_line(link) for link in chain if isinstance(link, HydraException | OmegaConfBaseException | TypeError)]
        return f"config: {'; '.join(dict.fromkeys(words))}"
    return None


def _sentence(error: BaseException) -> str | None:
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, OSError) and error.errno in FULL:
        return no_space(error.filename or "what was being written (the output, or the run's folder)")
    if isinstance(error, OSError) and error.errno == errno.EROFS and error.filename:
        return (
            f"{error.filename} lies on a read-only file system; mount it for writing, or write elsewhere (paths.ledger= for "
            "the ledger, hydra.run.dir= for the run)."
        )
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename}: {error.strerror.lower()}."
    if isinstance(error, BrokenProcessPool):  # joblib's, of a sweep's parallel jobs, is one
        how = ", ".join(sorted(set(ENDED.findall(str(error))))) or "no signal is known"
        return (
            f"one of the processes that ran jobs side by side was ended from outside ({how}), most often for want of memory; "
            "what is done is kept, and the same command goes on, with hydra.launcher.n_jobs=1 one job at a time."
        )
    if isinstance(error, FloatingPointError):
        return f"train: {error}."
    if isinstance(error, OverrideParseException):
        return f"config: '{error.override}' cannot be read as KEY=VALUE; quote it, or close its brackets."
    if isinstance(error, ValueError) and str(error).startswith("Config group override must be"):
        return "config: a group cannot be null; leave it out for its default, or choose one as GROUP=NAME (--help)."
    return None


def config_errors(read: Callable[P, R]) -> Callable[P, R]:
    """Decorate a function that only reads the configuration: what it stumbles over is the configuration's fault."""

    @wraps(read)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return read(*args, **kwargs)
        except (UserError, OSError):
            raise
        except Exception as error:
            raise ConfigError(explained(error) or f"config: {one_line(error) or type(error).__name__}") from error

    return guarded


def one_line(error: BaseException) -> str:
    """What a library says, without its notes about keys and search paths."""
    lines = [
        line.strip()
        for line in str(error).splitlines()
        if line.strip() and "full_key:" not in line and "object_type=" not in line
    ]
    return SEARCH_PATH.sub("", " ".join(lines))[:400].strip()
