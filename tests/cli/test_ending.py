import signal

import pytest

from mmst.cli.ending import ended_well


@pytest.fixture(autouse=True)
def _handlers_as_of_a_shell():
    """A background process may have been told to ignore SIGINT, and the tests with it."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def saved_at(number, times):
    """A command that is sent a signal, and again as often while it saves; whether it came to its end."""
    saved = []

    def command():
        try:
            signal.raise_signal(number)
        finally:
            for _ in range(times):
                signal.raise_signal(number)
            saved.append(True)

    with pytest.raises(SystemExit) as ended:
        ended_well(command)
    return ended.value.code, bool(saved)


def test_sigterm_again_and_again_does_not_keep_a_command_from_saving(capsys):
    assert saved_at(signal.SIGTERM, 3) == (143, True)
    assert capsys.readouterr().err == "mmst: terminated; what is done is kept, and the same command resumes.\n"


def test_a_second_interrupt_ends_a_command_that_still_saves():
    assert saved_at(signal.SIGINT, 1) == (130, False)
