"""A stage in a store, held by one machine at a time: by an object, since a store has no locks.

    STAGE/lease.json   who holds it, a random token, and a counter that the holder raises every ten seconds

Who waits looks at the counter, and takes the lease over once it stood still for long by its own steady clock: clocks of two
machines are never compared. A holder that has the same cache is gone for sure, since whoever asks holds the lock of the
stage's folder there: such a lease is taken over at once, so that a killed command that is given again need not wait.

Where the creation of an object is not exclusive, or two take over at once, each reads after a pause whose token stands. Two may
still hold a stage for some seconds, as where one machine was suspended. Then it is computed twice, and no more: objects are put
whole; chunks are read by the hashes and sizes of one writer (`mmst.ledger.remote`), so that what two wrote is never mixed; and
the one that lost the lease says so before it writes again.
"""

from __future__ import annotations

import logging
import os
import socket
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from threading import Event, Thread

import msgspec

from mmst.errors import UserError
from mmst.ledger.store import Store

log = logging.getLogger(__name__)
LEASE = "lease.json"


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds."""

    renewed: float = 10.0
    """Between two renewals."""
    forgotten: float = 90.0
    """Since the last renewal, after which a lease is another's to take."""
    asked: float = 2.0
    """Between two looks of who waits."""
    settled: float = 1.0
    """Until who took a lease looks whether it stands, where the store does not tell of two who do so at once."""
    clock: Callable[[], float] = time.monotonic
    """Seconds since any moment."""


class Held(msgspec.Struct, frozen=True):
    """What the object holds."""

    owner: str
    cache: str
    token: str
    count: int = 0


class Lease:
    """A stage's lease, ours from `take` to `leave`."""

    def __init__(self, store: Store, stage: str, cache: str, timing: Timing = Timing()) -> None:
        self._store, self._stage, self._timing = store, stage, timing
        self._name = f"{stage}/{LEASE}"
        self._mine = Held(f"{socket.gethostname()}:{os.getpid()}", cache, uuid.uuid4().hex)
        self._lost = False
        self._ended = Event()
        self._renewing = Thread(target=self._renew, name=f"lease of {stage}", daemon=True)

    def take(self, wait: bool = True) -> bool:
        """Take the lease, waiting for its holder; whether it is ours. wait: also for one who is alive."""
        seen: bytes | None = None
        since = 0.0
        while not self._taken_if_free():
            there = self._store.read(self._name)
            if there is None:
                time.sleep(self._timing.asked)
                continue
            now = self._timing.clock()
            if there != seen:
                first, seen, since = seen is None, there, now
                holder = _read(there)
                if holder is not None and holder.cache == self._mine.cache:
                    since = -float("inf")
                elif not first and not wait:
                    return False
                elif first and wait:
                    log.info("%s is being computed by %s; waiting for it", self._stage, holder.owner if holder else "another")
            if now - since >= self._timing.forgotten:
                self._store.write(self._name, msgspec.json.encode(self._mine))
                if self._stands():
                    break
            time.sleep(self._timing.asked)
        self._renewing.start()
        return True

    def leave(self) -> None:
        """Give the lease back. One that cannot be removed is taken over once it stood still."""
        self._ended.set()
        self._renewing.join(self._timing.renewed)
        try:
            if not self._lost:
                replace(self._store, waits=()).remove(self._name)
        except UserError as error:
            log.warning("%s", error)

    def check(self) -> None:
        """Say where the lease was lost.

        Raises:
            UserError: another machine took it over.
        """
        if self._lost:
            raise UserError(
                f"ledger: {self._store.url}/{self._stage} was taken over by another machine, since this one did not renew its "
                f"lease for {self._timing.forgotten:g} s (it was stopped, or without a network); what is done is kept, and the "
                "same command resumes."
            )

    def _taken_if_free(self) -> bool:
        if self._store.read(self._name) is not None:
            return False
        self._store.create(self._name, msgspec.json.encode(self._mine))
        return self._stands()

    def _stands(self) -> bool:
        if not self._store.exclusive:
            time.sleep(self._timing.settled)
        there = _read(self._store.read(self._name) or b"")
        return there is not None and there.token == self._mine.token

    def _renew(self) -> None:
        once = replace(self._store, waits=())
        held = self._mine
        while not self._ended.wait(self._timing.renewed):
            held = msgspec.structs.replace(held, count=held.count + 1)
            try:
                there = once.read(self._name)
                self._lost = there is not None and getattr(_read(there), "token", None) != held.token
                if self._lost:
                    return
                once.write(self._name, msgspec.json.encode(held))
            except UserError as error:
                log.debug("%s", error)


@contextmanager
def leased(lease: Lease, wait: bool = True) -> Iterator[bool]:
    """Hold a lease while the block runs, which is told whether it is held."""
    held = lease.take(wait)
    try:
        yield held
    finally:
        if held:
            lease.leave()


def _read(content: bytes) -> Held | None:
    try:
        return msgspec.json.decode(content, type=Held)
    except (msgspec.DecodeError, msgspec.ValidationError):
        return None
