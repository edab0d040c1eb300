"""This machine, measured as hardware to plan for: on one and on a few layers of the model, for all of them."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, PreTrainedModel

from mmst.planning.hardware import Hardware
from mmst.planning.size import ModelSize, model_size, shallow
from mmst.samplers.hf import HFSampler
from mmst.samplers.sampler import SamplingParams
from mmst.training.batches import TokenRow, collate
from mmst.training.checkpoint import load_tokenizer, save_checkpoint
from mmst.training.flops import flops_per_token, matmul_rate
from mmst.training.loss import CompletionLoss
from mmst.types import Prompt

REPEATS = 3
ENOUGH = 4.0
"""Seconds after which nothing is repeated: what takes so long is told well enough by one run."""
DEEPEST = 4
"""Layers of the larger of the two models that are tried."""
FEW_STEPS, MANY_STEPS = 4, 20
PROBED_BYTES = 4e9
"""The most that the weights of a measured model may have."""


@dataclass(frozen=True, slots=True)
class Probe:
    """What is tried on this machine."""

    rows: int
    """Of a training batch."""
    length: int
    """Tokens of a row."""
    checkpoint: Path | None
    """Whose tokenizer is used; None: no sampling is tried."""
    prompts: Sequence[Prompt]
    """A batch that is sampled, all by one method: what they begin with is computed once."""


def measured_here(hardware: Hardware, config: Any, probe: Probe) -> Hardware:
    """This machine: its memory, its rate of matrix products, and what layers of the model reach of it."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    rate = matmul_rate(device, torch.bfloat16 if device == "cuda" else torch.float32)
    memory = torch.cuda.mem_get_info()[1] if device == "cuda" else os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    here = replace(hardware, memory=memory / 1e9, rate=rate, bandwidth=_bandwidth(device), per_node=max(hardware.counts))
    size = model_size(config)
    if 4 * sum(p.numel() for p in _layers(config, DEEPEST, "meta").parameters()) > PROBED_BYTES:
        return here
    here = replace(here, training_share=_training_share(config, size, probe.rows, probe.length, device, rate))
    if probe.checkpoint is None:
        return here
    whole = _sampling_times(config, size.layers, probe.checkpoint, probe.prompts)
    part = _sampling_times(config, size.layers, probe.checkpoint, probe.prompts[: max(1, len(probe.prompts) // 4)])
    each = max(0.0, whole.step - part.step) / max(1, whole.batch - part.batch)
    return replace(
        here,
        step_fixed=max(0.0, whole.step - whole.batch * each),
        step_each=each,
        prefill_each=whole.prefill / whole.batch,
    )


def _training_share(config: Any, size: ModelSize, rows: int, length: int, device: str, rate: float) -> float:
    """FLOPs of a step, over what the rate would do in the time that it takes."""
    batch = collate([[_row(config, length)]] * rows, pad_id=0)
    moved = {name: value.to(device) for name, value in batch.items()}

    def seconds(layers: int) -> float:
        model = _layers(config, layers, device).train()
        losses, optimizer = CompletionLoss(model), torch.optim.AdamW(model.parameters())

        def step() -> None:
            optimizer.zero_grad()
            losses(moved).mean().backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()

        return _best_seconds(step, device)

    whole = _extrapolated({few: seconds(few) for few in _depths(size.layers)}, size.layers)
    return flops_per_token(config, size.multiplied, length) * rows * length / whole / rate


@dataclass(frozen=True, slots=True)
class _Times:
    """Seconds of sampling one batch."""

    batch: int
    prefill: float
    step: float


def _sampling_times(config: Any, layers: int, checkpoint: Path, prompts: Sequence[Prompt]) -> _Times:
    """The engine on untrained models of one and of a few layers, whose completions seldom end, for all layers."""
    asked = [replace(prompt, id=str(i), seeds=(i,), stop=()) for i, prompt in enumerate(prompts)]
    found = {few: _engine_seconds(shallow(config, few), checkpoint, asked) for few in _depths(layers)}
    prefill, step = (_extrapolated({few: times[part] for few, times in found.items()}, layers) for part in (0, 1))
    return _Times(len(prompts), prefill, step)


def _engine_seconds(config: Any, checkpoint: Path, asked: Sequence[Prompt]) -> tuple[float, float]:
    """(up to the first token, each further step) of a batch."""
    with tempfile.TemporaryDirectory() as folder:
        model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
        save_checkpoint(model, load_tokenizer(checkpoint), Path(folder) / "model")
        sampler = HFSampler(batch_size=len(asked))
        sampler.load(Path(folder) / "model")
        seconds = [
            _best_seconds(partial(sampler.complete, asked, SamplingParams(temperature=0.7, max_tokens=steps)), "cpu")
            for steps in (FEW_STEPS, MANY_STEPS)
        ]
        sampler.close()
    step = (seconds[1] - seconds[0]) / (MANY_STEPS - FEW_STEPS)
    return max(0.0, seconds[0] - FEW_STEPS * step), step


def _depths(layers: int) -> tuple[int, int]:
    return 1, min(layers, DEEPEST)


def _extrapolated(seconds: Mapping[int, float], layers: int) -> float:
    """The time of all layers, from that of one and of a few."""
    (few, least), (many, most) = min(seconds.items()), max(seconds.items())
    return least + (layers - few) * max(0.0, most - least) / max(1, many - few)


def _best_seconds(step: Callable[[], object], device: str) -> float:
    step()
    best, begun = float("inf"), time.perf_counter()
    for _ in range(REPEATS):
        start = time.perf_counter()
        step()
        if device == "cuda":
            torch.cuda.synchronize()
        best = min(best, time.perf_counter() - start)
        if time.perf_counter() - begun > ENOUGH:
            break
    return best


def _layers(config: Any, layers: int, device: str) -> PreTrainedModel:
    with torch.device(device):
        model: PreTrainedModel = AutoModelForCausalLM.from_config(shallow(config, layers), dtype=torch.float32)
    return model


def _row(config: Any, length: int) -> TokenRow:
    return TokenRow("probe", "", tuple(range(2, 2 + length)), length // 2)


def _bandwidth(device: str) -> float:
    """Bytes a second that are read and written by a copy."""
    source = torch.ones(2**26, device=device)
    target = torch.empty_like(source)
    return 2 * source.nbytes / _best_seconds(lambda: target.copy_(source), device)
