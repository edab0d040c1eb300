"""`mmst ledger URL`: the stages that lie in a store; `mmst ledger verify --ledger URL`: compare them with their hashes."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.table import Table
from rich.text import Text

from mmst.errors import DataError
from mmst.ledger.copies import Copy
from mmst.ledger.store import Store, is_url, open_store
from mmst.ledger.stored import NAMED, Stored
from mmst.reporting.progress import say
from mmst.reporting.screen import show_table

MIB = 1 << 20


def url_among(arguments: Sequence[str]) -> str | None:
    """The URL that a command is about; None where it is about a folder."""
    words = [word.removeprefix("--ledger=") for word in arguments]
    return next((word for word in words if is_url(word)), None)


def main(arguments: Sequence[str], damaged_checkpoint: Callable[[Stored], Sequence[Path]]) -> None:
    """List the stages at a URL, or verify them. damaged_checkpoint: what of a training is not what it ended with.

    Raises:
        DataError: something else is asked for, which needs a folder; or files differ from what was written of them.
    """
    url = url_among(arguments) or ""
    rest = [word for word in arguments if url not in word and word != "--ledger"]
    if rest not in ([], ["verify"]):
        raise DataError(
            f"ledger: of {url}, `mmst ledger {url}` lists the stages and `mmst ledger verify --ledger {url}` checks them; "
            "all else reads a folder: take that of a run's paths.cache, which holds what its machine used. What runs on other "
            "machines need is not known here, so nothing is pruned."
        )
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(url, Path(folder))
        names = [name for name in store.folders() if NAMED.fullmatch(name)]
        if rest:
            _verify(store, names, Path(folder), damaged_checkpoint)
        else:
            _list(store, names, Path(folder))


def _list(store: Store, names: Sequence[str], folder: Path) -> None:
    table, total = Table("stage", "rows", "MiB", "state"), 0
    for name in names:
        copy = _copy(store, name, folder)
        manifest = copy.look()
        rows = None if manifest is None else json.loads(manifest).get("rows")
        state = "half done" if manifest is None else "done"
        table.add_row(Text(name), "" if rows is None else f"{rows:,}", f"{copy.size / MIB:.2f}", state)
        total += copy.size
    show_table(table)
    say(f"{len(names)} stages, {total / MIB:.1f} MiB")


def _verify(store: Store, names: Sequence[str], folder: Path, damaged_checkpoint: Callable[[Stored], Sequence[Path]]) -> None:
    wrong = 0
    for name in names:
        copy = _copy(store, name, folder)
        copy.stage.folder.mkdir()
        copy.bring()
        stored = Stored(copy.stage.folder)
        paths = [*stored.damaged(), *damaged_checkpoint(stored), *(stored.folder / file for file in copy.absent)]
        for file in sorted({path.relative_to(folder).as_posix() for path in paths}):
            say(f"{store.url}/{file}: damaged")
            wrong += 1
        shutil.rmtree(stored.folder)
    tell_of_verification(store.url, len(names), wrong)


def tell_of_verification(place: Path | str, stages: int, wrong: int) -> None:
    """Say how many stages of a ledger are whole.

    Raises:
        DataError: files are wrong.
    """
    if wrong:
        raise DataError(
            f"ledger: {wrong} files in {place} differ from what was written of them, or are gone; the next run that needs "
            "them computes them anew."
        )
    say(f"{stages} stages are as they were written")


def _copy(store: Store, name: str, folder: Path) -> Copy:
    return Copy(Stored(folder / name).stage, store)
