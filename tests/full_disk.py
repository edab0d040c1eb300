"""A disk that is full at one write after the other, without a disk: every file of mmst's goes through `os.fsync`."""

import errno
import math
import os
import random

import pytest

from mmst.errors import UserError


class Room:
    """Stands for `os.fsync`: after so many calls the disk is full."""

    def __init__(self):
        self.left = math.inf

    def __call__(self, handle):
        self.left -= 1
        if self.left < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def done_in_spite(work, most):
    """Do the work on a disk with room for up to `most` writes, again and again until it is done; how often it was stopped."""
    with pytest.MonkeyPatch.context() as patched:
        room, moments = Room(), random.Random(0)
        patched.setattr(os, "fsync", room)
        for stops in range(300):
            room.left = moments.randint(1, most)
            try:
                work()
            except UserError as error:
                assert str(error).startswith("no space is left on the device of /")  # noqa: PT017
            else:
                return stops
    raise AssertionError("the work gets nowhere")
