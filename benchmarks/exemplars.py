"""Training on few-shot prompts: exemplars once a packed row, against a row an example.

    python benchmarks/exemplars.py     # make smollm2 first

SmolLM2-135M, four exemplars, examples by both methods. Each way in a process of its own, one after the other; the rate is in
examples, since the ways put different numbers of tokens through the model.
"""

from __future__ import annotations

import functools
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import lightning

from mmst.datasets.arithmetic.world import draw_problems
from mmst.methods.prompt import PromptFormat, PromptWriter
from mmst.training.batches import tokenize
from mmst.training.checkpoint import load_tokenizer, smollm2_checkpoint
from mmst.training.fit import fit
from mmst.training.options import TrainingOptions
from mmst.types import Example

STEPS = 3
FORMS = (
    PromptFormat(cue="Answer:", lead=" ", key="text", instruction="Solve each problem step by step.", shots=4),
    PromptFormat(cue="Program:", lead="\n", key="code", instruction="Solve each problem by a Python function.", shots=4),
)
SOLUTION = "First there were 12 of them. Then came 5 more, so 12 + 5 = 17 are there now. The answer is 17."
WAYS = {
    "a row an example": TrainingOptions(steps=STEPS, batch_size=16, longest=768),
    "packed": TrainingOptions(steps=STEPS, batch_size=16, longest=768, layout="packed", row=1024, share_prefixes=False),
    "packed, exemplars once": TrainingOptions(steps=STEPS, batch_size=16, longest=768, layout="packed", row=1024),
}


def examples() -> list[Example]:
    """A hundred problems by each form, all with one solution."""
    writer = PromptWriter()
    problems = draw_problems("train", 100, 0)
    return [
        Example(
            f"{problem.id}-{form.key}", f"text -> {form.key}", problem.id, writer.solve(problem, form), form.lead + SOLUTION
        )
        for problem in problems
        for form in FORMS
    ]


def measure(way: str) -> None:
    """Train in this process, and print what it took."""
    start = smollm2_checkpoint("runs/models")
    rows = list(tokenize(examples(), load_tokenizer(start), 768, []))
    trainer = functools.partial(
        lightning.Trainer, accelerator="cpu", logger=False, enable_progress_bar=False, enable_model_summary=False
    )
    with tempfile.TemporaryDirectory() as folder:
        record = fit(start, Path(folder) / "out", rows, WAYS[way], trainer, Path(folder) / "work", 0)
    found = {"examples": record.examples, "seconds": record.seconds, "tokens": record.tokens, "bytes": record.peak_bytes}
    print(json.dumps(found))


def main() -> None:
    """Measure each way, and print them side by side."""
    found = {}
    for way in WAYS:
        done = subprocess.run([sys.executable, __file__, way], check=True, capture_output=True, text=True)
        found[way] = json.loads(done.stdout.splitlines()[-1])
    plain = found["a row an example"]
    print(f"{'':24}{'examples/s':>12}{'ratio':>8}{'tokens/example':>16}{'GB':>7}")
    for way, row in found.items():
        rate, before = (r["examples"] / r["seconds"] for r in (row, plain))
        each = row["tokens"] / row["examples"]
        print(f"{way:24}{rate:12.2f}{rate / before:8.2f}{each:16.0f}{row['bytes'] / 2**30:7.1f}")


if __name__ == "__main__":
    measure(sys.argv[1]) if len(sys.argv) > 1 else main()
