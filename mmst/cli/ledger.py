"""`mmst ledger [FOLDER]`: the stages in the ledger, their sizes, ages and runs; `--prompt HASH`: what a model was asked.

`mmst ledger show STAGE`: what a stage, or a checkpoint, was made from; `rows`: the rows of stages as one Parquet file; `prune`:
remove what no run needs; `verify`: compare files with their hashes. The list and `verify` also take a URL.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.table import Table
from rich.text import Text

from mmst.cli.ledger_at_url import MIB, tell_of_verification, url_among
from mmst.cli.ledger_at_url import main as at_url
from mmst.cli.runs import RESULTS, found_runs, read_json
from mmst.errors import DataError, ModelError
from mmst.ledger.stored import Stored, needed_by, noted, remove_stage, runs_of, stored_stages, unneeded
from mmst.reporting.progress import CONSOLE, say
from mmst.reporting.screen import show_table
from mmst.stages.asked import found_prompts

DEFAULT = Path("runs/ledger")
ORDERS = ("size", "age", "run")


def main(arguments: Sequence[str]) -> None:
    """Print the stages, or the prompts of a hash; or do what the first word says."""
    if url_among(arguments):
        at_url(arguments, _damaged_checkpoint)
        return
    kinds = {"show": _show, "rows": _rows_of, "prune": _prune, "verify": _verify}
    if arguments and arguments[0] in kinds:
        kinds[arguments[0]](arguments[1:])
        return
    parser = _parser("mmst ledger", __doc__ or "")
    parser.add_argument("folder", type=Path, nargs="?", default=DEFAULT, help=f"the ledger (default {DEFAULT})")
    parser.add_argument("--by", choices=ORDERS, default="size", help="what the lines are ordered by (default size)")
    parser.add_argument("--prompt", metavar="HASH", help="print the prompts whose hash, or whose id, begins so")
    asked = parser.parse_args(arguments)
    if asked.prompt:
        _print_prompts(_ledger(asked.folder), asked.prompt)
        return
    _list(_ledger(asked.folder), _runs(asked), asked.by)


def _show(arguments: Sequence[str]) -> None:
    """What a stage or a checkpoint was made from, down to the base; a stage stands below what was made from it."""
    parser = _parser("mmst ledger show", _show.__doc__ or "")
    parser.add_argument("stage", help="its folder's name or the beginning of its key; or the beginning of a checkpoint's hash")
    asked = _with_folder(parser).parse_args(arguments)
    stages = stored_stages(_ledger(asked.folder))
    from mmst.reporting.lineage import Lineage

    lineage = Lineage(stages, [_in_order(run) for run in _runs(asked)])
    found = _found(stages, asked.stage, lineage.manifests)
    if not found:
        raise DataError(
            f"ledger: no stage in {asked.folder} is called {asked.stage}, and no checkpoint; `mmst ledger` lists the stages, "
            "and results.json names checkpoints by their hash (checkpoint_key)."
        )
    for stored in found:
        for row in lineage.of(stored):
            CONSOLE.print(Text(f"{'  ' * row.depth}{row.what}{' (see above)' if row.again else ''}"), soft_wrap=True)


def _rows_of(arguments: Sequence[str]) -> None:
    """Write the rows of stages as one Parquet file, which pandas, Polars and DuckDB read: of all `grade` stages, or of one."""
    parser = argparse.ArgumentParser(prog="mmst ledger rows", description=_rows_of.__doc__)
    parser.add_argument("stage", nargs="+", help="a kind of stage such as grade, a folder's name, or the beginning of a key")
    parser.add_argument("--to", type=Path, required=True, metavar="FILE", help="the file that is written")
    asked = _with_folder(parser).parse_args(arguments)
    from mmst.reporting.tables import write_stages

    found = _of_names(asked.folder, asked.stage)
    done = [stored.stage for stored in found if stored.stage.done]
    if not done:
        raise DataError(
            f"ledger: no stage of {' and '.join(asked.stage)} in {asked.folder} is done; the run's command goes on."
        )
    count = write_stages(asked.to, done)
    left = f"; {len(found) - len(done)} are not done, and not in it" if len(found) > len(done) else ""
    say(f"{asked.to}: {count:,} rows of {len(done)} stages{left}")


def _of_names(folder: Path, names: Sequence[str]) -> list[Stored]:
    """The stages of a ledger by their kinds, names or keys, in the ledger's order."""
    stages = stored_stages(_ledger(folder))
    found: set[Path] = set()
    for name in names:
        ours = [stored.folder for stored in stages if stored.stage.name == name or _is_called(stored, name)]
        if not ours:
            raise DataError(f"ledger: no stage in {folder} is called {name}; `mmst ledger` lists the stages.")
        found.update(ours)
    return [stored for stored in stages if stored.folder in found]


def _prune(arguments: Sequence[str]) -> None:
    """Remove the stages that no run needs; without --yes, only name them. A deleted run needs none."""
    parser = _with_folder(_parser("mmst ledger prune", _prune.__doc__ or ""))
    parser.add_argument("--yes", action="store_true", help="do remove them")
    asked = parser.parse_args(arguments)
    stages, runs = stored_stages(_ledger(asked.folder)), _runs(asked)
    needed = needed_by(runs)
    if not any(stored.name in needed for stored in stages):
        raise DataError(
            f"ledger: no run that is known needs a stage of {asked.folder}; if some do, name the folder that they are in by "
            "--runs, and if none does, delete the ledger's folder."
        )
    for run in runs:
        if not run.is_dir():
            say(f"{run} has used this ledger and is not there any more; what it alone needs is not kept")
    freed = 0
    for stored in list(unneeded(stages, runs)):
        size = stored.size
        removed = remove_stage(stored, runs) if asked.yes else True
        freed += size if removed else 0
        told = ("removed" if asked.yes else "would be removed") if removed else "kept: a process works on it"
        say(f"{stored.name}: {size / MIB:.2f} MiB, {told}")
    say(f"{freed / MIB:.1f} MiB {'freed' if asked.yes else 'to free; --yes removes these stages'}")


def _verify(arguments: Sequence[str]) -> None:
    """Compare the files of stages with the hashes that were written of them, and name those that differ."""
    asked = _with_folder(_parser("mmst ledger verify", _verify.__doc__ or "")).parse_args(arguments)
    stages = stored_stages(_ledger(asked.folder))
    wrong = [path for stored in stages for path in [*stored.damaged(), *_damaged_checkpoint(stored)]]
    for path in wrong:
        say(f"{path}: damaged")
    tell_of_verification(asked.folder, len(stages), len(wrong))


def _parser(name: str, about: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=name, description=about)
    parser.add_argument(
        "--runs",
        type=Path,
        action="append",
        help="a folder of more runs than the ledger knows of (default runs)",
    )
    return parser


def _with_folder(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument("--ledger", dest="folder", type=Path, default=DEFAULT, help=f"the ledger (default {DEFAULT})")
    return parser


def _ledger(folder: Path) -> Path:
    if not folder.is_dir():
        raise DataError(f"ledger: there is no folder {folder}; give that of a run's paths.ledger.")
    return folder


def _runs(asked: argparse.Namespace) -> list[Path]:
    """The runs that the ledger knows of, and those below --runs."""
    places: list[Path] = asked.runs or [path for path in (Path("runs"),) if path.is_dir()]
    for place in places:
        if not place.is_dir():
            raise DataError(f"ledger: there is no folder {place}; --runs names a folder that runs are in.")
    below = [run.absolute() for place in places for run in found_runs(place)]
    return list(dict.fromkeys([*runs_of(asked.folder), *below]))


def _list(folder: Path, runs: Sequence[Path], order: str) -> None:
    needed = needed_by(runs)
    rows = [(stored, stored.size, _told([run.name for run in needed.get(stored.name, [])])) for stored in stored_stages(folder)]
    keys = {"size": lambda row: (row[1],), "age": lambda row: (-row[0].written,), "run": lambda row: (row[2], row[1])}
    rows.sort(key=keys[order])
    table = Table("stage", "rows", "MiB", "age", "state", "runs")
    for stored, size, of in rows:
        count, state = _rows(stored), "done" if stored.stage.done else "half done"
        table.add_row(Text(stored.name), count, f"{size / MIB:.2f}", age(time.time() - stored.written), state, Text(of))
    show_table(table)
    say(f"{len(rows)} stages, {sum(size for _, size, _ in rows) / MIB:.1f} MiB")


def _told(names: Sequence[str]) -> str:
    return ", ".join(names[:2]) + (f" and {len(names) - 2} more" if len(names) > 2 else "")


def age(seconds: float) -> str:
    """A time that has passed, in the largest unit of which it is at least two."""
    for name, unit in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.0f} {name}"
    return f"{max(0, seconds):.0f} s"


def _rows(stored: Stored) -> str:
    count = stored.manifest.get("rows", "")
    return f"{count:,}" if isinstance(count, int) else ""


def _in_order(run: Path) -> list[str]:
    results = read_json(run / RESULTS) or {}
    return noted(run) or list(results.get("ledger", {}).get("stages", []))


def _found(stages: Sequence[Stored], name: str, manifests: Mapping[str, Mapping[str, object]]) -> list[Stored]:
    """The stages of a name, of the beginning of a key, or of that of a checkpoint's hash."""
    return [
        stored
        for stored in stages
        if _is_called(stored, name) or str(manifests[stored.name].get("checkpoint", "")).startswith(name)
    ]


def _is_called(stored: Stored, name: str) -> bool:
    """Whether a stage has this name, or a key that begins so."""
    return stored.name == name.rstrip("/").rpartition("/")[2] or stored.stage.key.startswith(name)


def _damaged_checkpoint(stored: Stored) -> list[Path]:
    """A training's checkpoint, where it is not what the training ended with."""
    from mmst.training.checkpoint import content_hash

    written = stored.manifest.get("checkpoint")
    if written is None:
        return []
    try:
        whole = content_hash(stored.folder / "checkpoint") == written
    except (ModelError, OSError):
        whole = False
    return [] if whole else [stored.folder / "checkpoint"]


def _print_prompts(folder: Path, hash: str) -> None:
    found = list(found_prompts(folder, hash))
    if not found:
        raise DataError(f"ledger: no prompt in {folder} has a hash or an id that begins with {hash}.")
    for row in found:
        CONSOLE.rule(Text(f"{row.hash} {row.id}"), align="left")
        CONSOLE.print(Text(row.text), soft_wrap=True)
