"""What lies in a ledger, seen from outside of a run: its stages, which runs need them, and their removal.

A run writes the names of its stages into its folder as it asks for them, so that what a run at work needs is known as well.
"""

from __future__ import annotations

import json
import re
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmst.ledger.files import atomic_write, told_of_space
from mmst.ledger.locks import if_free
from mmst.ledger.spec import KEY_LENGTH
from mmst.ledger.stage import MANIFEST, Stage, chunk_name

NOTE = "stages.txt"
"""In a run's folder: the stages that it asked for, a name a line."""
RUNS = ".runs"
"""In a ledger: the folders of the runs that have used it, one a line."""
RESULTS = "results.json"
NAMED = re.compile(rf"(.+)-([0-9a-f]{{{KEY_LENGTH}}})")


@dataclass(frozen=True, slots=True)
class Stored:
    """A stage's folder."""

    folder: Path

    @property
    def name(self) -> str:
        """Of the folder, such as `sample-1f0c...`."""
        return self.folder.name

    @property
    def stage(self) -> Stage:
        """As runs know it, but for its settings."""
        name, _, key = self.folder.name.rpartition("-")
        return Stage(name, key, self.folder, {})

    @property
    def manifest(self) -> Mapping[str, Any]:
        """What is written of it; empty where it is not done."""
        return self.stage.manifest() if self.stage.done else {}

    @property
    def size(self) -> int:
        """The bytes of all its files."""
        return sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file())

    @property
    def written(self) -> float:
        """When it was done, else when it was last worked on, in seconds as files' times are."""
        marks = [path for path in (self.folder / MANIFEST,) if path.is_file()] or [self.folder, *self.folder.iterdir()]
        return max(path.stat().st_mtime for path in marks)

    def damaged(self) -> list[Path]:
        """Those of its files that differ from what was written, or are gone; of an unfinished stage, its whole chunks alone."""
        stage = self.stage
        if stage.done:
            numbers = stage.damaged() if "chunks" in stage.manifest() else []
            return [self.folder / chunk_name(number) for number in numbers]
        torn = [self.folder / MANIFEST] if (self.folder / MANIFEST).exists() else []
        return [*torn, *(path for path in sorted(self.folder.glob("chunk-*.jsonl")) if not stage.kept(path))]


def stored_stages(root: Path) -> list[Stored]:
    """The stages of a ledger, by name."""
    return [Stored(path) for path in sorted(root.iterdir()) if path.is_dir() and NAMED.fullmatch(path.name)]


def noting(run: Path, root: Path) -> Callable[[str], None]:
    """Begin a run's note, and name the run in its ledger; returns what adds a stage to the note.

    What an earlier run of the folder needed stays in it until this one ends.
    """
    atomic_write(run / NOTE, _lines(noted(run)))
    if run.absolute() not in runs_of(root):
        root.mkdir(parents=True, exist_ok=True)
        _add_line(root / RUNS, str(run.absolute()))
    return adding(run)


def adding(run: Path) -> Callable[[str], None]:
    """What adds a stage to the note of a run that has begun one, also beside others that add to it."""
    names = set(noted(run))

    def note(name: str) -> None:
        if name not in names:
            names.add(name)
            _add_line(run / NOTE, name)

    return note


def runs_of(root: Path) -> list[Path]:
    """The folders of the runs that have used a ledger, also of those that were deleted since."""
    path = root / RUNS
    return list(dict.fromkeys(map(Path, path.read_text(errors="replace").splitlines()))) if path.is_file() else []


def end_note(run: Path, names: Iterable[str]) -> None:
    """Write what a run that is done needs, and nothing more."""
    atomic_write(run / NOTE, _lines(names))


def noted(run: Path) -> list[str]:
    """The stages that a run's note names; none where it has none."""
    path = run / NOTE
    return path.read_text(errors="replace").split() if path.is_file() else []


def needs(run: Path) -> set[str]:
    """The stages that a run needs, by its note and its results."""
    try:
        results = json.loads((run / RESULTS).read_bytes())
        return {*noted(run), *results["ledger"]["stages"]}
    except (OSError, ValueError, KeyError, TypeError):
        return set(noted(run))


def needed_by(runs: Iterable[Path]) -> Mapping[str, list[Path]]:
    """A stage's name -> the runs that need it."""
    found: dict[str, list[Path]] = defaultdict(list)
    for run in runs:
        for name in needs(run):
            found[name].append(run)
    return found


def unneeded(stages: Iterable[Stored], runs: Iterable[Path]) -> Iterator[Stored]:
    """The stages that no run needs. A run of which nothing is known may need all that was written since it began."""
    runs = list(runs)
    known = needed_by(runs)
    unknown = [run / ".hydra/config.yaml" for run in runs if not any((run / name).exists() for name in (NOTE, RESULTS))]
    since = min((path.stat().st_mtime for path in unknown if path.is_file()), default=float("inf"))
    return (stage for stage in stages if stage.name not in known and stage.written < since)


def remove_stage(stored: Stored, runs: Iterable[Path]) -> bool:
    """Remove a stage, unless a process holds it, or a run has asked for it meanwhile; whether it was removed."""
    with if_free(stored.folder / ".lock") as free:
        if not free or any(stored.name in noted(run) for run in runs):
            return False
        away = stored.folder.with_name(f".{stored.name}.tmp")  # at once: nobody finds it in part
        shutil.rmtree(away, ignore_errors=True)
        stored.folder.rename(away)
    shutil.rmtree(away)
    return True


def _add_line(path: Path, line: str) -> None:
    """Add a line at a file's end; one that a full disk tore before is ended first."""
    with told_of_space(path), path.open("a+b") as file:
        file.seek(max(0, file.tell() - 1))
        torn = file.read() not in (b"", b"\n")
        file.write(b"\n" * torn + f"{line}\n".encode())


def _lines(names: Iterable[str]) -> bytes:
    return "".join(f"{name}\n" for name in names).encode()
