"""How fast `sampler=hf` samples, as a ratio against plain `model.generate` in the same run.

    python benchmarks/sampling.py                                          nano (minutes)
    python benchmarks/sampling.py --model smollm2 --peer-problems 8        a real model; the peer gets a part of the work

Two settings: a prompt of eight exemplars, and a bare one. The peer gets left-padded batches, sorted by length, at the best of
several batch sizes, and stops at the end-of-sequence token as ours does. Both draw the same number of samples under the same
sampling parameters; nano's positions are widened for the long prompt, which changes no shape and no speed. Greedy outputs are
compared row by row, and a difference is shown with the gap between the two likeliest tokens at the first differing place: a
floating-point tie has next to none. Beside the rates stands what the machine's matrix multiplication would allow.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from mmst.datasets.arithmetic.world import draw_problems
from mmst.methods.prompt import PromptFormat, PromptWriter
from mmst.samplers.hf import HFSampler
from mmst.samplers.sampler import SamplingParams
from mmst.training.checkpoint import load_model, load_tokenizer, nano_checkpoint, smollm2_checkpoint
from mmst.types import Prompt

MAX_TOKENS = 60
PEER_BATCHES = "8,16,32,64"
"""Sequences a batch that the peer may choose from."""


def prompts(problems: int, shots: int, samples: int) -> list[Prompt]:
    """Prompts by text, with `samples` seeds each."""
    form = PromptFormat(cue="Answer:", lead=" ", key="text", instruction="Solve each problem step by step.", shots=shots)
    drawn = draw_problems("validation", problems, 3)
    return [Prompt(p.id, PromptWriter().solve(p, form), tuple(range(samples))) for p in drawn]


@torch.inference_mode()
def by_generate(model: Any, tokenizer: Any, asked: Sequence[Prompt], greedy: bool, batch: int) -> list[list[int]]:
    """Plain `generate`; returns new tokens by sequence, in the prompts' order."""
    tokenizer.padding_side = "left"
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    samples = len(asked[0].seeds)
    order = sorted(range(len(asked)), key=lambda i: len(tokenizer.encode(asked[i].text)))
    size = max(1, batch // samples)
    found: dict[int, list[list[int]]] = {}
    for start in range(0, len(order), size):
        rows = order[start : start + size]
        inputs = tokenizer([asked[i].text for i in rows], return_tensors="pt", padding=True)
        inputs = inputs.to(model.device)
        inputs.pop("token_type_ids", None)
        how = {"do_sample": False} if greedy else {"do_sample": True, "temperature": 0.7, "top_k": 0, "top_p": 1.0}
        out = model.generate(
            **inputs, **how, num_return_sequences=samples, max_new_tokens=MAX_TOKENS, pad_token_id=tokenizer.pad_token_id
        )
        new = out[:, inputs["input_ids"].shape[1] :].tolist()
        for n, i in enumerate(rows):
            found[i] = [_until_end(row, tokenizer.eos_token_id) for row in new[n * samples : (n + 1) * samples]]
    return [row for i in range(len(asked)) for row in found[i]]


def _until_end(row: list[int], end: int) -> list[int]:
    return row[: row.index(end) + 1] if end in row else row


def differing_rows(model: Any, tokenizer: Any, asked: Sequence[Prompt], ours: Sequence[str], theirs: Sequence[str]) -> str:
    """How many greedy rows differ, and the largest gap in log-probability at a first differing token."""
    gaps = []
    for prompt, a, b in zip(asked, ours, theirs, strict=True):
        if a == b:
            continue
        left, right = (tokenizer.encode(text, add_special_tokens=False) for text in (a, b))
        same = next((i for i, (x, y) in enumerate(zip(left, right, strict=False)) if x != y), min(len(left), len(right)))
        ids = torch.tensor([tokenizer.encode(prompt.text) + left[:same]])
        with torch.inference_mode():
            top = model(ids).logits[0, -1].log_softmax(-1).topk(2).values
        gaps.append(float(top[0] - top[1]))
    return f"{len(gaps)} of {len(asked)} greedy rows differ" + (f" (largest gap {max(gaps):.2g})" if gaps else "")


def multiply_rate() -> float:
    """fp32 multiply-adds a second of this machine, by a matrix product of 1024 x 1024."""
    a, b = torch.randn(1024, 1024), torch.randn(1024, 1024)
    a @ b
    begun = time.perf_counter()
    for _ in range(20):
        a @ b
    return 20 * 1024**3 / (time.perf_counter() - begun)


def setting(
    checkpoint: Path, title: str, shots: int, problems: int, samples: int, peer_problems: int, batches: Sequence[int]
) -> None:
    """Measure one setting and print its lines."""
    sampler, params = HFSampler(device="cpu"), SamplingParams(temperature=0.7, max_tokens=MAX_TOKENS)
    sampler.load(checkpoint)
    model, tokenizer = load_model(checkpoint).eval(), load_tokenizer(checkpoint)
    asked = prompts(problems, shots, samples)
    single = [replace(prompt, seeds=(0,)) for prompt in asked]
    sampler.complete(asked[:2], params)
    single = single[:peer_problems]
    greedy = [group[0].text for group in sampler.complete(single, replace(params, temperature=0.0))]
    peer = by_generate(model, tokenizer, single, True, 16)
    texts = [tokenizer.decode(row, skip_special_tokens=True) for row in peer]
    print(f"{title}: {problems} problems x {samples} samples, prompts of {len(tokenizer.encode(asked[-1].text))} tokens")
    print(f"  {differing_rows(model, tokenizer, single, greedy, texts)}")
    begun = time.perf_counter()
    ours = sum(c.completion_tokens for group in sampler.complete(asked, params) for c in group)
    our_rate = ours / (time.perf_counter() - begun)
    rates = {}
    part = asked[:peer_problems]
    for batch in batches:
        begun = time.perf_counter()
        rows = by_generate(model, tokenizer, part, False, max(batch, samples))
        rates[batch] = sum(map(len, rows)) / (time.perf_counter() - begun)
    best = max(rates, key=lambda batch: rates[batch])
    limit = multiply_rate() / sum(p.numel() for p in model.parameters())
    print(
        f"  ours {our_rate:.0f} tokens/s, generate {rates[best]:.0f} (batch {best}; "
        f"over {len(part)} problems): ratio {our_rate / rates[best]:.2f}"
    )
    print(f"  the machine multiplies for {limit:.0f} tokens/s at most; ours reaches {our_rate / limit:.1%} of it")


def wide(checkpoint: Path, folder: Path) -> Path:
    """A copy of a checkpoint that takes prompts of 2,048 tokens at least."""
    config = json.loads((checkpoint / "config.json").read_text())
    for path in checkpoint.iterdir():
        (folder / path.name).symlink_to(path.absolute())
    (folder / "config.json").unlink()
    config["max_position_embeddings"] = max(config["max_position_embeddings"], 2048)
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def main() -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=("nano", "smollm2"), default="nano")
    parser.add_argument("--problems", type=int, default=64)
    parser.add_argument("--peer-problems", type=int, default=10**9, help="problems that the peer works on, where all take long")
    parser.add_argument("--peer-batches", default=PEER_BATCHES)
    options = parser.parse_args()
    checkpoint = nano_checkpoint() if options.model == "nano" else smollm2_checkpoint("runs/models")
    peer = options.peer_problems, [int(size) for size in options.peer_batches.split(",")]
    with tempfile.TemporaryDirectory() as folder:
        setting(wide(checkpoint, Path(folder)), f"{options.model}, eight exemplars", 8, options.problems, 8, *peer)
    setting(checkpoint, f"{options.model}, bare prompt", 0, options.problems, 4, *peer)


if __name__ == "__main__":
    main()
