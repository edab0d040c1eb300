import functools

import lightning
import pytest
import torch

from mmst.errors import ConfigError
from mmst.training.batches import TokenRow
from mmst.training.checkpoint import load_model, load_tokenizer
from mmst.training.fit import RESUME_FILE, TrainingOptions, fit

TRAINER = functools.partial(
    lightning.Trainer,
    accelerator="cpu",
    logger=False,
    enable_progress_bar=False,
    enable_model_summary=False,
    gradient_clip_val=1.0,
)
OPTIONS = TrainingOptions(steps=8, batch_size=4, save_every=3)


class Killed(lightning.Callback):
    def __init__(self, at):
        self.at = at

    def on_train_batch_end(self, trainer, *rest):
        if trainer.global_step == self.at:
            raise KeyboardInterrupt


@pytest.fixture
def rows():
    generator = torch.Generator().manual_seed(0)
    return [
        TokenRow(str(i), "e", tuple(torch.randint(2, 500, (6 + i % 5,), generator=generator).tolist()), 3) for i in range(20)
    ]


def trained(nano, rows, work, options=OPTIONS, seed=1, callbacks=()):
    model = load_model(nano)
    fit(model, load_tokenizer(nano), rows, options, TRAINER, work, seed, callbacks)
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def equal(a, b):
    return all(torch.equal(a[name], b[name]) for name in a)


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(nano, rows, tmp_path):
    first = trained(nano, rows, tmp_path / "a")
    assert equal(first, trained(nano, rows, tmp_path / "b"))
    assert not equal(first, trained(nano, rows, tmp_path / "c", seed=2))


@pytest.mark.parametrize("killed_at", [4, 6])
def test_a_killed_training_ends_with_the_same_weights_to_the_bit(nano, rows, tmp_path, killed_at):
    whole = trained(nano, rows, tmp_path / "whole")
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        trained(nano, rows, tmp_path / "killed", callbacks=[Killed(killed_at)])
    assert (tmp_path / "killed" / RESUME_FILE).exists()
    assert equal(whole, trained(nano, rows, tmp_path / "killed"))


def test_steps_or_epochs():
    assert TrainingOptions(steps=None, epochs=2, batch_size=10).step_count(25) == 5
    assert TrainingOptions(steps=7).step_count(25) == 7
    for bad in ({"steps": 1, "epochs": 1}, {"steps": None}, {"steps": 0}, {"batch_size": 0}):
        with pytest.raises(ConfigError):
            TrainingOptions(**bad)
