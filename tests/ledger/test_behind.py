"""Work beside a block: which thread does what, by events and never by a clock."""

import threading

import pytest

from mmst.ledger.behind import Behind
from tests.commands import LIMIT


class Interrupted(BaseException):
    """Stands for what a signal's handler raises."""


def meet(event):
    assert event.wait(LIMIT), "the other thread never came"


def threads():
    return [thread for thread in threading.enumerate() if thread.name == "behind"]


def test_a_block_goes_on_while_the_work_is_done():
    begun, gone_on, ended = threading.Event(), threading.Event(), threading.Event()

    def work():
        begun.set()
        meet(gone_on)
        ended.set()

    with Behind(True) as behind:
        behind.do(work)
        meet(begun)
        gone_on.set()
    assert ended.is_set()
    assert not threads()


def test_one_piece_is_done_at_a_time_and_in_order():
    done = []
    with Behind(True) as behind:
        for number in range(5):
            behind.do(lambda number=number: done.append((number, len(threads()))))
    assert done == [(number, 1) for number in range(5)]


def test_without_a_thread_each_piece_is_done_when_it_is_given():
    done = []
    with Behind(False) as behind:
        for number in range(3):
            behind.do(lambda number=number: done.append((number, threading.current_thread().name)))
            assert len(done) == number + 1
    assert done == [(number, threading.current_thread().name) for number in range(3)]


@pytest.mark.parametrize("apart", [True, False])
@pytest.mark.parametrize("pieces", [1, 2])
def test_what_the_work_raises_is_raised_before_the_next_piece_is_begun(apart, pieces):
    done = []

    def block():
        with Behind(apart) as behind:
            behind.do(lambda: done.append(1 / 0))
            for _ in range(pieces - 1):
                behind.do(lambda: done.append(1))

    with pytest.raises(ZeroDivisionError):
        block()
    assert done == []
    assert not threads()


def test_where_the_block_fails_its_error_is_raised_and_the_work_is_ended_first():
    failed, ended = threading.Event(), threading.Event()

    def work():
        meet(failed)
        ended.set()

    def block(behind):
        behind.do(work)
        failed.set()
        raise ValueError("of the block")

    with pytest.raises(ValueError, match="of the block"), Behind(True) as behind:
        block(behind)
    assert ended.is_set()
    assert not threads()


def test_an_interrupt_of_the_block_interrupts_the_work():
    begun, never = threading.Event(), threading.Event()

    def work():
        begun.set()
        while not never.wait(0.001):
            pass

    def block(behind):
        behind.do(work)
        meet(begun)
        raise Interrupted

    with pytest.raises(Interrupted), Behind(True) as behind:
        block(behind)
    assert not threads()
