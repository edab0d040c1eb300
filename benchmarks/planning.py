"""`plan=true` against what a training and a sampling on this machine take: estimate over measurement, for nano and SmolLM2."""

from __future__ import annotations

import functools
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lightning

from mmst.methods.prompt import PromptFormat

STEPS = 12
LONGEST = 64
FORM = PromptFormat(cue="Answer:", lead=" ", key="text")
EXACT = {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": "65536"}
"""Without these, glibc keeps what small tensors have given back: half as much again for nano, next to nothing for SmolLM2."""
SHAPES = {"nano": (128, 96, 256), "smollm2": (8, 192, 64)}
"""Examples of a step, tokens of each, completions at a time."""


def checkpoint(name: str) -> Path:
    """The folder of a model."""
    from mmst.training.checkpoint import nano_checkpoint, smollm2_checkpoint

    return nano_checkpoint() if name == "nano" else smollm2_checkpoint("runs/models")


def measured(name: str) -> dict[str, float]:
    """Seconds of a step and bytes of a training, and seconds of a step of sampling, in a process of its own."""
    from mmst.samplers.hf import HFSampler
    from mmst.samplers.sampler import SamplingParams
    from mmst.training.batches import TokenRow
    from mmst.training.fit import fit
    from mmst.training.flops import matmul_rate
    from mmst.training.options import TrainingOptions
    from mmst.types import Prompt

    rows, length, batch = SHAPES[name]
    start = checkpoint(name)
    matmul_rate()

    def trained(rows: int, length: int, steps: int, callbacks: Sequence[Any] = ()) -> None:
        examples = [TokenRow(str(i), "e", tuple(range(5, 5 + length)), length // 2) for i in range(rows)]
        trainer = functools.partial(
            lightning.Trainer, accelerator="cpu", logger=False, enable_progress_bar=False, enable_model_summary=False,
            gradient_clip_val=1.0,
        )  # fmt: skip
        with tempfile.TemporaryDirectory() as folder:
            options = TrainingOptions(steps=steps, batch_size=rows, save_every=1000)
            fit(start, Path(folder) / "out", examples, options, trainer, Path(folder) / "work", 0, callbacks)

    sampler, params = HFSampler(device="cpu", batch_size=batch), SamplingParams(temperature=0.7, max_tokens=LONGEST)
    sampler.load(start)
    asked = [Prompt(str(i), text, (0,)) for i, text in enumerate(prompts(batch))]
    sampler.complete(asked[:4], params)
    sampling = float("inf")
    for _ in range(3):  # a round samples many batches; the first one also makes its buffers
        begun = time.perf_counter()
        done = [c for group in sampler.complete(asked, params) for c in group]
        sampling = min(sampling, time.perf_counter() - begun)
    sampler.close()
    if name == "nano":
        trained(1, 8, 1)  # what libraries and threads take once is no part of the model's memory
    before, watch = resident(), Watching()
    trained(rows, length, STEPS, [watch])
    return {
        "seconds of a training step": min(watch.steps[2:]),
        "bytes of a training": watch.peak - before,
        "seconds of sampling a batch": sampling,
        "prompt": sum(c.prompt_tokens for c in done) / len(done),
        "completion": sum(c.completion_tokens for c in done) / len(done),
    }


def resident() -> float:
    """Bytes of this process now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def prompts(count: int) -> list[str]:
    """Prompts without exemplars."""
    from mmst.datasets.arithmetic.world import draw_problems
    from mmst.methods.prompt import PromptWriter

    return [PromptWriter().solve(problem, FORM) for problem in draw_problems("validation", count, 3)]


class Watching(lightning.Callback):
    """Times steps, and takes the peak of the process's memory."""

    def __init__(self) -> None:
        self.steps: list[float] = []
        self.peak, self.last = 0.0, 0.0

    def on_train_batch_start(self, *rest: object) -> None:
        """Start the clock."""
        self.last = time.perf_counter()

    def on_train_batch_end(self, *rest: object) -> None:
        """Stop it."""
        self.steps.append(time.perf_counter() - self.last)
        self.peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def estimated(name: str, prompt: float, completion: float) -> dict[str, float]:
    """The same by the plan."""
    from transformers import AutoConfig

    from mmst.planning.estimate import Division, RoundWork, TrainingSetup, sampling_seconds, training_memory, training_seconds
    from mmst.planning.hardware import Hardware
    from mmst.planning.measure import Probe, measured_here
    from mmst.planning.size import model_size

    rows, length, batch = SHAPES[name]
    config = AutoConfig.from_pretrained(checkpoint(name))
    size = model_size(config)
    setup = TrainingSetup(Division.NONE, batch_size=rows, rows=rows, length=length, longest=length, learned=0.5)
    here = measured_here(Hardware("here", 1, 1, 1, counts=[1]), config, Probe(rows, length, checkpoint(name), prompts(batch)))
    work = RoundWork(batch, batch, prompt, prompt, completion, LONGEST, batch, 1, 1, 4.0)
    return {
        "seconds of a training step": training_seconds(config, size, setup, here, 1, 1),
        "bytes of a training": training_memory(config, size, setup, 1).device,
        "seconds of sampling a batch": sampling_seconds(size, work, here, 1),
    }


def main() -> None:
    """Print a table for every model, or for those that are named; with a model's name and a role, do that alone."""
    if len(sys.argv) > 2 and sys.argv[2] in ("measured", "estimated"):
        name, role, *lengths = sys.argv[1:]
        print(json.dumps(measured(name) if role == "measured" else estimated(name, *map(float, lengths))))
        return
    for name in sys.argv[1:] or SHAPES:
        real = _in_process({}, name, "measured")
        real["bytes of a training"] = _in_process(EXACT, name, "measured")["bytes of a training"]
        lengths = [real.pop("prompt"), real.pop("completion")]
        plan = _in_process({}, name, "estimated", *map(str, lengths))
        for key, value in real.items():
            print(f"{name:8} {key:28} estimated {plan[key]:.4g}  measured {value:.4g}  ratio {plan[key] / value:.2f}")


def _in_process(environment: dict[str, str], *arguments: str) -> dict[str, float]:
    command = [sys.executable, __file__, *arguments]
    found: dict[str, float] = json.loads(
        subprocess.run(
            command, capture_output=True, text=True, check=True, env={**os.environ, **environment}
        ).stdout.splitlines()[-1]
    )
    return found


if __name__ == "__main__":
    main()
