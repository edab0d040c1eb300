"""Objects below a URL, by any file system that fsspec knows: object stores, SFTP, a folder of another machine.

An object is there whole or not at all: object stores put it so, and elsewhere it is written under another name and moved.
What is read was written by others: it is held against its size and hash, and never unpickled.
"""

from __future__ import annotations

import hashlib
import logging
import re
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from mmst.errors import ConfigError, UserError, first_line
from mmst.ledger.files import atomic_path
from mmst.ledger.repeating import WAITS, lasting, repeated

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

log = logging.getLogger(__name__)

Found = TypeVar("Found")
URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
WHOLE = {"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "oss", "oci", "memory"}
"""Protocols by which an object that is put is there whole or not at all, and which have no folders to make."""
EXCLUSIVE = {"file", "local"}
"""Protocols whose exclusive creation was seen to be exclusive. S3's depends on the versions of its client and of its server."""
BLOCK = 8 << 20
MOST = 256 << 20
"""Bytes of an object that is read into memory, at most."""


class _DiffersError(Exception):
    """What was read is not what it was said to be."""


@dataclass(frozen=True)
class Store:
    """A folder at a URL."""

    fs: AbstractFileSystem
    root: str
    url: str
    kept: str
    """Where what is computed stays while the store cannot be had, for messages."""
    waits: Sequence[float] = WAITS
    """Seconds before each further try of what failed."""

    @property
    def exclusive(self) -> bool:
        """Whether of two who create an object at once one surely fails."""
        return bool(EXCLUSIVE & _protocols(self.fs))

    def check(self) -> None:
        """Ask once for the folder, before any work.

        Raises:
            UserError: the store cannot be had. All methods raise so.
        """
        replace(self, waits=self.waits[:2]).folders()

    def read(self, name: str) -> bytes | None:
        """What an object holds; None where there is none."""

        def act() -> bytes:
            with self.fs.open(self._at(name), "rb") as file:
                content: bytes = file.read(MOST + 1)
            return content

        try:
            content = self._tried(act)
        except FileNotFoundError:
            return None
        if len(content) > MOST:
            raise UserError(f"ledger: {self.url}/{name} is larger than {MOST >> 20} MiB, so it is none of mmst's; delete it.")
        return content

    def write(self, name: str, content: bytes) -> None:
        """Make an object, or replace it."""
        self._put(name, lambda place: self.fs.pipe_file(place, content))

    def create(self, name: str, content: bytes) -> None:
        """Make an object if there is none; where the store cannot tell, replace it. Who asks reads what is there then."""

        def act() -> None:
            self._make_folder(name)
            try:
                with self.fs.open(self._at(name), "xb") as file:
                    file.write(content)
            except FileExistsError:
                pass
            except (ValueError, NotImplementedError):
                self.fs.pipe_file(self._at(name), content)

        self._written(act)

    def put(self, name: str, path: Path) -> None:
        """Make an object of a local file, or replace it.

        Raises:
            FileNotFoundError: there is no such file any more.
        """
        self._put(name, lambda place: self.fs.put_file(str(path), place), path)

    def get(self, name: str, path: Path, size: int, digest: str) -> bool:
        """Make a local file of an object; False where it is gone, or is not of that size and hash, with a warning."""

        def act() -> str | None:
            hashed, left = hashlib.sha256(), size
            with suppress(_DiffersError), atomic_path(path) as work:
                with self.fs.open(self._at(name), "rb") as source, work.open("wb") as target:
                    while left >= 0 and (block := source.read(min(BLOCK, left + 1))):
                        left -= len(block)
                        hashed.update(block)
                        target.write(block)
                if left or hashed.hexdigest() != digest:
                    raise _DiffersError
                return None
            return "differs from what was written"

        try:
            wrong = self._tried(act)
        except FileNotFoundError:
            wrong = "is gone"
        if wrong:
            log.warning("ledger: %s/%s %s; it is computed anew", self.url, name, wrong)
        return not wrong

    def remove(self, name: str) -> None:
        """Remove an object, if it is there."""
        with suppress(FileNotFoundError):
            self._tried(lambda: self.fs.rm_file(self._at(name)))

    def folders(self) -> list[str]:
        """The names right below the URL; none where nothing was put there."""
        try:
            found = self._tried(lambda: self.fs.ls(self.root, detail=False))
        except FileNotFoundError:
            return []
        return sorted(str(name).rstrip("/").rpartition("/")[2] for name in found)

    def _at(self, name: str) -> str:
        return f"{self.root}/{name}"

    def _put(self, name: str, write: Callable[[str], Any], path: Path | None = None) -> None:
        def act() -> None:
            if WHOLE & _protocols(self.fs):
                write(self._at(name))
                return
            self._make_folder(name)
            folder, _, last = self._at(name).rpartition("/")
            work = f"{folder}/.{last}.{uuid.uuid4().hex}.tmp"
            write(work)
            self.fs.mv(work, self._at(name))

        self._written(act, path)

    def _make_folder(self, name: str) -> None:
        if not WHOLE & _protocols(self.fs):  # where there are none, s3fs would make a bucket
            self.fs.makedirs(self._at(name).rpartition("/")[0], exist_ok=True)

    def _written(self, act: Callable[[], None], path: Path | None = None) -> None:
        try:
            self._tried(act)
        except FileNotFoundError as error:
            if path is not None and not path.exists():
                raise
            raise self._refused(error) from error

    def _tried(self, act: Callable[[], Found]) -> Found:
        def fresh() -> Found:
            self.fs.invalidate_cache()  # what it has listed may have changed since
            return act()

        try:
            return repeated(fresh, self.waits)
        except (UserError, FileNotFoundError):
            raise
        except Exception as error:
            if lasting(error):
                raise self._refused(error) from error
            raise UserError(
                f"ledger: {self.url} cannot be reached ({first_line(error)}); what is done is kept in {self.kept}, and the "
                "same command goes on."
            ) from error

    def _refused(self, error: Exception) -> UserError:
        return UserError(
            f"ledger: {self.url} cannot be read and written ({type(error).__name__}: {first_line(error)}); see that the bucket "
            f"or folder exists, and that these credentials may do so. What is done is kept in {self.kept}."
        )


def is_url(place: str) -> bool:
    """Whether a ledger's place is a URL, not a folder."""
    return URL.match(place) is not None


def open_store(url: str, kept: Path, waits: Sequence[float] = WAITS) -> Store:
    """The store at a URL.

    Raises:
        ConfigError: the URL is not usable, or a package is missing that it needs.
        UserError: the store cannot be had.
    """
    from fsspec.core import url_to_fs
    from fsspec.registry import known_implementations

    if urlsplit(url).password:
        raise ConfigError(
            "paths.ledger: there is a password in the URL, and every run's files would hold it; give it to fsspec instead, by "
            "~/.config/fsspec/conf.json or the environment (docs/cluster.md)."
        )
    protocol = url.partition("://")[0]
    try:
        if "::" in url:
            raise ValueError("it is a chain of URLs")
        fs, root = url_to_fs(url)
    except ImportError as error:
        package = str(known_implementations.get(protocol, {}).get("class", "")).partition(".")[0]
        named = f" (`pip install {package}`)" if package not in ("", "fsspec") else ""
        raise ConfigError(f"paths.ledger={url} needs a package that is not installed: {first_line(error)}{named}.") from error
    except Exception as error:
        raise ConfigError(
            f"paths.ledger={url} cannot be used: {first_line(error)}; give a URL such as s3://BUCKET/FOLDER, or a folder."
        ) from error
    if not root.strip("/"):
        raise ConfigError(f"paths.ledger={url} names no folder; give one below it, such as {protocol}://BUCKET/FOLDER.")
    store = Store(fs, root.rstrip("/"), url.rstrip("/"), str(kept), waits)
    store.check()
    return store


def _protocols(fs: AbstractFileSystem) -> set[str]:
    return {fs.protocol} if isinstance(fs.protocol, str) else set(fs.protocol)
