import functools

import lightning

from mmst.training.batches import TokenRow
from mmst.training.checkpoint import load_model, load_tokenizer
from mmst.training.fit import TrainingOptions, fit
from mmst.training.watch import StepWatch


class Recorder:
    def __init__(self):
        self.rows, self.notes, self.open = 0, [], 0

    def task(self, title, total):
        from contextlib import contextmanager

        @contextmanager
        def opened():
            self.open += 1
            yield self
            self.open -= 1

        return opened()

    def found(self, rows):
        self.rows += rows

    def advance(self, rows, tokens=0):
        self.rows += rows

    def note(self, text):
        self.notes.append(text)


def test_every_step_is_shown_with_its_loss(nano, tmp_path):
    recorder = Recorder()
    rows = [TokenRow(str(i), "e", (5, 6, 7, 0), 1) for i in range(4)]
    trainer = functools.partial(
        lightning.Trainer, accelerator="cpu", logger=False, enable_progress_bar=False, enable_model_summary=False
    )
    watch = StepWatch(recorder, "train")
    fit(load_model(nano), load_tokenizer(nano), rows, TrainingOptions(steps=3, batch_size=2), trainer, tmp_path, 0, [watch])
    assert recorder.rows == 3
    assert recorder.notes[-1].startswith("loss ")
    assert recorder.open == 0
