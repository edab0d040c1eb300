"""The ledger: what every stage of every run put out, under a key of all that determines it.

    LEDGER/sample-1f0c.../chunk-00000.jsonl   rows, one JSON object a line
                         chunk-00000.sha256   its hash, written before it: a chunk that differs is computed anew
                         manifest.json        settings, counts and hashes; there means done
                         seconds.json         what it took (the one file that differs between two equal runs)

A stage that is found done is reused, also by another run or another job of a sweep. One that is found half done goes on at
its first missing chunk. What was damaged since is computed anew, with a warning. Two processes that need the same stage take
turns.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

import msgspec

from mmst.errors import DataError
from mmst.ledger.files import atomic_write, remove_torn
from mmst.ledger.locks import run_folder as run_folder
from mmst.ledger.locks import turn
from mmst.ledger.progress import Progress, Silent, Task
from mmst.ledger.spec import key_of, plain

log = logging.getLogger(__name__)

Row = TypeVar("Row")
MANIFEST = "manifest.json"
SECONDS = "seconds.json"


@dataclass(frozen=True)
class Stage:
    """One stage of one run: a folder, and the key that names it."""

    name: str
    key: str
    folder: Path
    settings: Mapping[str, Any]
    """Its spec, as JSON's own types."""

    @property
    def done(self) -> bool:
        """Whether it is complete; one whose manifest is damaged is not."""
        return self._written() is not None

    @property
    def seconds(self) -> float:
        """Seconds of work so far, over all processes that worked on it."""
        try:
            return float(json.loads((self.folder / SECONDS).read_text()))
        except (OSError, ValueError, TypeError):
            return 0.0

    def manifest(self) -> dict[str, Any]:
        """What is written of the stage once it is done."""
        if (written := self._written()) is None:
            raise self._damaged(MANIFEST)
        return written

    def _written(self) -> dict[str, Any] | None:
        """The manifest, where it is there and whole."""
        try:
            loaded = json.loads((self.folder / MANIFEST).read_bytes())
        except (OSError, ValueError):
            return None
        return loaded if isinstance(loaded, dict) and loaded.get("key") == self.key and _says_what(loaded) else None

    def rows(self, row_type: type[Row]) -> Iterator[Row]:
        """All rows, in order, a chunk in memory at a time.

        Raises:
            DataError: a chunk was changed, damaged or removed since it was written.
        """
        for content in self.chunks():
            yield from _decoded(content, row_type)

    def chunks(self) -> Iterator[bytes]:
        """What the chunks' files hold, in order. Raises as `rows`."""
        digests = self.manifest()["chunks"]
        for number in range(len(digests)):
            yield self.chunk(number, digests) or b""

    def chunk(self, number: int, digests: Mapping[str, str] | None) -> bytes | None:
        """What a chunk's file holds; None where it is not there yet, or damaged, and the stage is not done (`digests` None)."""
        path = self.folder / chunk_name(number)
        content = path.read_bytes() if path.exists() else None
        if digests is not None:
            if content is None or digests.get(path.name) != _digest(content):
                raise self._damaged(path.name)
        elif content is not None and not self.kept(path):
            log.warning("ledger: %s differs from what was written; it is computed anew", path)
            content = None
        return content

    def keep(self, number: int, content: bytes) -> None:
        """Write a chunk; its hash first, so that none is ever there without."""
        self._note(number, _digest(content))
        atomic_write(self.folder / chunk_name(number), content)

    def damaged(self) -> list[int]:
        """The chunks of a stage that is done which are gone, or differ from what was written."""
        digests = self.manifest()["chunks"]
        return [n for n, (name, digest) in enumerate(sorted(digests.items())) if not _is(self.folder / name, digest)]

    def kept(self, chunk: Path) -> bool:
        """Whether a chunk's file is what the hash beside it says."""
        beside = chunk.with_suffix(".sha256")
        return beside.exists() and _is(chunk, beside.read_text(errors="replace").strip())

    def _note(self, number: int, digest: str) -> None:
        atomic_write(self.folder / chunk_name(number, ".sha256"), f"{digest}\n".encode())

    @property
    def content(self) -> str:
        """A short hash of the rows: what a later stage's key holds, since rows may be computed anew under the same settings."""
        return key_of(self.manifest()["chunks"])

    def forget(self, numbers: Iterable[int]) -> None:
        """Remove chunks, and the mark that the stage is done; what stays is known by its hashes."""
        for number, (_, digest) in enumerate(sorted((self._written() or {}).get("chunks", {}).items())):
            self._note(number, digest)
        (self.folder / MANIFEST).unlink(missing_ok=True)
        for number in numbers:
            (self.folder / chunk_name(number)).unlink(missing_ok=True)

    def _damaged(self, name: str) -> DataError:
        return DataError(f"ledger: {self.folder / name} is damaged; run the command again, which computes it anew.")

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


@dataclass(frozen=True, slots=True)
class Work:
    """One stage of a chain: what it is called, what determines its rows, and how rows come of a chunk of its inputs."""

    name: str
    spec: object
    """A frozen dataclass; see `mmst.ledger.spec`."""
    compute: Callable[[Sequence[Any], Task], Sequence[Any]]
    """May tell the task of rows as they are done; the rest is told after it."""
    row_type: type


class Tally(Protocol):
    """Sees the rows of a chain's last stage as they come."""

    def add(self, rows: Sequence[Any]) -> None:
        """A chunk's rows."""

    def remark(self) -> str:
        """A word beside the progress bar about all rows so far."""

    def facts(self) -> Mapping[str, Any]:
        """What to write into the stage's manifest."""


class Ledger:
    """The stages under one folder, which runs and sweeps share."""

    def __init__(self, root: Path, progress: Progress | None = None, note: Callable[[str], None] = lambda name: None) -> None:
        self.root = root.expanduser().absolute()
        self.progress: Progress = progress or Silent()
        self._note = note
        self.used: list[Stage] = []
        """The stages that this run asked for, in order: its ancestry."""
        self.found: list[Stage] = []
        """Those of them that were done when this run first asked."""

    @contextmanager
    def stage(self, name: str, spec: object) -> Iterator[Stage]:
        """The stage of this spec, held against other processes while the block runs."""
        stage = self._stage(name, spec)
        if stage not in self.used:
            self.used.append(stage)
            self._note(stage.folder.name)
            if stage.done:
                self.found.append(stage)
        if stage.done:
            log.debug("%s: found done", stage.folder.name)
            yield stage
            return
        stage.folder.mkdir(parents=True, exist_ok=True)
        if (stage.folder / MANIFEST).exists():
            log.warning("ledger: %s is damaged; what it says is found out anew", stage.folder / MANIFEST)
        with turn(stage.folder / ".lock"):
            remove_torn(stage.folder)
            yield stage

    def chain(
        self,
        inputs: Sequence[Any],
        works: Sequence[Work],
        chunk: int,
        title: str,
        units: int = 1,
        tally: Tally | None = None,
        redo: Callable[[Any], bool] | None = None,
    ) -> Stage:
        """Send inputs through one stage after another, `chunk` of them at a time; returns the last stage, done.

        Chunks that are there are kept. `units`: rows on the progress bar for each input. `tally` sees the last stage's rows.
        Where `redo` holds for a row of the last stage, found done, its chunk is computed anew, through all stages.
        """
        self._mend(works)
        if redo:
            self._forget(works, redo)
        used = len(self.used)
        with ExitStack() as held:
            stages = [held.enter_context(self.stage(work.name, work.spec)) for work in works]
            if all(stage.done for stage in stages):
                if len(self.used) > used:
                    self.progress.found(title)
                return stages[-1]
            lines = [_Line(work, stage) for work, stage in zip(works, stages, strict=True)]
            with self.progress.task(title, len(inputs) * units) as task:
                for number, start in enumerate(range(0, len(inputs), chunk)):
                    part = inputs[start : start + chunk]
                    goal = task.done + len(part) * units
                    rows: Callable[[], Sequence[Any]] = partial(_itself, part)
                    for line in lines:
                        rows = line.advance(number, rows, task)
                    if tally:
                        tally.add(rows())
                        task.note(tally.remark())
                    task.advance(goal - task.done) if lines[-1].computed else task.found(goal - task.done)
            for line in lines:
                line.finish(tally.facts() if tally and line is lines[-1] else {})
            return stages[-1]

    def distrust(self, name: str, spec: object, sound: Callable[[Stage], bool]) -> None:
        """Take the mark that it is done from a stage which is not what was written of it."""
        stage = self._stage(name, spec)
        if stage.done and not sound(stage):
            log.warning("ledger: what %s holds differs from what was written; it is computed anew", stage.folder)
            with turn(stage.folder / ".lock"):
                stage.forget(())

    def _mend(self, works: Sequence[Work]) -> None:
        """Forget the chunks that were damaged since a stage was done, in that stage and in those after it."""
        stages = [self._stage(work.name, work.spec) for work in works]
        for place, stage in enumerate(stages):
            if stage.done and (numbers := stage.damaged()):
                log.warning("ledger: %d chunks of %s are damaged or gone; they are computed anew", len(numbers), stage.folder)
                self._drop(stages[place:], numbers)

    def _drop(self, stages: Sequence[Stage], numbers: Sequence[int]) -> None:
        with ExitStack() as held:
            for stage in stages:
                if stage.folder.exists():
                    held.enter_context(turn(stage.folder / ".lock"))
                    stage.forget(numbers)

    def _forget(self, works: Sequence[Work], redo: Callable[[Any], bool]) -> None:
        stages = [self._stage(work.name, work.spec) for work in works]
        last = stages[-1]
        if not last.done:
            return
        row_type: type[Any] = works[-1].row_type
        numbers = [n for n, content in enumerate(last.chunks()) if any(redo(row) for row in _decoded(content, row_type))]
        if not numbers:
            return
        log.info("%s: %d chunks are computed anew", last.folder.name, len(numbers))
        self._drop(stages, numbers)

    def _stage(self, name: str, spec: object) -> Stage:
        key = key_of(spec)
        return Stage(name, key, self.root / f"{name}-{key}", plain(spec))


class _Line:
    """One stage of a chain at work."""

    def __init__(self, work: Work, stage: Stage) -> None:
        self.work, self.stage = work, stage
        self.known = stage.manifest()["chunks"] if stage.done else None
        self.digests: dict[str, str] = {}
        self.count = 0
        self.computed = False
        """Whether the latest chunk was computed, not found."""

    def advance(self, number: int, inputs: Callable[[], Sequence[Any]], task: Task) -> Callable[[], Sequence[Any]]:
        """Compute or find a chunk; returns how to have its rows."""
        content = self.stage.chunk(number, self.known)
        self.computed = content is None
        if content is not None:
            rows: Callable[[], Sequence[Any]] = partial(_decoded, content, self.work.row_type)
        else:
            with self.stage.timed():
                made = self.work.compute(inputs(), task)
                content = b"".join(msgspec.json.encode(row) + b"\n" for row in made)
                self.stage.keep(number, content)
            rows = partial(_itself, made)
        self.digests[chunk_name(number)] = _digest(content)
        self.count += content.count(b"\n")
        return rows

    def finish(self, facts: Mapping[str, Any]) -> None:
        if not self.stage.done:
            self.stage.finish({"rows": self.count, "chunks": self.digests, **facts})


def chunk_name(number: int, kind: str = ".jsonl") -> str:
    """The file of a stage's chunk, counted from 0."""
    return f"chunk-{number:05d}{kind}"


def _says_what(manifest: Mapping[str, Any]) -> bool:
    rows = isinstance(manifest.get("chunks"), dict) and isinstance(manifest.get("rows"), int)
    return rows or isinstance(manifest.get("checkpoint"), str)


def _decoded(content: bytes, row_type: type[Row]) -> list[Row]:
    decoder = msgspec.json.Decoder(row_type)
    return [decoder.decode(line) for line in content.splitlines()]


def _itself(rows: Sequence[Any]) -> Sequence[Any]:
    return rows


def _is(path: Path, digest: str) -> bool:
    return path.exists() and _digest(path.read_bytes()) == digest


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
