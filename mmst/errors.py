"""The errors that a user can meet. Each prints as one sentence, without a traceback, and exits with code 2.

Raise `UserError` (or a child) for anything that the user can cause and mend: the message says what was wrong, where, and
what to do. Use `assert` only for invariants of our own.
"""

from __future__ import annotations


class UserError(Exception):
    """Raised for a mistake that the user can mend. Its text is the whole message."""


class ConfigError(UserError):
    """A key or value of the configuration is not usable. Raised before any work starts."""


class DataError(UserError):
    """A problem file is missing, empty or malformed. Names the file and the line."""


class ModelError(UserError):
    """A model cannot be loaded from where the user pointed."""


class EngineError(UserError):
    """A sampling engine outside this process cannot be used, or died. What was computed is kept."""


class RunInUseError(UserError):
    """Another process works on the same run folder."""


class MissingExtraError(UserError):
    """An optional dependency is not installed. Names the command that installs it."""

    def __init__(self, what: str, command: str) -> None:
        super().__init__(f"{what} needs an optional dependency; install it by `{command}`.")


class SandboxUnavailableError(UserError):
    """The machine cannot confine programs safely, and the user did not accept the risk."""


class TrainingError(UserError):
    """The processes of a training ended without a checkpoint. What was saved is kept."""


class NotPushedError(UserError):
    """A finished run, or a part of it, was not sent to the Hub. What was computed is kept, and the run counts as done."""


def first_line(error: BaseException, most: int = 200) -> str:
    """What an error of a library says, in one line of at most so many letters; its name, where it says nothing."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:most]
