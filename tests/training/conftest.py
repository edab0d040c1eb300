import functools

import lightning
import pytest
import torch
from safetensors.torch import load_file

from mmst.training.batches import TokenRow
from mmst.training.checkpoint import load_model
from mmst.training.fit import fit
from mmst.training.module import CausalLanguageModule
from mmst.training.options import OptimizerOptions, TrainingOptions

PLAIN = {"accelerator": "cpu", "enable_progress_bar": False, "enable_model_summary": False, "gradient_clip_val": 1.0}
TRAINER = functools.partial(lightning.Trainer, logger=False, **PLAIN)
OPTIONS = TrainingOptions(steps=8, batch_size=4, save_every=3)


class Killed(lightning.Callback):
    """Ends a training in mid-epoch, as Ctrl-C does."""

    def __init__(self, at):
        self.at = at

    def on_train_batch_end(self, trainer, *rest):
        if trainer.global_step == self.at:
            raise KeyboardInterrupt


class Losses(lightning.Callback):
    """Notes the loss of every batch."""

    def __init__(self):
        self.seen = []

    def on_train_batch_end(self, trainer, module, outputs, *rest):
        self.seen.append(float(outputs["loss"]))


@pytest.fixture
def rows():
    generator = torch.Generator().manual_seed(0)
    return [
        TokenRow(
            str(i),
            ("text -> code", "code -> text")[i % 2],
            tuple(torch.randint(2, 500, (6 + i % 5,), generator=generator).tolist()),
            3,
            f"problem-{i // 2}",
        )
        for i in range(24)
    ]


def weights(folder):
    return {name: tensor for file in sorted(folder.glob("*.safetensors")) for name, tensor in load_file(file).items()}


def equal(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@pytest.fixture
def module(nano):
    """A module with its model, without a trainer."""
    made = CausalLanguageModule(lambda module: load_model(nano), OptimizerOptions(), 9)
    made.configure_model()
    return made


@pytest.fixture
def trained(nano, rows, tmp_path):
    """Trains, and returns the weights that come out; the record of the latest training is `trained.record`."""

    def run(name, options=OPTIONS, seed=1, callbacks=(), start=nano, rows=rows, trainer=TRAINER):
        target = tmp_path / f"{name}-out"
        run.record = fit(start, target, rows, options, trainer, tmp_path / name, seed, callbacks)
        return weights(target)

    return run
