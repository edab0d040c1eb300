"""Bytes a parameter as the ZeRO paper counts them (arXiv 1910.02054, figure 1), and what follows for time and price."""

from dataclasses import replace

import pytest
from transformers import AutoConfig

from mmst.errors import ConfigError
from mmst.planning.estimate import Division, RoundWork, TrainingSetup, estimates, sampling_seconds, training_memory
from mmst.planning.hardware import Hardware
from mmst.planning.size import model_size

CONFIG = AutoConfig.for_model(
    "llama", hidden_size=256, intermediate_size=512, num_hidden_layers=4, num_attention_heads=4, vocab_size=1000
)
SIZE = model_size(CONFIG)
N = SIZE.parameters
GPU = Hardware("GPU", memory=1.0, rate=1e12, bandwidth=1e11, price=2.0, counts=[1, 2, 4, 8])
WORK = RoundWork(completions=1000, prompts=1000, prompt=50, own=50, completion=20, longest=64, batch=100, trainings=2, steps=10)
ZERO = TrainingSetup(Division.OPTIMIZER, precision="bf16-mixed", master=True, batch_size=8, rows=8, longest=64, length=40)


@pytest.mark.parametrize(
    ("division", "expected"),
    [
        (Division.OPTIMIZER, 2 + 2 + 12 / 64),
        (Division.GRADIENTS, 2 + (2 + 12) / 64),
        (Division.WEIGHTS, (2 + 2 + 12) / 64),
    ],
)
def test_model_states_are_those_of_the_zero_paper(division, expected):
    memory = training_memory(CONFIG, SIZE, replace(ZERO, division=division, blockwise=False), 64)
    gathered = 2 * N if division is Division.WEIGHTS else 0  # what DeepSpeed holds whole for computing
    assert memory.weights + memory.gradients + memory.optimizer == pytest.approx(expected * N + gathered)
    assert memory.host == 0


def test_one_device_in_fp32_holds_sixteen_bytes_a_parameter():
    memory = training_memory(CONFIG, SIZE, TrainingSetup(Division.NONE), 1)
    assert memory.weights + memory.gradients + memory.optimizer == 16 * N
    half = training_memory(CONFIG, SIZE, TrainingSetup(Division.NONE, precision="bf16-true"), 1)
    assert half.weights + half.gradients + half.optimizer == 8 * N
    mixed = training_memory(CONFIG, SIZE, TrainingSetup(Division.NONE, precision="bf16-mixed"), 1)
    assert mixed.weights == 6 * N


def test_ddp_copies_gradients_and_fsdp_gathers_block_by_block():
    assert training_memory(CONFIG, SIZE, TrainingSetup(Division.NONE, replicas=True), 2).gradients == 8 * N
    sharded = training_memory(CONFIG, SIZE, TrainingSetup(Division.WEIGHTS, blockwise=True), 4)
    assert sharded.weights == N + 4 * (SIZE.outside + 2 * SIZE.block)


def test_what_is_offloaded_lies_with_the_host():
    offloaded = replace(ZERO, division=Division.WEIGHTS, offload_optimizer=True, offload_weights=True)
    memory = training_memory(CONFIG, SIZE, offloaded, 4)
    assert memory.optimizer == 0
    assert memory.host == pytest.approx((12 + 2 + 2) * N / 4)


def test_chunks_and_recomputation_save_activations():
    whole = training_memory(CONFIG, SIZE, ZERO, 1).activations
    assert training_memory(CONFIG, SIZE, replace(ZERO, loss_chunk=8), 1).activations < whole
    assert training_memory(CONFIG, SIZE, replace(ZERO, recompute=True), 1).activations < whole
    assert training_memory(CONFIG, SIZE, replace(ZERO, accumulate=2), 1).activations == pytest.approx(whole / 2, rel=0.01)


def test_more_devices_take_less_time_and_the_same_price():
    rows = estimates(CONFIG, ZERO, WORK, GPU)
    assert [row.devices for row in rows] == [1, 2, 4, 8]
    assert all(row.fits for row in rows)
    assert rows[3].training_seconds == pytest.approx(rows[0].training_seconds / 8)
    assert rows[3].price == pytest.approx(rows[0].price)


def test_what_does_not_fit_says_what():
    small = replace(GPU, memory=0.02)
    assert not estimates(CONFIG, ZERO, WORK, small)[0].training_fits
    assert not estimates(CONFIG, replace(ZERO, batch_size=6), WORK, GPU)[2].shares_evenly
    many = replace(WORK, batch=10**6)
    assert [row.sampling_fits for row in estimates(CONFIG, ZERO, many, replace(GPU, counts=[1, 64, 1024]))] == [
        False,
        False,
        True,
    ]


def test_recomputation_costs_a_third_more_time():
    plain, again = (estimates(CONFIG, replace(ZERO, recompute=flag), WORK, GPU)[0].training_seconds for flag in (False, True))
    assert again == pytest.approx(plain * 4 / 3)


def test_a_measured_batch_ends_with_its_longest_completion():
    here = replace(GPU, step_fixed=0.1, step_each=0.001, prefill_each=0.01)
    assert sampling_seconds(SIZE, WORK, here, 1) == pytest.approx(10 * 40 * 0.1 + 1000 * (20 * 0.001 + 0.01))
    assert sampling_seconds(SIZE, replace(WORK, longest=30), here, 1) == pytest.approx(10 * 30 * 0.1 + 1000 * 0.03)
    assert sampling_seconds(SIZE, replace(WORK, prompts=250), here, 1) == pytest.approx(40 + 1000 * 0.02 + 250 * 0.01)


def test_what_completions_and_prompts_share_is_computed_and_kept_once():
    plain, shared = (estimates(CONFIG, ZERO, work, GPU)[0] for work in (WORK, replace(WORK, own=10)))
    assert shared.cache == pytest.approx(4 * SIZE.cached * (40 + 100 * (10 + 20)) / 2)
    assert shared.cache < plain.cache
    assert shared.sampling_seconds < plain.sampling_seconds
    assert estimates(CONFIG, ZERO, replace(WORK, prompts=250), GPU)[0].sampling_seconds < plain.sampling_seconds


@pytest.mark.parametrize("wrong", [{"memory": 0.0}, {"training_share": 0.0}, {"counts": []}, {"counts": [0]}])
def test_hardware_that_cannot_be_is_refused(wrong):
    with pytest.raises(ConfigError, match=r"hardware\."):
        replace(GPU, **wrong)
