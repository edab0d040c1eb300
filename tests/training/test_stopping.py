"""A signal that ends a training: its step is saved, the end is the same, and the signal reaches whoever had it."""

import dataclasses
import functools
import signal

import lightning
import pytest

from mmst.training.fit import fit
from mmst.training.saving import latest
from mmst.training.stopping import Stopping
from tests.training.conftest import OPTIONS, TRAINER, Losses, equal

LOGGED = functools.partial(TRAINER, log_every_n_steps=2)
COUNTED = ("steps", "examples", "tokens", "places", "loss", "loss_by_edge", "held_out_loss", "best_step")


class Sent(lightning.Callback):
    """Sends a signal in the middle of a step."""

    def __init__(self, after, number=signal.SIGTERM):
        self.after, self.number = after, number

    def on_train_batch_start(self, trainer, *rest):
        if trainer.global_step == self.after:
            self.after = None
            signal.raise_signal(self.number)


class Ended(BaseException):
    """What a command makes of the signal."""


@pytest.fixture
def ending():
    """Handlers as a command has them, until the test is over."""
    before = {}

    def heard(number, frame):
        raise Ended(number)

    def handle(number, handler=heard):
        before[number] = signal.signal(number, handler)

    yield handle
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("changes", [{}, {"held_out": 0.25, "measure_every": 2}], ids=["plain", "held out"])
@pytest.mark.parametrize("after", [0, 4])
def test_a_stopped_training_goes_on_from_its_last_step_and_ends_alike(trained, tmp_path, ending, changes, after):
    ending(signal.SIGTERM)
    options = dataclasses.replace(OPTIONS, **changes)
    whole, record = trained("whole", options, trainer=LOGGED), trained.record
    with pytest.raises(Ended):
        trained("stopped", options, callbacks=[Sent(after)], trainer=LOGGED)
    assert latest(tmp_path / "stopped").name == f"step-{after + 1:07d}.ckpt"
    seen = Losses()
    assert equal(whole, trained("stopped", options, callbacks=[seen], trainer=LOGGED))
    assert len(seen.seen) == options.steps - after - 1
    assert {key: getattr(trained.record, key) for key in COUNTED} == {key: getattr(record, key) for key in COUNTED}
    curves = [[(row["step"], row.get("loss")) for row in found.curve] for found in (trained.record, record)]
    assert curves[0] == curves[1]


def test_batches_that_are_added_up_end_their_step_first(trained, tmp_path, ending):
    ending(signal.SIGTERM)
    accumulating = functools.partial(TRAINER, accumulate_grad_batches=2)
    whole = trained("whole", trainer=accumulating)
    with pytest.raises(Ended):
        trained("stopped", callbacks=[Sent(1)], trainer=accumulating)
    assert latest(tmp_path / "stopped").name == "step-0000002.ckpt"
    assert equal(whole, trained("stopped", trainer=accumulating))


def test_where_the_signals_owner_goes_on_the_training_does_too(trained, tmp_path, ending):
    """As submitit passes over SIGTERM, for it ends its jobs by SIGUSR2."""
    heard = []
    ending(signal.SIGTERM, lambda number, frame: heard.append(number))
    ending(signal.SIGUSR2)
    whole = trained("whole")
    with pytest.raises(Ended):
        trained("stopped", callbacks=[Sent(1), Sent(4, signal.SIGUSR2)])
    assert heard == [signal.SIGTERM]
    assert latest(tmp_path / "stopped").name == "step-0000005.ckpt"
    assert equal(whole, trained("stopped"))


def test_a_signal_in_the_last_step_comes_after_the_end(trained, tmp_path, ending):
    ending(signal.SIGTERM)
    with pytest.raises(Ended):
        trained("stopped", callbacks=[Sent(OPTIONS.steps - 1)])
    assert (tmp_path / "stopped" / "finished.json").exists()
    seen = Losses()
    assert equal(trained("whole"), trained("stopped", callbacks=[seen]))
    assert not seen.seen


def test_a_file_ends_a_training_as_sigterm_does(nano, rows, tmp_path, ending):
    """For launchers that kill what they started when they are sent SIGTERM."""
    ending(signal.SIGTERM)
    (tmp_path / "stop").touch()
    with pytest.raises(Ended):
        fit(nano, tmp_path / "out", rows, OPTIONS, TRAINER, tmp_path / "work", 1, stop=tmp_path / "stop")
    assert latest(tmp_path / "work").name == "step-0000001.ckpt"


def test_signals_outside_of_steps_take_effect_at_once_and_handlers_come_back(ending):
    ending(signal.SIGTERM)
    mine = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Ended), Stopping():
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is mine


def test_a_signal_that_is_ignored_stays_ignored(trained, ending):
    ending(signal.SIGTERM, signal.SIG_IGN)
    assert equal(trained("whole"), trained("sent", callbacks=[Sent(3)]))
