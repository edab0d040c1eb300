"""Folders sent to the Hugging Face Hub, each as one commit: what is there is whole, or as it was before."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmst.errors import ConfigError, NotPushedError, first_line
from mmst.reporting.card import TAGS

if TYPE_CHECKING:
    from huggingface_hub import HfApi

KINDS = {"model": "model", "data": "dataset", "page": "space"}
"""What of a run is pushed -> the Hub's type of repository."""
OLD = {"model": ("*.safetensors",), "dataset": ("*.parquet",), "space": ("index.samples/*",)}
"""Files of an earlier push that go where the folder has them no more."""
BEGUN = {".gitattributes", "README.md", "index.html", "style.css"}
"""What the Hub itself puts into a new repository."""
WHY = {
    401: "the Hub does not take this token; `hf auth login` asks for another",
    403: "this token may not write there; give a repository of your own, or a token that may write",
}


@dataclass(frozen=True, slots=True)
class Pushed:
    """A repository after a push."""

    address: str
    changed: bool
    """Whether anything differed from what was there."""


def check_target(repository: str) -> None:
    """Refuse, before any work, a name that the Hub does not take, and a machine that has no token.

    Raises:
        ConfigError: the name.
        NotPushedError: there is no token.
    """
    from huggingface_hub import get_token, utils
    from huggingface_hub.errors import HFValidationError

    library: Any = utils
    try:
        library.validate_repo_id(repository)
    except HFValidationError as error:
        raise ConfigError(f"push: '{repository}' is no name of a repository ({first_line(error).rstrip('.')}).") from error
    if not get_token():
        raise NotPushedError(
            "push: there is no token for the Hugging Face Hub; `hf auth login` asks for one, or set HF_TOKEN; without a push "
            "the run needs none, and `mmst export` pushes it later."
        )


def push_folder(folder: Path, repository: str, kind: str, private: bool) -> Pushed:
    """Make a repository hold a folder's files, in one commit; in none where they are the same.

    Args:
        folder: its files.
        repository: `USER/NAME`, or `NAME` in the token's own account.
        kind: the Hub's type: `model`, `dataset` or `space`.
        private: a new one is made so; one that is there must be so.

    Raises:
        NotPushedError: no network, no permission, a repository of something else, or one that is public and must not be.
    """
    with _quiet():
        try:
            return _pushed(_api(), folder, repository, kind, private)
        except NotPushedError:
            raise
        except Exception as error:  # of the network, the account or the name: the library's errors have no common parent
            raise NotPushedError(_why(error)) from error


def _api() -> HfApi:
    from huggingface_hub import HfApi

    return HfApi(endpoint=os.environ.get("HF_ENDPOINT"), library_name="mmst")


def _pushed(api: HfApi, folder: Path, repository: str, kind: str, private: bool) -> Pushed:
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    sdk = "static" if kind == "space" else None
    made = api.create_repo(repository, repo_type=kind, private=private, exist_ok=True, space_sdk=sdk)
    before: Any = api.repo_info(made.repo_id, repo_type=kind)
    there = {file.rfilename for file in before.siblings or ()}
    if not there <= BEGUN and TAGS[0] not in (before.tags or ()):
        raise NotPushedError("it holds something else, which mmst did not push; give another name")
    if private and not before.private:
        raise NotPushedError(
            "it is public, and what is pushed is to be private; give another name, or say that it may be public"
        )
    paths = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    gone = [name for name in sorted(there - paths.keys()) if any(fnmatch(name, old) for old in OLD[kind])]
    added = [CommitOperationAdd(path_in_repo=name, path_or_fileobj=path) for name, path in paths.items()]
    deleted = [CommitOperationDelete(path_in_repo=name) for name in gone]
    done = api.create_commit(made.repo_id, [*deleted, *added], commit_message="Pushed by mmst", repo_type=kind)
    return Pushed(str(made), done.oid != before.sha)


def _why(error: Exception) -> str:
    """What an error of the library says, in a line without its stop."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    said = first_line(error, 300).rstrip(".")
    return f"{said}: {WHY[status]}" if status in WHY else said


@contextmanager
def _quiet() -> Iterator[None]:
    """What the library says of a commit without changes is said here in other words; bars are for screens."""
    from huggingface_hub import utils

    library: Any = utils
    logger = logging.getLogger("huggingface_hub")
    level, bars = logger.level, not library.are_progress_bars_disabled()
    logger.setLevel(logging.ERROR)
    if bars and not sys.stderr.isatty():
        library.disable_progress_bars()
    try:
        yield
    finally:
        logger.setLevel(level)
        if bars:
            library.enable_progress_bars()
