"""A ledger at a URL: what is done lies in a store as well, and any machine goes on from there.

    URL/sample-1f0c.../chunk-00000.jsonl   as in a folder; also what a training has saved, and its checkpoint
                       files.json          each of these with its size and hash, and of a chunk the number of its inputs
                       manifest.json       put last; there means done
                       lease.json          who is at work (`mmst.ledger.leases`)

A run works in a folder, its cache, which is a ledger like any other. Before a stage is looked at, what the store has of it is
brought here, and each file that is done is put there at once. Where both differ the store is right, and what was made here
from what differs goes too.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import Any

from mmst.errors import UserError
from mmst.ledger.copies import Copy
from mmst.ledger.files import atomic_write, remove_torn
from mmst.ledger.leases import Lease, Timing, leased
from mmst.ledger.ledger import Ledger, Work
from mmst.ledger.locks import if_free
from mmst.ledger.progress import Progress
from mmst.ledger.stage import Stage, chunk_name
from mmst.ledger.store import Store, is_url, open_store

log = logging.getLogger(__name__)

CACHE = ".cache-id"
"""In a cache: what its leases are known by."""
LOOK_SECONDS = 5.0
"""Between two looks at what a training has saved."""


@dataclass(frozen=True)
class StageAtUrl(Stage):
    """A stage whose files are put into a store as they are done."""

    copy: Copy = field(compare=False)

    def keep(self, number: int, content: bytes, inputs: int) -> None:
        """See `Stage.keep`."""
        super().keep(number, content, inputs)
        self.copy.put([chunk_name(number)], {chunk_name(number): inputs})

    def finish(self, facts: Mapping[str, Any]) -> None:
        """See `Stage.finish`."""
        super().finish(facts)
        self.copy.put_all()

    def forget(self, numbers: Iterable[int]) -> None:
        """See `Stage.forget`."""
        numbers = list(numbers)
        super().forget(numbers)
        self.copy.forget(numbers)

    def cut(self, number: int) -> None:
        """See `Stage.cut`."""
        super().cut(number)
        self.copy.cut(number)

    @contextmanager
    def followed(self) -> Iterator[None]:
        """See `Stage.followed`."""
        ended, said = Event(), ""

        def put() -> None:
            nonlocal said
            try:
                self.copy.put_saved()
            except (UserError, OSError) as error:
                if str(error) != said:
                    log.warning("%s", error)
                said = str(error)

        def follow() -> None:
            while not ended.wait(LOOK_SECONDS):
                put()

        following = Thread(target=follow, name=f"saved steps of {self.folder.name}", daemon=True)
        following.start()
        try:
            yield
        except BaseException:
            ended.set()
            following.join()
            put()
            raise
        finally:
            ended.set()
        following.join()


class LedgerAtUrl(Ledger):
    """The stages in a store, and those of them that were asked for in a cache."""

    def __init__(
        self,
        root: Path,
        store: Store,
        progress: Progress | None = None,
        note: Callable[[str], None] = lambda name: None,
        timing: Timing | None = None,
    ) -> None:
        super().__init__(root, progress, note)
        self._store, self._timing = store, timing or Timing()
        self._copies: dict[str, Copy] = {}

    @contextmanager
    def stage(self, name: str, spec: object) -> Iterator[Stage]:
        """See `Ledger.stage`: held against other machines as well."""
        with super().stage(name, spec) as stage:
            if stage.done:
                yield stage
                return
            with self._copies[stage.folder.name].held(_cache_id(self.root), self._timing):
                yield stage

    def distrust(self, name: str, spec: object, sound: Callable[[Stage], bool]) -> None:
        """See `Ledger.distrust`."""
        self._bring(self._stage(name, spec), None)
        super().distrust(name, spec, sound)

    def _mend(self, works: Sequence[Work]) -> None:
        cut = None
        for work in works:
            cut = self._bring(self._stage(work.name, work.spec), cut)
        super()._mend(works)

    def _bring(self, stage: Stage, cut: int | None) -> int | None:
        """Have in the cache what the store has of a stage, and the other way round, unless somebody is at work on it.

        cut: the first chunk of its inputs that was replaced. Returns the first chunk that is not what it was.
        """
        copy = self._copies[stage.folder.name]
        if copy.same and cut is None:
            return None
        with if_free(stage.folder / ".lock") as free:
            if not free:
                return cut
            remove_torn(stage.folder)
            if cut is not None:
                copy.stage.cut(cut)
            differs = copy.bring()
            if stage.done and not copy.done and not _torn(stage):
                lease = Lease(self._store, stage.folder.name, _cache_id(self.root), self._timing)
                with leased(lease, wait=False) as held:
                    if held:
                        copy.put_all()
        return min((number for number in (cut, differs) if number is not None), default=None)

    def _stage(self, name: str, spec: object) -> StageAtUrl:
        stage = super()._stage(name, spec)
        copy = self._copies.setdefault(stage.folder.name, Copy(stage, self._store))
        return StageAtUrl(stage.name, stage.key, stage.folder, stage.settings, copy)


def folder_of(place: str, cache: str) -> Path:
    """The folder that a ledger works in: its own, or the cache of a URL."""
    return Path(cache if is_url(place) else place).expanduser().absolute()


def ledger_at(
    place: str, cache: str, progress: Progress | None = None, note: Callable[[str], None] = lambda name: None
) -> Ledger:
    """The ledger in a folder, or at a URL.

    Raises:
        UserError: the URL is not usable, or cannot be had.
    """
    root = folder_of(place, cache)
    return LedgerAtUrl(root, open_store(place, root), progress, note) if is_url(place) else Ledger(root, progress, note)


def _cache_id(root: Path) -> str:
    """What a cache is known by, made when it is first asked for."""
    path = root / CACHE
    if not path.exists():
        atomic_write(path, uuid.uuid4().hex.encode())
    return path.read_text(errors="replace")


def _torn(stage: Stage) -> bool:
    return "chunks" in stage.manifest() and bool(stage.damaged())
