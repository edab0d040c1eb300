import errno

import pytest

from mmst.errors import UserError
from mmst.ledger.repeating import lasting, repeated


class Failing:
    """Fails so many times, then answers."""

    def __init__(self, times, error):
        self.left, self.error = times, error

    def __call__(self):
        self.left -= 1
        if self.left >= 0:
            raise self.error
        return "answer"


def test_what_may_pass_is_tried_again_after_longer_and_longer_pauses():
    slept = []
    assert repeated(Failing(3, OSError("reset")), (1, 2, 4, 8), slept.append) == "answer"
    assert slept == [1, 2, 4]


def test_the_last_error_is_raised_where_no_pause_is_left():
    slept = []
    with pytest.raises(RuntimeError, match="a library's own"):
        repeated(Failing(3, RuntimeError("a library's own")), (1, 2), slept.append)
    assert slept == [1, 2]


@pytest.mark.parametrize(
    "error",
    [
        FileNotFoundError(),
        PermissionError(),
        OSError(errno.EROFS, ""),
        OSError(errno.ENOSPC, ""),
        UserError(),
        NotImplementedError(),
    ],
    ids=repr,
)
def test_what_no_further_try_mends_is_raised_at_once(error):
    with pytest.raises(type(error)):
        repeated(Failing(1, error), (1, 2), pytest.fail)
    assert lasting(error)
