"""One stage's folder: the files of its chunks, what is known of them, and the manifest that says that it is done."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count, takewhile
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from mmst.errors import DataError
from mmst.ledger.files import atomic_write
from mmst.ledger.spec import KEY_LENGTH

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
            yield from decoded(content, row_type)

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
            if content is None or digests.get(path.name) != digest_of(content):
                raise self._damaged(path.name)
        elif content is not None and self.noted(number)[0] != digest_of(content):
            log.warning("ledger: %s differs from what was written; it is computed anew", path)
            content = None
        return content

    def keep(self, number: int, content: bytes, inputs: int) -> None:
        """Write a chunk, made of so many inputs; this and its hash first, so that none is ever there without."""
        self.note(number, digest_of(content), inputs)
        atomic_write(self.folder / chunk_name(number), content)

    def closed(self, number: int, sizes: Sequence[int] | None) -> int | None:
        """How many inputs a chunk was made of; None where nobody wrote it. sizes: of all, where the stage is done."""
        if sizes is not None:
            return sizes[number] if number < len(sizes) else None
        return self.noted(number)[1]

    def sizes(self) -> list[int]:
        """How many inputs each chunk was made of, up to the first of which nobody wrote it."""
        known = (self._written() or {}).get("inputs")
        sizes = (self.closed(number, known) for number in count())
        return [size for size in takewhile(bool, sizes) if size]

    def damaged(self) -> list[int]:
        """The chunks of a stage that is done which are gone, or differ from what was written."""
        digests = self.manifest()["chunks"]
        return [n for n, (name, digest) in enumerate(sorted(digests.items())) if not _is(self.folder / name, digest)]

    def kept(self, chunk: Path) -> bool:
        """Whether a chunk's file is what the hash beside it says."""
        return chunk.exists() and _said_beside(chunk)[0] == digest_of(chunk.read_bytes())

    def noted(self, number: int) -> tuple[str, int | None]:
        """A chunk's hash and the number of its inputs, as written beside it."""
        return _said_beside(self.folder / chunk_name(number))

    def note(self, number: int, digest: str, inputs: int) -> None:
        """Write a chunk's hash and the number of its inputs beside it."""
        atomic_write(self.folder / chunk_name(number, ".sha256"), f"{digest} {inputs}\n".encode())

    @property
    def content(self) -> str:
        """A short hash of the rows in their order, wherever chunks closed.

        A later stage's key holds it, since rows may be computed anew under the same settings.
        """
        if isinstance(written := self.manifest().get("content"), str):
            return written
        rows = hashlib.sha256()
        for content in self.chunks():
            rows.update(content)
        return content_key(rows)

    def forget(self, numbers: Iterable[int]) -> None:
        """Remove chunks, and the mark that the stage is done; what stays is known by its hashes, and closes where it did.

        Of a stage of which nobody wrote where its chunks closed, nothing stays.
        """
        written = self._written() or {}
        (sizes, digests) = written.get("inputs", []), sorted(written.get("chunks", {}).items())
        for number, ((_, digest), inputs) in enumerate(zip(digests, sizes, strict=False)):
            self.note(number, digest, inputs)
        (self.folder / MANIFEST).unlink(missing_ok=True)
        for number in numbers:
            (self.folder / chunk_name(number)).unlink(missing_ok=True)

    def cut(self, number: int) -> None:
        """Remove all from a chunk on, and that it closed where it did: it is not of the inputs that are there."""
        self.forget(())
        for path in self.folder.glob("chunk-*"):
            if path.stem >= chunk_name(number, ""):
                path.unlink(missing_ok=True)

    def _damaged(self, name: str) -> DataError:
        return DataError(f"ledger: {self.folder / name} is damaged; run the command again, which computes it anew.")

    def finish(self, facts: Mapping[str, Any]) -> None:
        """Mark the stage as done."""
        manifest = {"stage": self.name, "key": self.key, "settings": self.settings, **facts}
        atomic_write(self.folder / MANIFEST, json.dumps(manifest, indent=1, sort_keys=True).encode() + b"\n")

    @contextmanager
    def followed(self) -> Iterator[None]:
        """While the block trains, keep what it saves to go on from, where a ledger lies elsewhere too."""
        yield

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Add the block's wall-clock time to the stage's seconds."""
        start = time.perf_counter()
        try:
            yield
        finally:
            total = self.seconds + time.perf_counter() - start
            atomic_write(self.folder / SECONDS, f"{total:.2f}\n".encode())


def chunk_name(number: int, kind: str = ".jsonl") -> str:
    """The file of a stage's chunk, counted from 0."""
    return f"chunk-{number:05d}{kind}"


def encoded(rows: Iterable[object]) -> bytes:
    """Rows as a chunk's file holds them: one JSON object a line."""
    return msgspec.json.Encoder().encode_lines(rows)


def decoded(content: bytes, row_type: type[Row]) -> list[Row]:
    """The rows of a chunk's file."""
    return msgspec.json.Decoder(row_type).decode_lines(content)


def digest_of(content: bytes) -> str:
    """What a chunk's file is known by."""
    return hashlib.sha256(content).hexdigest()


def content_key(rows: hashlib._Hash) -> str:
    """What a stage's rows are known by, of the hash of all of their lines."""
    return rows.hexdigest()[:KEY_LENGTH]


def _said_beside(chunk: Path) -> tuple[str, int | None]:
    """A chunk's hash and the number of its inputs, as written beside its file; empty and None where that is not readable."""
    path = chunk.with_suffix(".sha256")
    digest, _, inputs = (path.read_text(errors="replace") if path.exists() else "").strip().partition(" ")
    return digest, int(inputs) if inputs.isdecimal() and int(inputs) else None


def done_stage(root: Path, folder: str) -> Stage | None:
    """A stage of a ledger that is done, by its folder's name; None where it was deleted."""
    name, _, key = folder.rpartition("-")
    place = root / folder
    return Stage(name, key, place, {}) if (place / MANIFEST).is_file() else None


def _says_what(manifest: Mapping[str, Any]) -> bool:
    rows = isinstance(manifest.get("chunks"), dict) and isinstance(manifest.get("rows"), int)
    return rows or isinstance(manifest.get("checkpoint"), str)


def _is(path: Path, digest: str) -> bool:
    return path.exists() and digest_of(path.read_bytes()) == digest
