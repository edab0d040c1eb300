"""What trainings by objectives that compare cost, as ratios of CPU time to plain training of as many steps.

    python benchmarks/objectives.py             nano, as `sweep=objectives` trains it (minutes)

Prompts and solutions are the arithmetic world's; what stands beside a solution is another problem's by the same method. A step
has as many units (pairs, or solutions by `kto`) as plain training has examples. Trainings take turns, each in a process of its
own; times are its processor's, from the first of the reference's completions to the end of the last step, so that other work
on the machine stretches none of them.
"""

from __future__ import annotations

import argparse
import functools
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from itertools import islice
from pathlib import Path

import lightning
import torch

from mmst.nano.__main__ import bare_methods
from mmst.nano.recipe import NanoRecipe, corpus
from mmst.training.batches import TokenRow
from mmst.training.checkpoint import load_tokenizer, nano_checkpoint
from mmst.training.fit import fit
from mmst.training.objective import Aim, Objective
from mmst.training.options import TrainingOptions

UNITS = {Aim.SFT: 1_260, Aim.DPO: 490, Aim.RPO: 490, Aim.KTO: 3_070}
"""What `multi` had of each for 1,000 training problems, four samples each by two methods."""
RIGHT = 0.41
"""Of `kto`'s solutions."""


class Cost(lightning.Callback):
    """Processor seconds, of all and of the steps."""

    begun = stepped = ended = 0.0

    def on_fit_start(self, *rest: object) -> None:
        """References follow."""
        self.begun = time.process_time()

    def on_train_batch_start(self, *rest: object) -> None:
        """Steps follow."""
        self.stepped = self.stepped or time.process_time()

    def on_train_batch_end(self, *rest: object) -> None:
        """Another step has ended."""
        self.ended = time.process_time()


def units(aim: Aim) -> list[TokenRow]:
    """Examples, each beside another problem's solution where the aim compares."""
    recipe, tokenizer = NanoRecipe.load(), load_tokenizer(nano_checkpoint())
    rows: list[TokenRow] = []
    last: dict[str, tuple[int, ...]] = {}
    texts = (row for row in corpus(recipe, bare_methods(recipe.methods), 10**9) if row.edge in recipe.methods)
    for number, example in enumerate(islice(texts, 2 * UNITS[aim])):
        prompt, completion = (
            tuple(tokenizer.encode(text, add_special_tokens=False)) for text in (example.prompt, example.completion)
        )
        tokens = (*prompt, *completion, tokenizer.eos_token_id)
        row = TokenRow(str(number), example.edge, tokens, len(prompt), example.problem_id, right=number % 100 < 100 * RIGHT)
        other = last.get(example.edge)
        last[example.edge] = tokens[len(prompt) :]
        if aim is Aim.SFT:
            rows.append(row)
        elif other is not None:
            beside = replace(row, id=f"{number} beside", edge=f"{example.edge}, beside", tokens=(*prompt, *other))
            rows.append(replace(row, beside=beside))
    return rows[: UNITS[aim]]


def cost(options: argparse.Namespace) -> dict[str, float]:
    """One training, in this process."""
    torch.set_num_threads(1)
    aim, watch = Aim(options.aim), Cost()
    training = TrainingOptions(steps=options.steps, batch_size=options.batch, save_every=10**6, objective=Objective(aim))
    trainer = functools.partial(
        lightning.Trainer, accelerator="cpu", logger=False, enable_progress_bar=False, enable_model_summary=False,
        gradient_clip_val=1.0,
    )  # fmt: skip
    rows = units(aim)
    with tempfile.TemporaryDirectory() as folder:
        record = fit(nano_checkpoint(), Path(folder) / "out", rows, training, trainer, Path(folder) / "work", 0, [watch])
    return {"seconds": watch.ended - watch.begun, "before": watch.stepped - watch.begun, "tokens": record.tokens}


def main() -> None:
    """Run all in turns, and print the least time of each, and its ratio to plain training."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--steps", type=int, default=120)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--turns", type=int, default=2)
    parser.add_argument("--aim", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.aim:
        print(json.dumps(cost(options)))
        return
    found: dict[str, dict[str, float]] = {}
    for _ in range(options.turns):
        for aim in map(str, Aim):
            command = [sys.executable, __file__, *sys.argv[1:], "--aim", aim]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                sys.exit(f"{aim} failed:\n{done.stderr[-2000:]}")
            now = json.loads(done.stdout.strip().splitlines()[-1])
            print(f"{aim}: {now['seconds']:.1f} s, of these {now['before']:.1f} s before the first step", flush=True)
            if aim not in found or now["seconds"] < found[aim]["seconds"]:
                found[aim] = now
    plain = found[Aim.SFT]["seconds"]
    for aim, row in found.items():
        print(f"{aim:4} {row['seconds']:6.1f} s  {row['seconds'] / plain:.2f}x  {row['tokens']:,.0f} tokens in rows")


if __name__ == "__main__":
    main()
