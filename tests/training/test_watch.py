from contextlib import contextmanager

from mmst.training.options import TrainingOptions
from mmst.training.watch import StepWatch


class Recorder:
    def __init__(self):
        self.done, self.notes, self.open = 0, [], 0

    @contextmanager
    def task(self, title, total):
        self.open += 1
        yield self
        self.open -= 1

    def found(self, rows):
        self.done += rows

    def advance(self, rows, tokens=0):
        self.done += rows

    def note(self, text):
        self.notes.append(text)


def test_every_step_is_shown_with_its_loss(trained):
    recorder = Recorder()
    trained("watched", TrainingOptions(steps=3, batch_size=2), callbacks=[StepWatch(recorder, "train")])
    assert recorder.done == 3
    assert recorder.notes[-1].startswith("loss ")
    assert recorder.open == 0
