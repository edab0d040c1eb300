"""A stage that lies in a cache and in a store: what one has and the other lacks is brought, or put.

`files.json` is one object and one writer's, so that chunks of two writers, which may close at different inputs, are never read
as one stage's. It was written by others: it names files that a stage has, and no other place.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import count, takewhile
from pathlib import Path
from typing import Annotated

import msgspec

from mmst.ledger.files import atomic_write
from mmst.ledger.leases import Lease, Timing, leased
from mmst.ledger.stage import MANIFEST, SECONDS, Stage, chunk_name
from mmst.ledger.store import Store

log = logging.getLogger(__name__)

FILES = "files.json"
PART = r"[^./\\\x00-\x1f][^/\\\x00-\x1f]*"
FILE = re.compile(
    rf"chunk-\d{{5,}}\.jsonl|record\.json|seconds\.json|work/(?:step-\d{{7,}}|best)\.ckpt|checkpoint(?:/{PART}){{1,3}}"
)
"""The files of a stage that are put into a store, and had from one. What else it may hold is left alone."""
LATEST, BEST, STEP = "latest", "best.ckpt", re.compile(r"step-\d{7,}\.ckpt")
"""What a training leaves in its folder to go on from; see `mmst.training.saving`."""


class File(msgspec.Struct, frozen=True):
    """A file as it was put."""

    size: int
    digest: str
    inputs: int | None = None
    """Of a chunk: how many inputs it was made of."""


Files = dict[str, File]


class Copy:
    """What a store has of a stage, beside what the cache has. `stage`: as a folder knows it, without a store."""

    def __init__(self, stage: Stage, store: Store) -> None:
        self.stage, self._store = stage, store
        self.done = False
        """Whether it is done in the store, as far as is known here."""
        self.absent: set[str] = set()
        """What the store says that it has, and has not."""
        self._files: Files = {}
        self._lease: Lease | None = None

    @property
    def same(self) -> bool:
        """Whether it is done here and there."""
        return self.done and self.stage.done

    @property
    def size(self) -> int:
        """The bytes that the store has of it, as far as is known here."""
        return sum(file.size for file in self._files.values())

    @contextmanager
    def held(self, cache: str, timing: Timing) -> Iterator[None]:
        """Hold the stage against other machines while the block runs, with all in the cache that these have put."""
        lease = Lease(self._store, self.stage.folder.name, cache, timing)
        with leased(lease):
            self._lease = lease
            try:
                self.bring()
                self.put_all()
                yield
            finally:
                self._lease = None

    def look(self) -> bytes | None:
        """Read what the store says that it has; the manifest, where the stage is done there."""
        manifest = self._store.read(self._at(MANIFEST))
        if manifest is not None and not _is_manifest(manifest, self.stage.key):
            log.warning("ledger: %s/%s is damaged; what it says is found out anew", self._store.url, self._at(MANIFEST))
            manifest = None
        self._files, self.done, self.absent = self._listed(), manifest is not None, set()
        return manifest

    def bring(self) -> int | None:
        """Make the cache hold what the store does; the first chunk that differed, and went; None where none did."""
        manifest = self.look()
        if not self._files and not self.done:
            return None
        chunks = self._chunks()
        differs = self._cut([told.digest for told in chunks])
        for number, told in enumerate(chunks):
            if told.inputs and self.stage.noted(number) != (told.digest, told.inputs):
                self.stage.note(number, told.digest, told.inputs)
        for name in self._files:
            if not name.startswith("work/"):
                self._have(name)
        if manifest is None:
            self._have_saved()
        elif not self.stage.done or (self.stage.folder / MANIFEST).read_bytes() != manifest:
            atomic_write(self.stage.folder / MANIFEST, manifest)
        return differs

    def put(self, names: Iterable[str], inputs: Mapping[str, int], without: Iterable[str] = ()) -> None:
        """Put files of the cache, and say so. inputs: of chunks. without: what is no more, and is removed."""
        if self._lease is not None:
            self._lease.check()
        files = {name: file for name, file in self._files.items() if name not in set(without)}
        for name in names:
            while True:
                path = self.stage.folder / name
                before = path.stat()
                file = File(before.st_size, _digest(path), inputs.get(name))
                if files.get(name) == file and name not in self.absent:
                    break
                self._store.put(self._at(name), path)
                if (now := path.stat()).st_ino == before.st_ino and now.st_mtime_ns == before.st_mtime_ns:
                    files[name] = file
                    self.absent.discard(name)
                    break
        if files != self._files:
            gone = self._files.keys() - files.keys()
            self._files = files
            self._store.write(self._at(FILES), msgspec.json.encode(files))
            for name in gone:
                self._store.remove(self._at(name))

    def put_all(self) -> None:
        """Put what the store lacks of what is here; of a stage that is done the manifest last."""
        inputs = {chunk_name(number): size for number, size in enumerate(self.stage.sizes())}
        if not self.stage.done:
            self.put(takewhile(self._is_kept, inputs), inputs)
            self.put_saved()
        elif not self.done:
            folder = self.stage.folder
            names = [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if path.is_file()]
            names = [name for name in names if FILE.fullmatch(name) and not name.startswith("work/")]
            self.put(names, inputs)
            self._store.write(self._at(MANIFEST), (folder / MANIFEST).read_bytes())
            self.done = True
            self.put([], {}, self._files.keys() - set(names))

    def put_saved(self) -> None:
        """Put the newest step that a training has saved, where that is a file: others would have to be unpickled."""
        work = self.stage.folder / "work"
        newest = _newest(work)
        name = f"work/{newest}"
        if newest is None or name in self._files or not (work / newest).is_file():
            return
        older = [old for old in self._files if old.startswith("work/step-")]
        with suppress(FileNotFoundError):  # a training removes older steps as it goes
            self.put([name, *([f"work/{BEST}"] if (work / BEST).is_file() else [])], {}, older)

    def forget(self, numbers: Iterable[int]) -> None:
        """Take the mark that it is done from the store, and these chunks; that they closed where they did stays."""
        if self.done:
            self._store.remove(self._at(MANIFEST))
        self.done = False
        for name in map(chunk_name, numbers):
            self._store.remove(self._at(name))
            self.absent.add(name)

    def cut(self, number: int) -> None:
        """Remove all from a chunk on."""
        beyond = [name for name in self._files if name.startswith("chunk-") and name >= chunk_name(number)]
        self.put([], {}, beyond)

    def _at(self, name: str) -> str:
        return f"{self.stage.folder.name}/{name}"

    def _listed(self) -> Files:
        content = self._store.read(self._at(FILES))
        try:
            found = {} if content is None else msgspec.json.decode(content, type=Files)
        except (msgspec.DecodeError, msgspec.ValidationError):
            found = {"": File(0, "")}
        if all(FILE.fullmatch(name) for name in found):
            return found
        log.warning("ledger: %s/%s is none that mmst wrote; nothing is taken from it", self._store.url, self._at(FILES))
        return {}

    def _chunks(self) -> list[File]:
        names = takewhile(self._files.__contains__, map(chunk_name, count()))
        return [self._files[name] for name in names]

    def _cut(self, theirs: Sequence[str]) -> int | None:
        """Remove the first chunk here that is not the store's, and all after it; which that was."""
        if self.stage.done:
            ours = [digest for _, digest in sorted(self.stage.manifest().get("chunks", {}).items())]
        else:
            ours = list(takewhile(bool, (self.stage.noted(number)[0] for number in count())))
        pairs = enumerate(zip(ours, theirs, strict=False))
        beyond = len(theirs) if self.done and len(ours) > len(theirs) else None
        first = next((number for number, (our, their) in pairs if our != their), beyond)
        if first is not None:
            self.stage.cut(first)
        return first

    def _have(self, name: str) -> bool:
        """Have a file here that the store has."""
        path, told = self.stage.folder / name, self._files[name]
        if path.is_file() and (name == SECONDS or (path.stat().st_size == told.size and _digest(path) == told.digest)):
            return True
        if self._store.get(self._at(name), path, told.size, told.digest):
            return True
        self.absent.add(name)
        return False

    def _have_saved(self) -> None:
        """Have the newest step of a training that another machine saved, where none here is as new."""
        steps = [name.removeprefix("work/") for name in self._files if name.startswith("work/step-")]
        theirs, ours = max(steps, key=_order, default=None), _newest(work := self.stage.folder / "work")
        if theirs is None or (ours is not None and _order(ours) >= _order(theirs)):
            return
        if all(self._have(f"work/{name}") for name in (theirs, BEST) if f"work/{name}" in self._files):
            atomic_write(work / LATEST, theirs.encode())

    def _is_kept(self, name: str) -> bool:
        return self.stage.kept(self.stage.folder / name)


def _is_manifest(content: bytes, key: str) -> bool:
    """Whether it is one of this key, of chunks that are called as chunks are."""
    try:
        found = msgspec.json.decode(content, type=_Manifest)
    except (msgspec.DecodeError, msgspec.ValidationError):
        return False
    chunks = found.chunks or {}
    sizes = len(chunks) if found.inputs is None else len(found.inputs)
    return found.key == key and sizes == len(chunks) and all(chunk_name(number) in chunks for number in range(len(chunks)))


class _Manifest(msgspec.Struct):
    key: str
    rows: int | None = None
    chunks: dict[str, str] | None = None
    inputs: list[Annotated[int, msgspec.Meta(gt=0)]] | None = None
    checkpoint: str | None = None


def _newest(work: Path) -> str | None:
    """The newest step that a training has saved here."""
    try:
        name = (work / LATEST).read_text(errors="replace")
    except OSError:
        return None
    return name if STEP.fullmatch(name) and (work / name).exists() else None


def _order(step: str) -> tuple[int, str]:
    return len(step), step


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
