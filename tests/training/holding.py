"""A training that waits in the middle of it, for the tests that kill it there."""

from pathlib import Path

from lightning.pytorch.callbacks import Callback

from tests.waiting import until


class Holding(Callback):
    """After `step`, waits as long as `file` is there."""

    def __init__(self, file, step):
        self.file, self.step = Path(file), step

    def on_train_batch_end(self, trainer, *rest):
        if trainer.global_step == self.step:
            until(lambda: not self.file.exists())
