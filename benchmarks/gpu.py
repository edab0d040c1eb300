"""What one GPU does in under 15 minutes: sampling, training, sharded strategies on one device, resuming, memory against `plan`.

    python benchmarks/gpu.py --model Qwen/Qwen2.5-0.5B          on a card (a folder or an id of the Hub; smollm2; nano)
    python benchmarks/gpu.py --device cpu --tiny                that every part runs: its numbers mean nothing

Parts, each in a process of its own, so that memory is free again and a failure is one line of the table:

    generate, hf, vllm       tokens/s of the same prompts and samples: transformers' generate, sampler=hf, sampler=vllm
    padded, bucketed         tokens/s of the same examples in bf16: Lightning's padded batches; ours of like lengths
    packed-sdpa, packed-flash    ours in packed rows, by SDPA with a mask of blocks and by FlashAttention 2
    trl, trl-packed          trl's SFTTrainer, padded, and packed (needs FlashAttention)
    fsdp2, deepspeed         packed rows again, by a sharded strategy on one device: what its machinery costs
    resume                   a training that is broken off and resumed, against an undisturbed one: equal to the bit?
    plan                     the bytes of a training by `plan=true` against those of `packed-sdpa`

A part that cannot run here says why. The table is Markdown, as docs/training.md takes it.
"""

from __future__ import annotations

import argparse
import functools
import importlib.util
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
import training as trainings  # benchmarks/training.py, the folder of a script being on its path
from sampling import MAX_TOKENS, by_generate, prompts

from mmst.errors import UserError, first_line

MINUTES = 15.0
SHOTS = 8
FLASH = "flash_attention_2"
STRATEGIES = {
    "fsdp2": ("mmst.training.building", "FullyShardStrategy", {}),
    "deepspeed": ("lightning.pytorch.strategies", "DeepSpeedStrategy", {"stage": 2}),
}
NEEDS = {"vllm": "vllm", "trl": "trl", "trl-packed": "flash_attn", "packed-flash": "flash_attn", "deepspeed": "deepspeed"}
"""Part -> the module without which it does not run."""
CARD_ONLY = ("packed-flash", "trl-packed", "deepspeed")
"""What no CPU runs."""


class CannotRunError(Exception):
    """Why a part is left out."""


def by_engine(options: argparse.Namespace) -> dict[str, float]:
    """Tokens a second of one of the samplers, or of `generate` at the best of some batch sizes."""
    checkpoint = trainings.checkpoint(options.model)
    asked = prompts(options.problems, 0 if options.tiny else SHOTS, options.samples)
    if options.part == "generate":
        return _by_generate(checkpoint, asked, options)
    from mmst.samplers.hf import HFSampler
    from mmst.samplers.sampler import SamplingParams
    from mmst.samplers.vllm import VLLMSampler

    hf = functools.partial(HFSampler, device=options.device, dtype="auto" if options.device == "cpu" else "bfloat16")
    sampler: Any = hf() if options.part == "hf" else VLLMSampler(dtype="bfloat16")
    sampler.load(checkpoint)
    params = SamplingParams(temperature=0.7, max_tokens=MAX_TOKENS)
    sampler.complete(asked[:2], params)
    begun = time.perf_counter()
    tokens = sum(c.completion_tokens for group in sampler.complete(asked, params) for c in group)
    rate = tokens / (time.perf_counter() - begun)
    sampler.close()
    return {"rate": rate, **({"peak": trainings.peak_bytes(options.device)} if options.part == "hf" else {})}


def _by_generate(checkpoint: Path, asked: Sequence[Any], options: argparse.Namespace) -> dict[str, float]:
    from mmst.training.checkpoint import load_model, load_tokenizer

    dtype = torch.float32 if options.device == "cpu" else torch.bfloat16
    model, tokenizer = load_model(checkpoint).to(options.device, dtype).eval(), load_tokenizer(checkpoint)
    by_generate(model, tokenizer, asked[:2], False, options.samples)
    rates = []
    for batch in (16,) if options.tiny else (64, 256):
        begun = time.perf_counter()
        rows = by_generate(model, tokenizer, asked, False, max(batch, options.samples))
        rates.append(sum(map(len, rows)) / (time.perf_counter() - begun))
    return {"rate": max(rates), "peak": trainings.peak_bytes(options.device)}


def by_training(options: argparse.Namespace) -> dict[str, float]:
    """Tokens a second of a way to train, with its loss on unseen examples and the most memory."""
    if options.part in STRATEGIES:
        module, name, more = STRATEGIES[options.part]
        options.strategy = getattr(importlib.import_module(module), name)(**more)
    options.contender = {"padded": "lightning", "trl": "trl", "trl-packed": "trl-packed", "bucketed": "bucketed"}.get(
        options.part, "packed"
    )
    options.attention = FLASH if options.part == "packed-flash" else "sdpa" if options.contender == "packed" else None
    return trainings.contend(options)


def resumed(options: argparse.Namespace) -> dict[str, float]:
    """The greatest difference of a weight between a training that was broken off and an undisturbed one: 0 is to the bit."""
    import lightning
    from safetensors.torch import load_file

    from mmst.training.fit import fit
    from mmst.training.options import TrainingOptions

    class Stop(lightning.Callback):
        def on_train_batch_end(self, trainer: lightning.Trainer, *rest: object) -> None:
            if trainer.global_step == steps // 2 + 1:
                raise InterruptedError

    steps, start = 6, trainings.checkpoint(options.model)
    rows = trainings.examples(options.model, steps * options.batch)
    training = TrainingOptions(
        steps=steps, batch_size=options.batch, longest=1024, layout="packed", row=options.row, save_every=2, attention="sdpa"
    )
    trainer = functools.partial(
        lightning.Trainer, accelerator=options.device, devices=1, precision=trainings.precision(options), logger=False,
        enable_progress_bar=False, enable_model_summary=False, gradient_clip_val=1.0,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)

        def run(where: str, *callbacks: lightning.Callback) -> dict[str, torch.Tensor]:
            fit(start, folder / where, rows, training, trainer, folder / f"{where}-work", 0, callbacks)
            return {key: value for path in (folder / where).glob("*.safetensors") for key, value in load_file(path).items()}

        whole = run("whole")
        try:
            run("broken", Stop())
        except InterruptedError:
            pass
        else:
            raise AssertionError("the training was not broken off")
        again = run("broken")
    return {"difference": max(float((whole[key].float() - again[key].float()).abs().max()) for key in whole)}


def planned(options: argparse.Namespace) -> dict[str, float]:
    """Bytes of a training by the plan, for the part `packed-sdpa`."""
    from transformers import AutoConfig

    from mmst.planning.estimate import Division, TrainingSetup, training_memory
    from mmst.planning.size import model_size

    config = AutoConfig.from_pretrained(trainings.checkpoint(options.model))
    rows = trainings.examples(options.model, options.batch)
    mean = sum(len(row.tokens) for row in rows) / len(rows)
    setup = TrainingSetup(
        Division.NONE, precision=trainings.precision(options), batch_size=options.batch, length=mean,
        rows=max(1, round(options.batch * mean / options.row)), longest=options.row,
        learned=sum(len(row.tokens) - row.prompt_length for row in rows) / sum(len(row.tokens) for row in rows),
    )  # fmt: skip
    return {"planned": training_memory(config, model_size(config), setup, 1).device}


PARTS: dict[str, Callable[[argparse.Namespace], dict[str, float]]] = {
    **dict.fromkeys(("generate", "hf", "vllm"), by_engine),
    **dict.fromkeys(
        ("padded", "bucketed", "packed-sdpa", "packed-flash", "trl", "trl-packed", "fsdp2", "deepspeed"), by_training
    ),
    "resume": resumed,
    "plan": planned,
}


def check(part: str, device: str) -> None:
    """Refuse a part that cannot run here.

    Raises:
        CannotRunError: with the reason.
    """
    if device == "cpu" and part in CARD_ONLY:
        raise CannotRunError("needs a GPU")
    if device == "cpu" and part == "vllm":
        raise CannotRunError("measured on a GPU alone; its CPU build is tested in tests/samplers/test_vllm.py")
    if part in NEEDS and importlib.util.find_spec(NEEDS[part]) is None:
        raise CannotRunError(f"{NEEDS[part]} is not installed")


def in_process(part: str, arguments: Sequence[str], seconds: float) -> dict[str, Any]:
    """What a part found, in a process of its own, or why it did not."""
    try:
        done = subprocess.run(
            [sys.executable, __file__, *arguments, "--part", part], capture_output=True, text=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        return {"why": f"stopped after {seconds:.0f} s"}
    lines = done.stdout.strip().splitlines()
    if done.returncode or not lines:
        return {"why": (done.stderr.strip().splitlines() or ["no word"])[-1][:200], "failed": True}
    found: dict[str, Any] = json.loads(lines[-1])
    return found


def table(found: dict[str, dict[str, Any]]) -> str:
    """The parts as a table in Markdown, with ratios to `generate` and to padded batches."""
    lines = ["| part | tokens/s | ratio | loss on unseen | peak memory | |", "| --- | --- | --- | --- | --- | --- |"]
    for part, row in found.items():
        peer = found.get("generate" if PARTS[part] is by_engine else "padded", {}).get("rate")
        cells = [
            f"{row['rate']:,.0f}" if "rate" in row else "",
            f"{row['rate'] / peer:.2f}" if "rate" in row and peer else "",
            f"{row['loss']:.4f}" if "loss" in row else "",
            f"{row['peak'] / 2**30:.2f} GB" if "peak" in row else "",
            remark(part, row, found),
        ]
        lines.append(f"| {part} | {' | '.join(cells)} |")
    return "\n".join(lines)


def remark(part: str, row: dict[str, Any], found: dict[str, dict[str, Any]]) -> str:
    """What a part says beside its rates."""
    if "difference" in row:
        return "equal to the bit" if row["difference"] == 0 else f"a weight differs by {row['difference']:.2g}"
    if "planned" in row:
        peak = found.get("packed-sdpa", {}).get("peak")
        beside = f", {row['planned'] / peak:.2f} of what packed-sdpa took" if peak else ""
        return f"{row['planned'] / 2**30:.2f} GB planned{beside}"
    return str(row.get("why", ""))


def arguments(given: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", help="smollm2 (the default), nano, a folder, or an id of the Hub")
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    parser.add_argument("--tiny", action="store_true", help="nano and a few steps: only that the parts run")
    parser.add_argument("--parts", nargs="+", default=list(PARTS), choices=list(PARTS))
    parser.add_argument("--minutes", type=float, default=MINUTES, help="for all parts; what does not fit is left out")
    parser.add_argument("--part", help=argparse.SUPPRESS)
    parser.set_defaults(epochs=1, groups=4, lora=None, unseen=64, attention=None, strategy="auto", contender=None)
    options = parser.parse_args(given)
    options.model = options.model or ("nano" if options.tiny else "smollm2")
    options.problems, options.samples = (4, 2) if options.tiny else (128, 8)
    options.steps, options.batch, options.row = (2, 2, 700) if options.tiny else (60, 32, 4096)
    return options


def main() -> None:
    """Run the parts one after the other, and print the table; with --part, do that one and print what it found."""
    options = arguments(sys.argv[1:])
    if options.part:
        try:
            check(options.part, options.device)
            print(json.dumps(PARTS[options.part](options)))
        except CannotRunError as reason:
            print(json.dumps({"why": str(reason)}))
        except UserError as error:
            print(json.dumps({"why": first_line(error), "failed": True}))
        return
    if options.device == "cuda" and not torch.cuda.is_available():
        sys.exit("no GPU is here; --device cpu --tiny shows that the parts run")
    end = time.monotonic() + 60 * options.minutes
    found: dict[str, dict[str, Any]] = {}
    for part in options.parts:
        left = end - time.monotonic()
        found[part] = in_process(part, sys.argv[1:], left) if left > 1 else {"why": "no time was left"}
        print(f"{part}: {json.dumps(found[part])}", file=sys.stderr, flush=True)
    card = torch.cuda.get_device_name() if options.device == "cuda" else "CPU"
    print(f"{options.model} on {card}, {'fp32' if options.device == 'cpu' else 'bf16'}\n\n{table(found)}")
    sys.exit(any("failed" in row for row in found.values()))


if __name__ == "__main__":
    main()
