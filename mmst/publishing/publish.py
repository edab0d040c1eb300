"""A finished run on the Hugging Face Hub: its model, the data that it made and its page, each a repository of one name.

1. In: a run's folder.
2. `staged` writes what would be sent into `RUN/hub/`, with relative paths, and refuses secrets.
3. Out: `publish` sends these folders. One that fails says which were sent, and the command that goes on.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import yaml

from mmst.errors import DataError, NotPushedError
from mmst.ledger.files import atomic_write
from mmst.publishing.hub import KINDS, check_target, push_folder
from mmst.publishing.private import Guard
from mmst.publishing.rows import write_rows
from mmst.publishing.space import write_space
from mmst.reporting.export import export_model
from mmst.reporting.models import CARD, MODELS
from mmst.reporting.progress import say
from mmst.reporting.results import RESULTS
from mmst.reporting.runs import Run, read_sweep

HUB = "hub"
"""In a run's folder: what is sent, as it is sent."""
EXAMPLES = "examples"
"""In the folder of a run of `mmst generate`: its data set."""
COMPOSED = Path(".hydra", "config.yaml")
"""In a run's folder: its configuration."""
VERBATIM = ("tokenizer.json", "vocab.json", "merges.txt")
"""Files whose texts are tokens, and may look like paths."""
DOCUMENTS = (".md", ".json", ".txt", ".jinja", ".html")
"""Files whose text is looked at."""


def publish(run: Path, repository: str, private: bool = True, parts: Sequence[str] = tuple(KINDS)) -> None:
    """Send a finished run to the Hub; what was there already, and is the same, makes no commit.

    Args:
        run: its folder.
        repository: `USER/NAME`, or `NAME` in the token's own account.
        private: whether the repositories are private.
        parts: which of model, data and page; those that the run does not have are left out.

    Raises:
        NotPushedError: a part holds a secret, or could not be sent.
        DataError: there is no finished run, or nothing to send.
    """
    check_target(repository)
    folders = staged(run, parts)
    sent: list[str] = []
    for part, folder in folders.items():
        try:
            pushed = push_folder(folder, repository, KINDS[part], private)
        except NotPushedError as error:
            before = f"{' and '.join(sent)} arrived, and " if sent else ""
            only = "" if list(folders) == list(KINDS) else f" --parts {' '.join(folders)}"
            public = "" if private else " --public"
            raise NotPushedError(
                f"push: {before}the {part} could not be pushed to {repository}: {error}; all of it lies in {run / HUB}, and "
                f"`mmst export {run} --push {repository}{public}{only}` goes on."
            ) from error
        sent.append(f"the {part}")
        say(f"pushed {part}: {pushed.address}{'' if pushed.changed else ' (as it was: nothing differs)'}")


def staged(run: Path, parts: Sequence[str] = tuple(KINDS)) -> dict[str, Path]:
    """Part -> its folder in `RUN/hub/`, as it would be sent. Raises as `publish`."""
    if (run / EXAMPLES / CARD).is_file() and not (run / RESULTS).is_file():
        return _staged_examples(run)
    if not (run / RESULTS).is_file():
        raise DataError(f"push: {run} is no finished run: it holds no {RESULTS}; `mmst runs` lists those there are.")
    found = read_sweep(run).runs[0]
    guard = Guard.of(run, found.found["config"], str(found.found["ledger"]["root"]))
    wanted = [part for part in KINDS if part in parts and part in _parts_of(found)]
    if not wanted:
        raise DataError(f"push: {run} has no {' and no '.join(parts)} to push; it has {', '.join(_parts_of(found))}.")
    folders = {part: run / HUB / part for part in wanted}
    for part, folder in folders.items():
        shutil.rmtree(folder, ignore_errors=True)
        _write(part, found, folder, guard)
        _tidy(folder, guard)
    return folders


def _parts_of(run: Run) -> list[str]:
    """What a run has: a page always; data and a model where something was trained."""
    trained = any(row["round"] for row in run.found["rounds"])
    return [part for part in KINDS if part == "page" or (trained and (part == "data" or _arm(run) is not None))]


def _arm(run: Run) -> str | None:
    """The arm whose model is pushed: the recipe's, else the last that was trained; None where no model lies in the run."""
    arms = [row["arm"] for row in run.found["rounds"] if row["round"]]
    main = run.found["config"].get("method", {}).get("name")
    there = [arm for arm in arms if (run.folder / MODELS / arm / "config.json").is_file()]
    return main if main in there else next(iter(reversed(there)), None)


def _write(part: str, run: Run, folder: Path, guard: Guard) -> None:
    if part == "model":
        arm = _arm(run)
        assert arm is not None, "only runs with a model are staged with one"
        export_model(run.folder, arm, folder, linked=True)
    elif part == "data":
        write_rows(run, folder)
    else:
        write_space(run, folder, guard)


def _staged_examples(run: Path) -> dict[str, Path]:
    """The data set of a run of `mmst generate`."""
    config = run / COMPOSED
    guard = Guard.of(run, yaml.safe_load(config.read_text(encoding="utf-8")) if config.is_file() else {})
    folder = run / HUB / "data"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(run / EXAMPLES, folder)
    _tidy(folder, guard)
    return {"data": folder}


def _tidy(folder: Path, guard: Guard) -> None:
    """Make the paths in a folder's files relative. Raises as `Guard.tidied`."""
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        if path.suffix == ".parquet":
            _tidy_rows(path, guard)
        elif path.suffix in DOCUMENTS and path.name not in VERBATIM:
            text = path.read_text(encoding="utf-8", errors="replace")
            told = guard.document(text, str(path)) if path.name == CARD else guard.tidied(text, str(path))
            if told != text:
                atomic_write(path, told.encode())
        elif path.suffix not in (".safetensors", ".js"):
            guard.check(path.read_bytes().decode("utf-8", errors="replace"), str(path))


def _tidy_rows(path: Path, guard: Guard) -> None:
    """The same of a Parquet file, some rows in memory at a time."""
    source, new, changed, place = pyarrow.parquet.ParquetFile(path), path.with_suffix(".tidied"), False, 0
    try:
        with pyarrow.parquet.ParquetWriter(new, source.schema_arrow) as writer:
            for batch in source.iter_batches():
                rows = batch.to_pylist()
                told = [_tidied(row, f"{path}, row {place + n} ({row.get('id', '')})", guard) for n, row in enumerate(rows)]
                changed, place = changed or told != rows, place + len(rows)
                writer.write_table(pyarrow.Table.from_pylist(told, source.schema_arrow))
        if changed:
            new.replace(path)
    finally:
        new.unlink(missing_ok=True)


def _tidied(value: Any, where: str, guard: Guard) -> Any:
    """JSON's own types with relative paths."""
    if isinstance(value, str):
        return guard.tidied(value, where)
    if isinstance(value, Mapping):
        return {name: _tidied(part, where, guard) for name, part in value.items()}
    return [_tidied(part, where, guard) for part in value] if isinstance(value, list) else value


def push_model(folder: Path, repository: str, private: bool = True) -> str:
    """Send an exported folder; returns its address. Raises as `publish`."""
    check_target(repository)
    _tidy(folder, Guard.of(folder, {}))
    try:
        return push_folder(folder, repository, "model", private).address
    except NotPushedError as error:
        raise NotPushedError(
            f"export: {folder} is written, but could not be pushed to {repository}: {error}; when that is mended, "
            f"`hf upload {repository} {folder}` pushes it."
        ) from error
