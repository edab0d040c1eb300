from mmst.training.saving import Saver, latest


class Trainer:
    max_steps, should_stop, is_global_zero = 99, False, True

    def __init__(self):
        self.global_step = 0

    def save_checkpoint(self, path, weights_only=False):
        path.write_text(str(self.global_step))


def run(folder, every, start, end, keep, module):
    saver, trainer = Saver(folder, every, keep), Trainer()
    trainer.global_step = start
    saver.on_train_start(trainer, module)
    for step in range(start + 1, end + 1):
        trainer.global_step = step
        saver.on_train_batch_end(trainer, module, None, None, 0)


def test_another_rhythm_never_loses_the_newest_checkpoint(tmp_path, module):
    (tmp_path / "step-0000010.ckpt").touch()  # of a process that was killed before it could name it
    run(tmp_path, every=2, start=0, end=9, keep=1, module=module)
    assert latest(tmp_path) == tmp_path / "step-0000008.ckpt"
    assert [path.name for path in tmp_path.glob("step-*")] == ["step-0000008.ckpt"]
