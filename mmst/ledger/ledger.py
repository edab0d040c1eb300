"""The ledger: what every stage of every run put out, under a key of all that determines it.

    LEDGER/sample-1f0c.../chunk-00000.jsonl   rows, one JSON object a line
                         chunk-00000.sha256   its hash and the number of its inputs, written before it: a chunk that
                                              differs is computed anew
                         manifest.json        settings, counts, hashes, where chunks closed; there means done
                         seconds.json         what it took (the one file that differs between two equal runs)

A stage that is found done is reused, also by another run or another job of a sweep. One that is found half done goes on at
its first missing chunk. What was damaged since is computed anew, with a warning. Two processes that need the same stage take
turns.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from mmst.ledger.behind import Behind, Share
from mmst.ledger.chunking import Chunking, Pace
from mmst.ledger.files import remove_torn
from mmst.ledger.locks import run_folder as run_folder
from mmst.ledger.locks import turn
from mmst.ledger.progress import Progress, Silent, Task
from mmst.ledger.spec import key_of, plain
from mmst.ledger.stage import MANIFEST as MANIFEST
from mmst.ledger.stage import Stage as Stage
from mmst.ledger.stage import chunk_name, content_key, decoded, digest_of, encoded

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Work:
    """One stage of a chain: what it is called, what determines its rows, and how rows come of a chunk of its inputs."""

    name: str
    spec: object
    """A frozen dataclass; see `mmst.ledger.spec`."""
    compute: Callable[[Sequence[Any], Task], Sequence[Any]]
    """May tell the task of rows as they are done; the rest is told after it."""
    row_type: type
    behind: bool = False
    """Whether it may compute a chunk in another thread while the chain's first stage is at the next chunk."""


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
        chunking: Chunking,
        title: str,
        units: int = 1,
        tally: Tally | None = None,
        redo: Callable[[Any], bool] | None = None,
    ) -> Stage:
        """Send inputs through one stage after another, a chunk of them at a time; returns the last stage, done.

        Chunks that are there are kept, and close where they did; the others close where `chunking` says. `units`: rows of the
        last stage for each input, as the progress bar counts. `tally` sees the last stage's rows.
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
            pace, of_task = Pace(chunking, units), threading.Lock()
            with (
                self.progress.task(title, len(inputs) * units) as task,
                Behind(len(works) > 1 and all(work.behind for work in works[1:])) as behind,
            ):
                for part in _parts(inputs, lines, pace):
                    chunk = _Chunk(part, lines, Share(task, of_task), pace)
                    chunk.begin()
                    behind.do(partial(chunk.end, len(part) * units, tally))
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
        """Forget the chunks that were damaged since a stage was done, in that stage and in those after it.

        A stage whose chunks closed elsewhere than those of its inputs do by now, since these were removed, begins anew.
        """
        stages = [self._stage(work.name, work.spec) for work in works]
        for place, stage in enumerate(stages):
            if stage.done and (numbers := stage.damaged()):
                log.warning("ledger: %d chunks of %s are damaged or gone; they are computed anew", len(numbers), stage.folder)
                self._drop(stages[place:], numbers)
        sizes = stages[0].sizes()
        for stage in stages[1:]:
            if stage.done and any(ours != theirs for ours, theirs in zip(stage.sizes(), sizes, strict=False)):
                with turn(stage.folder / ".lock"):
                    stage.cut(0)

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
        numbers = [n for n, content in enumerate(last.chunks()) if any(redo(row) for row in decoded(content, row_type))]
        if not numbers:
            return
        log.info("%s: %d chunks are computed anew", last.folder.name, len(numbers))
        self._drop(stages, numbers)

    def _stage(self, name: str, spec: object) -> Stage:
        key = key_of(spec)
        return Stage(name, key, self.root / f"{name}-{key}", plain(spec))


def _parts(inputs: Sequence[Any], lines: Sequence[_Line], pace: Pace) -> Iterator[Sequence[Any]]:
    """The inputs, chunk by chunk: as they closed where one of the stages has them, else as fast as the work is."""
    start = 0
    while start < len(inputs):
        part = inputs[start : start + (_closed(lines) or pace.size)]
        yield part
        start += len(part)


def _closed(lines: Sequence[_Line]) -> int | None:
    """How many inputs the next chunk was made of, where one of the stages has it."""
    return next((size for line in lines if (size := line.closed())), None)


class _Chunk:
    """A chunk on its way through the stages: the first of them, then the others."""

    def __init__(self, part: Sequence[Any], lines: Sequence[_Line], share: Share, pace: Pace) -> None:
        self.share, self.pace, self.size, self.seconds = share, pace, len(part), 0.0
        self.paced = _closed(lines) is None
        self.steps = [line.step(len(part)) for line in lines]
        self.rows: Callable[[], Sequence[Any]] = partial(_itself, part)

    def begin(self) -> None:
        """Through the first stage."""
        self._advance(self.steps[:1])

    def end(self, goal: int, tally: Tally | None) -> None:
        """Through the others. goal: rows that are then told of."""
        self._advance(self.steps[1:])
        if tally:
            tally.add(self.rows())
            self.share.note(tally.remark())
        rest = goal - self.share.done
        self.share.found(rest) if self.steps[-1].content is not None else self.share.advance(rest)
        if self.paced:
            self.pace.took(self.size, self.seconds)

    def _advance(self, steps: Sequence[_Step]) -> None:
        begun = self.pace.clock()
        for step in steps:
            self.rows = step.advance(self.rows, self.share)
        self.seconds += self.pace.clock() - begun


@dataclass(frozen=True, slots=True)
class _Step:
    """A chunk at one stage."""

    line: _Line
    number: int
    size: int
    """Of the chain's inputs."""
    content: bytes | None
    """What was found; None: it is to be computed."""

    def advance(self, inputs: Callable[[], Sequence[Any]], task: Task) -> Callable[[], Sequence[Any]]:
        """Compute the chunk where it was not found; returns how to have its rows."""
        line, content = self.line, self.content
        if content is not None:
            rows: Callable[[], Sequence[Any]] = partial(decoded, content, line.work.row_type)
        else:
            with line.stage.timed():
                made = line.work.compute(inputs(), task)
                content = encoded(made)
                line.stage.keep(self.number, content, self.size)
            rows = partial(_itself, made)
        line.add(self.number, content)
        return rows


class _Line:
    """One stage of a chain at work."""

    def __init__(self, work: Work, stage: Stage) -> None:
        self.work, self.stage = work, stage
        manifest = stage.manifest() if stage.done else {}
        self.known: Mapping[str, str] | None = manifest.get("chunks")
        self.known_sizes: Sequence[int] | None = manifest.get("inputs")
        self.digests: dict[str, str] = {}
        self.sizes: list[int] = []
        self.all_rows = hashlib.sha256()
        self.count = 0

    def closed(self) -> int | None:
        """How many inputs the next chunk was made of, where it was."""
        return self.stage.closed(len(self.sizes), self.known_sizes)

    def step(self, size: int) -> _Step:
        """The next chunk, of `size` of the chain's inputs."""
        number = len(self.sizes)
        if self.closed() != size:
            self.stage.cut(number)
            self.known = self.known_sizes = None
        self.sizes.append(size)
        return _Step(self, number, size, self.stage.chunk(number, self.known))

    def add(self, number: int, content: bytes) -> None:
        """A chunk is there; they come in order."""
        self.digests[chunk_name(number)] = digest_of(content)
        self.all_rows.update(content)
        self.count += content.count(b"\n")

    def finish(self, facts: Mapping[str, Any]) -> None:
        if not self.stage.done:
            self.stage.cut(len(self.sizes))
            told = {"rows": self.count, "content": content_key(self.all_rows), "chunks": self.digests, "inputs": self.sizes}
            self.stage.finish({**told, **facts})


def _itself(rows: Sequence[Any]) -> Sequence[Any]:
    return rows
