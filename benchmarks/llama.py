"""How fast `sampler=hf` samples on a CPU, as a ratio against llama.cpp with the same GGUF file, sequences and tokens.

    python benchmarks/llama.py qwen2.5-coder-0.5b.gguf                              ours alone
    python benchmarks/llama.py MODEL.gguf --bench llama.cpp/build/bin/llama-batched-bench

llama.cpp is built from source (`cmake --build build --target llama-batched-bench -j2`). Prompts are bare problems of the
arithmetic world; llama.cpp gets as many tokens a sequence as they have on average. Nothing ends before its last token, on
either side. Both are timed from the first token of the prompts to the last of the completions, in turns, and the best turn
counts; `--cpu` counts seconds of CPU time on one thread instead, for a busy machine. llama.cpp works with the file's 4-bit
weights; ours with what they stand for, in each precision that is named. Greedy rows are held against those in fp32.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

from mmst.datasets.arithmetic.world import draw_problems
from mmst.methods.prompt import PromptFormat, PromptWriter
from mmst.samplers.hf import HFSampler
from mmst.samplers.sampler import SamplingParams
from mmst.training.checkpoint import hub_checkpoint, load_tokenizer
from mmst.types import Prompt

COLUMNS = 10
"""Of llama-batched-bench's table: PP, TG, B, N_KV, T_PP, S_PP, T_TG, S_TG, T, S."""


def bare_prompts(count: int) -> list[Prompt]:
    """Prompts by text without exemplars."""
    form = PromptFormat(cue="Answer:", lead=" ", key="text", instruction="Solve each problem step by step.", shots=0)
    return [Prompt(p.id, PromptWriter().solve(p, form), (0,)) for p in draw_problems("validation", count, 3)]


def llama_rate(bench: str, options: argparse.Namespace, length: int, rows: int) -> float:
    """New tokens a second of llama.cpp, prefill included; of CPU time, which holds the loading too, with `--cpu`."""
    tokens, threads = options.tokens, options.threads
    room = rows * (length + tokens)
    command = [bench, "-m", str(options.model), "-c", str(room), "-npp", str(length), "-ntg", str(tokens), "-npl", str(rows)]
    command += ["-t", str(threads), "-tb", str(threads), "-b", "2048", "-ub", "512"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    seconds = table_seconds(done.stdout + done.stderr)
    if done.returncode or seconds is None:
        sys.exit(f"{bench} failed: {(done.stderr or done.stdout)[-500:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return rows * tokens / (used if options.cpu else seconds)


def table_seconds(printed: str) -> float | None:
    """The time of the last row of llama-batched-bench's table; None where there is none."""
    found = None
    for line in printed.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) == COLUMNS and cells[0].isdecimal():
            found = float(cells[-2])
    return found


def our_rate(
    sampler: HFSampler, prompts: list[Prompt], params: SamplingParams, clock: Callable[[], float]
) -> tuple[float, list[str]]:
    """New tokens a second of ours, prefill included, and the texts."""
    begun = clock()
    made = [group[0] for group in sampler.complete(prompts, params)]
    return sum(one.completion_tokens for one in made) / (clock() - begun), [one.text for one in made]


def loaded(checkpoint: Path, dtype: str) -> HFSampler:
    """A sampler whose rows end at nothing but the limit."""
    sampler = HFSampler(device="cpu", dtype=dtype)
    sampler.load(checkpoint)
    sampler._endings.ends = frozenset()
    return sampler


def main() -> None:
    """Parse the command line, and print a line for each number of sequences and each precision."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="a GGUF file")
    parser.add_argument("--bench", default="llama-batched-bench", help="llama.cpp's program")
    parser.add_argument("--dtypes", default="float32,bfloat16,int8")
    parser.add_argument("--rows", default="32,64", help="sequences at a time")
    parser.add_argument("--tokens", type=int, default=100, help="new ones of each sequence")
    parser.add_argument("--temperature", type=float, default=0.0, help="of ours; llama-batched-bench draws nothing")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--cpu", action="store_true", help="seconds of CPU time, one thread")
    parser.add_argument("--turns", type=int, default=3)
    options = parser.parse_args()
    options.threads = 1 if options.cpu else options.threads
    clock = time.process_time if options.cpu else time.perf_counter
    torch.set_num_threads(options.threads)
    checkpoint = hub_checkpoint(str(options.model), "runs/models")
    bench = shutil.which(options.bench)
    if bench is None:
        print(f"{options.bench} is not there, so llama.cpp is left out; build it and give its place by --bench.")
    samplers = {dtype: loaded(checkpoint, dtype) for dtype in options.dtypes.split(",")}
    tokenizer, params = load_tokenizer(checkpoint), SamplingParams(options.temperature, max_tokens=options.tokens)
    for rows in map(int, options.rows.split(",")):
        prompts = bare_prompts(rows)
        length = round(sum(len(tokenizer.encode(prompt.text)) for prompt in prompts) / rows)
        best: dict[str, float] = {}
        texts: dict[str, list[str]] = {}
        for _ in range(options.turns):
            for dtype, sampler in samplers.items():
                rate, texts[dtype] = our_rate(sampler, prompts, params, clock)
                best[dtype] = max(best.get(dtype, 0.0), rate)
            if bench is not None:
                rate = llama_rate(bench, options, length, rows)
                best["llama.cpp"] = max(best.get("llama.cpp", 0.0), rate)
        report(rows, length, best, texts)


def report(rows: int, length: int, best: dict[str, float], texts: dict[str, list[str]]) -> None:
    """A line for each contender."""
    print(f"{rows} sequences, prompts of {length} tokens")
    for name, rate in best.items():
        ratio = f"  {rate / best['llama.cpp']:.2f} of llama.cpp's" if "llama.cpp" in best and name in texts else ""
        equal = ""
        if name in texts and "float32" in texts and name != "float32":
            equal = f"  {sum(a == b for a, b in zip(texts[name], texts['float32'], strict=True))} rows as in fp32"
        print(f"  {name:10} {rate:8.1f} tokens/s{ratio}{equal}", flush=True)


if __name__ == "__main__":
    main()
