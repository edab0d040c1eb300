"""The ledger: what every stage of every run put out, under a key of all that determines it.

    LEDGER/sample-1f0c.../chunk-00000.jsonl   rows, one JSON object a line
                         manifest.json        settings, counts and hashes; there means done
                         seconds.json         what it took (the one file that differs between two equal runs)

A stage that is found done is reused, also by another run or another job of a sweep. One that is found half done goes on at
its first missing chunk. Two processes that need the same stage take turns.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from mmst.errors import DataError, RunInUseError
from mmst.ledger.files import atomic_write, remove_torn
from mmst.ledger.progress import Progress, Silent

log = logging.getLogger(__name__)

Row = TypeVar("Row")
MANIFEST = "manifest.json"
SECONDS = "seconds.json"
KEY_LENGTH = 16


def key_of(settings: Mapping[str, Any]) -> str:
    """A short hash of settings made of JSON's own types."""
    text = json.dumps(settings, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:KEY_LENGTH]


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of one run: a folder, and the key that names it."""

    name: str
    key: str
    folder: Path
    settings: Mapping[str, Any]

    @property
    def done(self) -> bool:
        """Whether it is complete."""
        return (self.folder / MANIFEST).exists()

    @property
    def seconds(self) -> float:
        """Seconds of work so far, over all processes that worked on it."""
        path = self.folder / SECONDS
        return float(json.loads(path.read_text())) if path.exists() else 0.0

    def manifest(self) -> dict[str, Any]:
        """What is written of the stage once it is done."""
        try:
            loaded: dict[str, Any] = json.loads((self.folder / MANIFEST).read_text())
        except ValueError as error:
            where = self.folder / MANIFEST
            raise DataError(f"ledger: {where} is damaged; delete the folder {self.folder} and run again.") from error
        return loaded

    def read(self, row_type: type[Row]) -> list[Row]:
        """All rows, in order.

        Raises:
            DataError: a chunk was changed or damaged since it was written.
        """
        rows: list[Row] = []
        for name, digest in self.manifest()["chunks"].items():
            content = (self.folder / name).read_bytes()
            if hashlib.sha256(content).hexdigest() != digest:
                raise DataError(f"ledger: {self.folder / name} is damaged; delete the folder {self.folder} and run again.")
            decoder = msgspec.json.Decoder(row_type)
            rows += [decoder.decode(line) for line in content.splitlines()]
        return rows

    def finish(self, facts: Mapping[str, Any]) -> None:
        """Mark the stage as done."""
        manifest = {"stage": self.name, "key": self.key, "settings": self.settings, **facts}
        atomic_write(self.folder / MANIFEST, json.dumps(manifest, indent=1, sort_keys=True).encode() + b"\n")

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Add the block's wall-clock time to the stage's seconds."""
        start = time.perf_counter()
        try:
            yield
        finally:
            total = self.seconds + time.perf_counter() - start
            atomic_write(self.folder / SECONDS, f"{total:.2f}\n".encode())


class Ledger:
    """The stages under one folder, which runs and sweeps share."""

    def __init__(self, root: Path, progress: Progress | None = None) -> None:
        self.root = root.absolute()
        self.progress: Progress = progress or Silent()
        self.used: list[Stage] = []
        """The stages that this run asked for, in order: its ancestry."""

    @contextmanager
    def stage(self, name: str, settings: Mapping[str, Any]) -> Iterator[Stage]:
        """The stage of these settings, held against other processes while the block runs."""
        stage = Stage(name, key_of(settings), self.root / f"{name}-{key_of(settings)}", settings)
        if stage not in self.used:
            self.used.append(stage)
        if stage.done:
            log.debug("%s: found done", stage.folder.name)
            yield stage
            return
        stage.folder.mkdir(parents=True, exist_ok=True)
        with _turn(stage.folder / ".lock"):
            remove_torn(stage.folder)
            yield stage

    def chunks(
        self,
        name: str,
        settings: Mapping[str, Any],
        total: int,
        chunk: int,
        compute: Callable[[slice], list[Any]],
        title: str,
        note: Callable[[list[Any]], str] | None = None,
    ) -> Stage:
        """Compute a stage of `total` inputs in chunks of `chunk`; `compute` maps a slice of the inputs to rows.

        Chunks that are there are kept. `note` turns a chunk's rows into a word beside the progress bar.
        """
        with self.stage(name, settings) as stage:
            if stage.done:
                return stage
            slices = [slice(start, min(start + chunk, total)) for start in range(0, total, chunk)]
            digests: dict[str, str] = {}
            rows = 0
            with self.progress.task(title, total) as task:
                for number, part in enumerate(slices):
                    path = stage.folder / f"chunk-{number:05d}.jsonl"
                    content = path.read_bytes() if path.exists() else None
                    if content is None:
                        with stage.timed():
                            computed = compute(part)
                            content = b"".join(msgspec.json.encode(row) + b"\n" for row in computed)
                            atomic_write(path, content)
                        remark = note(computed) if note else ""
                    else:
                        remark = "found"
                    digests[path.name] = hashlib.sha256(content).hexdigest()
                    rows += content.count(b"\n")
                    task.advance(part.stop - part.start, remark)
            stage.finish({"rows": rows, "chunks": digests})
        return stage


@contextmanager
def run_folder(path: Path) -> Iterator[Path]:
    """A run's folder, held against other processes while the block runs.

    Raises:
        RunInUseError: another process holds it.
    """
    path.mkdir(parents=True, exist_ok=True)
    with (path / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RunInUseError(
                f"run: {path} is in use by another process; wait for it to end, or give another folder by name=..."
            ) from error
        yield path


@contextmanager
def _turn(path: Path) -> Iterator[None]:
    """Hold a lock file, waiting for whoever holds it. The kernel releases it when its holder dies."""
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            log.info("%s is being computed by another process; waiting for it", path.parent.name)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
