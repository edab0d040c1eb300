"""Memory, time and price of a round, for each number of devices, before anything is run.

Weights, gradients, optimizer states   ZeRO, arXiv 1910.02054, sections 3 and 5: bytes a parameter, and what is divided
Activations                            counted (`mmst.planning.size`); kept at block boundaries alone with recomputation
FLOPs of training                      6 N + attention a token, a third more with recomputation (arXiv 2204.02311, appendix B)
FLOPs of sampling                      2 N a token (arXiv 2001.08361, section 2.1)
A step of sampling                     the longer of reading weights and cache, and computing (arXiv 2211.05102, section 2)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import Any

import torch

from mmst.planning.hardware import Hardware
from mmst.planning.size import ModelSize, activations, model_size
from mmst.training.flops import flops_per_token

LIVE = 1_000_000_000
"""Parameters that ZeRO-3 holds whole at a time, at most (DeepSpeed's stage3_max_live_parameters)."""
LOGIT_BYTES = 16
"""Of one logit at the peak: logits, log-probabilities and the gradients of both, in fp32."""
ADAM = 8
"""Bytes of the two moments of a parameter in fp32."""


class Division(Enum):
    """What is divided over devices: nothing; optimizer states; also gradients; also weights."""

    NONE = 0
    OPTIMIZER = 1
    GRADIENTS = 2
    WEIGHTS = 3


@dataclass(frozen=True, slots=True)
class TrainingSetup:
    """What of a trainer's configuration memory depends on."""

    division: Division
    precision: str = "32-true"
    master: bool = False
    """DeepSpeed: weights of 2 bytes for computing, and of 4 bytes among the optimizer states."""
    blockwise: bool = False
    """FSDP: weights are gathered one block at a time."""
    replicas: bool = False
    """DDP: gradients are copied into buckets."""
    offload_optimizer: bool = False
    offload_weights: bool = False
    recompute: bool = False
    loss_chunk: int | None = None
    batch_size: int = 32
    """Examples of a step."""
    accumulate: int = 1
    length: float = 256
    """Mean tokens of an example: of its time."""
    rows: int = 32
    """Rows of a step, over all devices and accumulated batches: of its memory."""
    longest: int = 256
    """Tokens of the longest row."""
    learned: float = 0.5
    """The share of them that has a loss."""
    trainable: int | None = None
    """Parameters that are trained; None: all."""

    def sentence(self) -> str:
        """How training is divided, in words."""
        divided = {
            Division.NONE: "each device holds all",
            Division.OPTIMIZER: "optimizer states are divided over the devices",
            Division.GRADIENTS: "optimizer states and gradients are divided over the devices",
            Division.WEIGHTS: "optimizer states, gradients and weights are divided over the devices",
        }[self.division]
        offloaded = [
            name for name, yes in (("optimizer states", self.offload_optimizer), ("weights", self.offload_weights)) if yes
        ]
        parts = [self.precision, divided, f"{' and '.join(offloaded)} lie in the host's memory" if offloaded else ""]
        parts.append("activations are recomputed" if self.recompute else "activations are kept")
        parts.append("" if self.trainable is None else f"{self.trainable:,} parameters are trained")
        return "; ".join(part for part in parts if part)


@dataclass(frozen=True, slots=True)
class RoundWork:
    """What one round of all arms has to do."""

    completions: int
    """Sampled, translated and evaluated."""
    prompts: int
    """That they complete: the completions of a prompt share its keys and values."""
    prompt: float
    """Mean tokens of a prompt."""
    own: float
    """The same without those that all prompts of its method begin with: an engine computes and keeps these once."""
    completion: float
    """The same of a completion."""
    longest: int
    """Tokens of the longest completion (max_tokens)."""
    batch: int
    """Completions that one engine samples at a time."""
    trainings: int
    steps: int
    sampling_bytes: float = 2.0
    """Of a weight in the engine."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes on one device, and of the host for one device."""

    weights: float
    gradients: float
    optimizer: float
    activations: float
    host: float

    @property
    def device(self) -> float:
        """All that one device holds."""
        return self.weights + self.gradients + self.optimizer + self.activations


@dataclass(frozen=True, slots=True)
class Estimate:
    """A round on so many devices."""

    devices: int
    training: Memory
    cache: float
    """Keys and values on one device while sampling, bytes."""
    sampling: float
    """Weights on one device while sampling, bytes."""
    shares_evenly: bool
    """Whether a step's examples can be divided over so many devices."""
    training_fits: bool
    sampling_fits: bool
    sampling_seconds: float
    training_seconds: float
    price: float

    @property
    def fits(self) -> bool:
        """Whether a round can be run."""
        return self.shares_evenly and self.training_fits and self.sampling_fits


def training_memory(config: Any, size: ModelSize, setup: TrainingSetup, devices: int) -> Memory:
    """What one of `devices` devices holds at the peak of a training step."""
    n, trained = size.parameters, setup.trainable or size.parameters
    half, mixed = setup.precision == "bf16-true" or setup.master, setup.precision == "bf16-mixed" and not setup.master
    compute = 2 if half or mixed else 4
    stored = 2 if half else 4

    def divided(amount: float, by: Division) -> float:
        return amount / devices if setup.division.value >= by.value else amount

    kept = _activations(config, size, setup, devices, half, mixed)
    weights = divided(stored * n, Division.WEIGHTS)
    whole = weights  # on the device
    if setup.division is Division.WEIGHTS and setup.blockwise:
        whole += (min(n, size.outside) + 2 * size.block) * compute * (devices > 1)
    elif setup.division is Division.WEIGHTS:
        whole += min(n, LIVE) * compute * (devices > 1 or setup.offload_weights)
    elif mixed:
        whole += compute * n  # autocast's casts of weights are kept for the backward pass
    gradients = divided(stored * trained, Division.GRADIENTS)
    if setup.replicas and devices > 1:
        gradients *= 2
    optimizer = divided(
        (ADAM + 4 * setup.master) * trained if stored == 4 or setup.master else ADAM / 2 * trained, Division.OPTIMIZER
    )
    host = optimizer * setup.offload_optimizer + gradients * setup.offload_optimizer + weights * setup.offload_weights
    return Memory(
        whole - weights * setup.offload_weights,
        gradients if not setup.offload_optimizer else min(gradients, LIVE * stored),
        0.0 if setup.offload_optimizer else optimizer,
        kept,
        host,
    )


def step_seconds(size: ModelSize, hardware: Hardware, devices: int, weight_bytes: float, batch: int, context: float) -> float:
    """One more token of each completion of a batch, by one engine over `devices` devices."""
    moved = weight_bytes * (size.parameters + batch * context * size.cached)
    computed = 2.0 * size.multiplied * batch
    return max(moved / hardware.bandwidth, computed / hardware.rate) / devices / hardware.sampling_share


def sampling_seconds(size: ModelSize, work: RoundWork, hardware: Hardware, devices: int) -> float:
    """All completions of a round by one engine over `devices` devices.

    An engine on GPUs keeps its batch full. Here a batch ends with its longest completion: lengths are taken to be spread evenly
    between nothing and twice their mean.
    """
    if hardware.step_fixed is None or hardware.step_each is None or hardware.prefill_each is None:
        prefill = 2.0 * size.multiplied * work.own / (hardware.rate * hardware.training_share * devices)
        step = step_seconds(size, hardware, devices, work.sampling_bytes, work.batch, work.prompt + work.completion / 2)
        return work.completions * work.completion * step / work.batch + work.prompts * prefill
    batches = math.ceil(work.completions / work.batch)
    steps = min(float(work.longest), 2 * work.completion)
    each = work.completions * work.completion * hardware.step_each + work.prompts * hardware.prefill_each
    return batches * steps * hardware.step_fixed + each


def estimates(config: Any, setup: TrainingSetup, work: RoundWork, hardware: Hardware) -> list[Estimate]:
    """A round on each of the hardware's numbers of devices."""
    size = model_size(config)
    return [_estimate(config, size, setup, work, hardware, devices) for devices in hardware.counts]


def training_seconds(config: Any, size: ModelSize, setup: TrainingSetup, hardware: Hardware, devices: int, steps: int) -> float:
    """All steps of one training. Weights that are not trained need no gradients of their own: a third of the operations."""
    again = 4 / 3 if setup.recompute else 1.0
    trained = 1.0 if setup.trainable is None else (2 + min(1.0, setup.trainable / size.parameters)) / 3
    flops = flops_per_token(config, size.multiplied, setup.length) * again * trained * setup.batch_size * setup.length * steps
    return flops / (hardware.rate * hardware.training_share * devices)


def _estimate(
    config: Any, size: ModelSize, setup: TrainingSetup, work: RoundWork, hardware: Hardware, devices: int
) -> Estimate:
    usable = hardware.memory * 1e9 * (1 - hardware.spare)
    memory = training_memory(config, size, setup, devices)
    host = memory.host * min(devices, hardware.per_node)
    weights = work.sampling_bytes * size.parameters
    shared = work.prompt - work.own
    cache = work.sampling_bytes * size.cached * (shared + (work.own + work.completion) * work.batch)
    engine = min(devices, 2 ** max(0, math.ceil(math.log2(max(1.0, (weights + cache) / usable)))))
    sampling = sampling_seconds(size, work, hardware, engine) / (devices // engine)
    training = work.trainings * training_seconds(config, size, setup, hardware, devices, work.steps)
    return Estimate(
        devices=devices,
        training=memory,
        cache=cache / engine,
        sampling=weights / engine,
        shares_evenly=setup.batch_size % (devices * setup.accumulate) == 0,
        training_fits=memory.device <= usable and host <= hardware.host_memory * 1e9,
        sampling_fits=(weights + cache) / engine <= usable,
        sampling_seconds=sampling,
        training_seconds=training,
        price=(sampling + training) / 3600 * devices * hardware.price,
    )


def _activations(config: Any, size: ModelSize, setup: TrainingSetup, devices: int, half: bool, mixed: bool) -> float:
    """Of one batch of one device, with the logits of its completion tokens."""
    rows = math.ceil(setup.rows / devices / setup.accumulate)
    dtype = torch.bfloat16 if half else torch.float32
    kept = activations(config, rows, setup.longest, dtype, mixed)
    boundary = rows * setup.longest * size.hidden * (2 if half else 4)
    learned = rows * setup.longest * setup.learned
    at_once = learned if setup.loss_chunk is None else min(learned, setup.loss_chunk)
    return kept.kept(size.layers, boundary, setup.recompute) + at_once * size.vocabulary * LOGIT_BYTES
