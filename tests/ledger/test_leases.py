import dataclasses
from itertools import count

import msgspec
import pytest

from mmst.errors import UserError
from mmst.ledger.leases import Held, Lease, Timing, leased
from tests.objects import objects
from tests.waiting import until

PLACE = "sample-1/lease.json"
NEVER = 1e9


def timing(renewed=NEVER, forgotten=5.0):
    """A clock that goes on by a second at each look, and no pauses."""
    ticks = count()
    return Timing(renewed, forgotten, 0.0, 0.0, lambda: float(next(ticks)))


def lease(store, cache="ours", **seconds):
    return Lease(store, "sample-1", cache, timing(**seconds))


def held(store):
    return msgspec.json.decode(store.read(PLACE), type=Held)


def written_by(store, write):
    """The store, in which another machine writes whenever it is read, until `write` says that it has ended."""

    def fails(call, path):
        if call == "read" and path.endswith("lease.json"):
            store.fs.fails = lambda *_: None
            if write() is not False:
                store.fs.fails = fails

    store.fs.fails = fails


def test_a_lease_is_an_object_while_it_is_held():
    store = objects()
    with leased(lease(store)) as ours:
        assert ours
        assert held(store).cache == "ours"
    assert store.read(PLACE) is None


def test_a_lease_that_stands_still_for_long_is_taken_over():
    store = objects()
    dead = lease(store, "theirs")
    dead.take()
    with leased(lease(store)) as ours:
        assert ours
        assert held(store).cache == "ours"
    dead.leave()


def test_a_lease_whose_counter_moves_is_waited_for_however_long_it_takes():
    store = objects()
    moves = iter(range(100))

    def renew():
        number = next(moves, None)
        if number is None:
            store.remove(PLACE)
            return False
        store.write(PLACE, msgspec.json.encode(Held("there:1", "theirs", "t", number)))
        return True

    written_by(store, renew)
    waiting = lease(store)
    waiting.take()
    assert next(moves, None) is None, "taken while another renewed it"
    assert held(store).cache == "ours"
    waiting.leave()


def test_the_dead_holder_of_the_same_cache_is_not_waited_for():
    store = objects()
    store.write(PLACE, msgspec.json.encode(Held("here:1", "ours", "t")))
    again = Lease(store, "sample-1", "ours", Timing(NEVER, NEVER, 0.0, 0.0, lambda: 0.0))
    assert again.take()
    again.leave()


def test_who_does_not_wait_leaves_it_to_a_holder_who_is_alive_and_takes_over_from_a_dead_one():
    store = objects()
    moves = count()
    written_by(store, lambda: store.write(PLACE, msgspec.json.encode(Held("there:1", "theirs", "t", next(moves)))))
    with leased(lease(store), wait=False) as ours:
        assert not ours
    store.fs.fails = lambda *_: None
    with leased(lease(store), wait=False) as ours:
        assert ours


def test_of_two_who_create_it_at_once_the_one_whose_token_stands_holds_it():
    store = objects()
    first, second = Held("there:1", "theirs", "t"), iter([1])
    written = []

    def overwrite(call, path):
        if call == "write" and path.endswith("lease.json"):
            written.append(path)
        if call == "read" and written and next(second, None):
            store.fs.fails = lambda *_: None
            store.write(PLACE, msgspec.json.encode(first))
            store.fs.fails = overwrite

    store.fs.fails = overwrite
    ours = lease(store)
    ours.take()
    assert len(written) == 2, "created, lost to the other, and taken over once that one stood still"
    ours.leave()


@pytest.mark.parametrize("content", [b"", b"torn", b"{}", b"\xff", b'{"owner": 1, "cache": [], "token": null}'])
def test_a_lease_that_is_damaged_is_taken_over_when_it_stands_still(content):
    store = objects()
    store.write(PLACE, content)
    ours = lease(store)
    assert ours.take()
    ours.leave()
    assert store.read(PLACE) is None


def test_the_holder_renews_it_and_says_when_it_was_taken_over():
    store = objects()
    ours = lease(store, renewed=0.001)
    ours.take()
    until(lambda: held(store).count > 2)
    ours.check()

    def lost():
        store.write(PLACE, msgspec.json.encode(Held("there:1", "theirs", "t")))
        try:
            ours.check()
        except UserError as error:
            return "sample-1 was taken over by another machine" in str(error)
        return False

    until(lost)
    ours.leave()
    assert held(store).cache == "theirs", "it is not ours to remove"


def test_a_network_that_is_away_loses_no_lease():
    store = objects()
    ours = lease(store, renewed=0.001)
    ours.take()
    tries = []

    def fails(call, path):
        tries.append(call)
        raise OSError("away")

    store.fs.fails = fails
    until(lambda: len(tries) > 3)
    ours.check()
    ours.leave()
    store.fs.fails = lambda *_: None
    assert held(store).cache == "ours", "nobody could remove it: it will be taken over"


def test_the_times_are_those_of_the_docs():
    assert dataclasses.replace(Timing(), clock=None) == Timing(10, 90, 2, 1, None)
