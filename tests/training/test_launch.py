"""Trainings in processes of their own: every way to divide the work gives the loss curve of one at the same batch of a step.

What they are held against is trained in the process of the tests.
"""

import dataclasses
import errno
import functools
import multiprocessing
import os
import signal
import sys
from pathlib import Path

import lightning
import pytest
import torch
from lightning.pytorch.loggers import CSVLogger

from mmst.errors import ModelError, TrainingError, UserError
from mmst.ledger.progress import Silent
from mmst.training import convert
from mmst.training.launch import Here, Launcher, Processes, rendezvous_id
from mmst.training.objective import Aim, Objective
from mmst.training.options import OptimizerOptions, TrainingOptions
from mmst.training.saving import latest
from tests.training.conftest import PLAIN, equal, weights
from tests.waiting import until

OPTIONS = TrainingOptions(steps=6, batch_size=4, save_every=2, keep_after=True, keep=3)
OURS = "tests.training.cpu_strategies."
HOLDING = "tests.training.holding.Holding"
STRATEGIES = {
    "one process": "auto",
    "ddp": {"_target_": "lightning.pytorch.strategies.DDPStrategy"},
    "fsdp": {"_target_": OURS + "CpuFSDPStrategy", "sharding_strategy": "FULL_SHARD", "state_dict_type": "sharded"},
    "fsdp2": {"_target_": "mmst.training.building.FullyShardStrategy"},
    "zero1": {"_target_": OURS + "CpuDeepSpeedStrategy", "stage": 1},
    "zero2": {"_target_": OURS + "CpuDeepSpeedStrategy", "stage": 2},
    "zero3": {"_target_": OURS + "CpuDeepSpeedStrategy", "stage": 3},
    "zero3 offload": {"_target_": OURS + "CpuDeepSpeedStrategy", "stage": 3, "offload_optimizer": True},
}
QUICK = ("one process", "ddp", "fsdp2")
"""Each way to divide the work once; `make soak` runs their variants too."""
TOLERANCE = 2e-4


def each(strategies, quick=QUICK):
    """Parameters, of which those that are not quick run in `make soak` alone."""
    return [pytest.param(name, marks=[] if name in quick else pytest.mark.soak) for name in strategies]


@pytest.fixture(scope="module")
def trained_by(nano, tmp_path_factory):
    """(strategy, options) -> (weights that came out, loss after each step, work folder); each is trained once."""
    done = {}

    def run(strategy, options=OPTIONS, rows=None, **trainer):
        key = (strategy, str(options), str(trainer))
        if key not in done:
            folder = tmp_path_factory.mktemp("training")
            train = here(folder, **trainer) if strategy == "one process" else fitter(strategy, folder, **trainer)
            train(nano, folder / "out", rows, options, folder / "work", 1)
            done[key] = weights(folder / "out"), curve(folder), folder
        return done[key]

    return run


def here(folder, **trainer):
    logger = CSVLogger(folder, "curve")
    return Here(functools.partial(lightning.Trainer, log_every_n_steps=1, logger=logger, **PLAIN, **trainer))


def fitter(strategy, folder, prefix=(), **trainer):
    processes = 1 if strategy == "one process" else 2
    node = {
        "_target_": "lightning.pytorch.Trainer", "_partial_": True, "devices": processes, "strategy": STRATEGIES[strategy],
        "log_every_n_steps": 1, **PLAIN, **trainer,
    }  # fmt: skip
    logger = {"_target_": "lightning.pytorch.loggers.CSVLogger", "_partial_": True, "save_dir": str(folder), "name": "curve"}
    return Processes(Launcher(devices=processes, prefix=list(prefix)), node, logger, Silent(), "train")


def curve(folder):
    """Loss and mean gradient norm after each step."""
    (metrics,) = folder.glob("curve/*/metrics.csv")
    header, *lines = [line.split(",") for line in metrics.read_text().splitlines()]
    return [[float(line[header.index(name)]) for line in lines] for name in ("loss", "gradient_norm")]


def check_alike(found, expected, tolerance=TOLERANCE):
    (found_weights, found_curves, _), (expected_weights, expected_curves, _) = found, expected
    assert len(expected_curves[0]) == OPTIONS.steps
    for curve, expected_curve in zip(found_curves, expected_curves, strict=True):
        assert curve == pytest.approx(expected_curve, abs=tolerance, rel=1e-5)
    assert found_weights.keys() == expected_weights.keys()
    for name, tensor in expected_weights.items():
        torch.testing.assert_close(found_weights[name], tensor, atol=tolerance, rtol=0)


@pytest.mark.parametrize("strategy", each(list(STRATEGIES)[1:]))
def test_two_processes_do_what_one_does(trained_by, rows, strategy):
    if strategy.startswith("zero"):
        pytest.importorskip("deepspeed")
    check_alike(trained_by(strategy, rows=rows), trained_by("one process", rows=rows))


@pytest.mark.parametrize("strategy", each(["ddp", "fsdp2", "zero2"], quick=[]))
def test_accumulated_batches_of_two_processes_do_what_one_batch_does(trained_by, rows, strategy):
    if strategy.startswith("zero"):
        pytest.importorskip("deepspeed")
    check_alike(trained_by(strategy, rows=rows, accumulate_grad_batches=2), trained_by("one process", rows=rows))


def compared(rows):
    """Units of an objective that compares: each row beside a later one's completion after the same prompt."""
    others = [dataclasses.replace(row, id=f"{row.id}b") for row in (*rows[5:], *rows[:5])]
    return [
        dataclasses.replace(row, beside=dataclasses.replace(other, tokens=row.tokens[:3] + other.tokens[3:]), right=n % 3 != 1)
        for n, (row, other) in enumerate(zip(rows, others, strict=True))
    ]


@pytest.mark.soak
@pytest.mark.parametrize("aim", ["dpo", "rpo", "kto"])
def test_two_processes_compare_as_one_does(trained_by, rows, aim):
    """The reference, too, is found by sharded models, each process a part of the completions."""
    options = dataclasses.replace(OPTIONS, objective=Objective(Aim(aim), beta=0.3))
    found, expected = (trained_by(way, options, rows=compared(rows)) for way in ("fsdp2", "one process"))
    assert expected[1][0][0] != pytest.approx(expected[1][0][-1], abs=1e-2), "something is learned"
    check_alike(found, expected, 1e-4)


@pytest.mark.parametrize("strategy", each(STRATEGIES))
def test_checkpoints_convert_shard_by_shard(trained_by, rows, nano, tmp_path, monkeypatch, strategy):
    if strategy.startswith("zero"):
        pytest.importorskip("deepspeed")
    expected, _, folder = trained_by(strategy, rows=rows)
    read = []
    monkeypatch.setattr(convert, "opened", Watched.around(convert.opened, read))
    convert.convert(folder / "work" / "end.ckpt", nano, tmp_path / "out", shard="700KB")
    assert equal(weights(tmp_path / "out"), expected)
    assert len(list((tmp_path / "out").glob("*.safetensors"))) > 4
    assert len(read) > 4
    assert max(read) <= 900_000, "a block of layers at most, of 4 MB"


class Watched:
    """Notes how many bytes a checkpoint is asked for at a time."""

    def __init__(self, tensors, read):
        self.tensors, self.noted, self.shapes = tensors, read, tensors.shapes

    @classmethod
    def around(cls, opened, read):
        return lambda path: cls(opened(path), read)

    def read(self, names):
        found = self.tensors.read(names)
        self.noted.append(sum(tensor.nbytes for tensor in found.values()))
        return found


@pytest.mark.parametrize("strategy", ["one process", "fsdp2"])
def test_a_checkpoint_of_another_model_is_refused_by_its_tensors(trained_by, rows, tmp_path, strategy):
    from mmst.training.checkpoint import nano_three_checkpoint

    _, _, folder = trained_by(strategy, rows=rows)
    with pytest.raises(ModelError, match=r"does not fit the model: .*embed_tokens.weight.* missing or of another shape"):
        convert.convert(folder / "work" / "end.ckpt", nano_three_checkpoint(), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("strategy", each(["one process", "ddp", "fsdp2"], quick=["one process"]))
def test_a_killed_training_leaves_nobody_behind_and_ends_with_the_same_weights_to_the_bit(
    trained_by, rows, nano, tmp_path, strategy
):
    options = dataclasses.replace(OPTIONS, steps=12, save_every=4, keep=1)
    expected, _, _ = trained_by(strategy, options, rows=rows)
    held = tmp_path / "held"
    held.touch()
    train = fitter(strategy, tmp_path, callbacks=[{"_target_": HOLDING, "file": str(held), "step": 6}])
    arguments = (nano, tmp_path / "out", rows, options, tmp_path / "work", 1)
    owner = multiprocessing.get_context("fork").Process(target=train, args=arguments)
    owner.start()
    until(lambda: (tmp_path / "work" / "latest").exists())
    os.kill(owner.pid, signal.SIGKILL)
    owner.join()
    until(lambda: not workers_of(tmp_path))
    assert not (tmp_path / "out").exists()
    held.unlink()
    record = train(*arguments)
    assert record.steps == 12
    assert equal(weights(tmp_path / "out"), expected)


DEAF = ("sh", "-c", '"$@" & wait', "sh")
"""A launcher that does not hand on the signal that ends it, as `srun` kills what it started."""


@pytest.mark.soak
@pytest.mark.parametrize(
    ("strategy", "prefix"),
    [("ddp", ()), ("fsdp2", ()), ("zero2", ()), ("one process", DEAF)],
    ids=["ddp", "fsdp2", "zero2", "one process of a deaf launcher"],
)
def test_sigterm_is_a_checkpoint_of_all_processes_and_the_same_end(trained_by, rows, nano, tmp_path, strategy, prefix):
    if strategy.startswith("zero"):
        pytest.importorskip("deepspeed")
    options = dataclasses.replace(OPTIONS, steps=60, save_every=20, keep=1)
    expected, _, _ = trained_by(strategy, options, rows=rows)
    train = fitter(strategy, tmp_path, prefix=prefix)
    arguments = (nano, tmp_path / "out", rows, options, tmp_path / "work", 1)
    owner = multiprocessing.get_context("fork").Process(target=exits_at_sigterm, args=(train, *arguments))
    owner.start()
    until(lambda: (tmp_path / "work" / "latest").exists())
    os.kill(owner.pid, signal.SIGTERM)
    owner.join()
    assert owner.exitcode == 143
    assert not workers_of(tmp_path)
    assert not (tmp_path / "out").exists()
    stopped = int(latest(tmp_path / "work").stem.removeprefix("step-"))
    assert stopped % 20
    train(*arguments)
    assert equal(weights(tmp_path / "out"), expected)


def exits_at_sigterm(train, *arguments):
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(143))
    train(*arguments)


def workers_of(folder):
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes()
        except OSError:
            continue
        if str(folder).encode() in command:
            found.append(process.name)
    return found


@pytest.mark.parametrize("strategy", each(["one process", "ddp"], quick=["one process"]))
def test_what_the_processes_stumble_over_is_one_sentence(rows, nano, tmp_path, strategy):
    options = dataclasses.replace(OPTIONS, optimizer=OptimizerOptions(lr=1e30, warmup=0.0))
    with pytest.raises(TrainingError, match=r"^train: the (loss|gradient) of step \d is not finite"):
        fitter(strategy, tmp_path)(nano, tmp_path / "out", rows, options, tmp_path / "work", 1)
    assert set((tmp_path / "work" / "not_finite.txt").read_text().split()) <= {row.id for row in rows}


@pytest.mark.soak
def test_a_step_that_two_processes_cannot_share_is_refused(rows, nano, tmp_path):
    with pytest.raises(TrainingError, match=r"batch_size=3 .* must be a multiple of 2"):
        fitter("ddp", tmp_path)(nano, tmp_path / "out", rows, dataclasses.replace(OPTIONS, batch_size=3), tmp_path / "work", 1)


def test_processes_that_die_are_named_with_their_log(rows, nano, tmp_path):
    train = fitter("one process", tmp_path, prefix=("sh", "-c", "kill -ABRT $$"))
    with pytest.raises(TrainingError, match=r"its processes ended by signal 6; .*training\.log holds what they wrote"):
        train(nano, tmp_path / "out", rows, OPTIONS, tmp_path / "work", 1)


def test_processes_that_had_no_room_to_say_so_are_told_of_as_such(rows, nano, tmp_path, monkeypatch):
    def full(handle):
        if (tmp_path / "work" / "training.log").exists():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    train = Processes(Launcher(prefix=["false"]), {}, None, Silent(), "train")
    with pytest.raises(UserError, match=rf"no space is left on the device of {tmp_path}/work/"):
        train(nano, tmp_path / "out", rows, OPTIONS, tmp_path / "work", 1)


def test_a_launcher_that_is_not_there_is_named(rows, nano, tmp_path):
    train = Processes(Launcher(prefix=["nosuchlauncher"]), {}, None, Silent(), "train")
    with pytest.raises(Exception, match=r"trainer\.launcher: nosuchlauncher cannot be started"):
        train(nano, tmp_path / "out", rows, OPTIONS, tmp_path / "work", 1)


def test_trainings_that_are_given_one_address_meet_each_under_a_name_of_its_own(tmp_path):
    launcher = Launcher(devices=8, nodes=4, prefix=["srun"], rendezvous="here:1")
    commands = [launcher.command(tmp_path / name / "job.json") for name in ("a", "b")]
    names = [next(word for word in command if word.startswith("--rdzv-id=")) for command in commands]
    assert len(set(names)) == 2
    assert names[0] == f"--rdzv-id={rendezvous_id(tmp_path / 'a' / 'job.json')}"
    assert [word.replace(names[0], "").replace(str(tmp_path / "a"), "") for word in commands[0]] == [
        word.replace(names[1], "").replace(str(tmp_path / "b"), "") for word in commands[1]
    ]


def test_a_start_anew_does_not_meet_those_of_the_killed_one(tmp_path, monkeypatch):
    before = rendezvous_id(tmp_path / "job.json")
    assert before == rendezvous_id(tmp_path / "job.json")
    monkeypatch.setattr(os, "getpid", lambda: -1)
    assert rendezvous_id(tmp_path / "job.json") != before
