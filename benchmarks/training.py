"""How fast trainings are, as ratios against peers in the same run: the same model, examples, steps, precision and schedule.

    python benchmarks/training.py                                   nano (minutes)
    python benchmarks/training.py --model smollm2 --steps 24 --batch 8   a real model (half an hour)
    python benchmarks/training.py --model MODEL.gguf --lora 16 --steps 6 --batch 8 --contenders bucketed packed trl
                                                                    adapters, against trl with peft

Examples have the lengths of GSM8K's (its deciles, in SmolLM2's tokens) and the arithmetic world's content. Contenders, each in
a process of its own, in turns:

    bucketed, packed        mmst.training.fit, either layout
    lightning               Lightning's Trainer, padded batches in random order, the model's own loss
    trl, trl-grouped        trl's SFTTrainer, batches in random order or of like lengths, all else at what is fastest here
    trl-packed              the same with packing, which without FlashAttention lets examples see each other: not by default

A rate is tokens of examples, padding not, over the time from the first step to the end of the last; examples/s are steps times
the batch over the same time. With --lora all train the same adapters of all linear layers. Losses are those of the
trained models on examples that nobody trained on. Beside the rates stands what the machine's matrix products would allow.
"""

from __future__ import annotations

import argparse
import functools
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from mmst.nano.__main__ import bare_methods
from mmst.nano.recipe import NanoRecipe, corpus
from mmst.training.batches import TokenRow, collate
from mmst.training.checkpoint import hub_checkpoint, load_model, load_tokenizer, nano_checkpoint, smollm2_checkpoint
from mmst.training.model import with_adapters
from mmst.training.options import TrainingOptions

PROMPTS = (17, 41, 47, 51, 56, 61, 66, 72, 80, 95, 228)
COMPLETIONS = (33, 69, 81, 92, 103, 116, 130, 147, 167, 201, 454)
"""Deciles of GSM8K's training questions and solutions, in tokens."""
DEFAULT = ("bucketed", "packed", "lightning", "trl", "trl-grouped")
LR, DECAY, BETAS, WARMUP, CLIP = {"nano": 1e-3}, 0.01, (0.9, 0.95), 0.05, 1.0
REAL_LR, ADAPTER_LR = 1e-4, 2e-4
"""Of any other model, and of adapters."""


def checkpoint(model: str) -> Path:
    """The folder of a model: nano, smollm2, or what model.name takes."""
    if model == "smollm2":
        return smollm2_checkpoint("runs/models")
    return nano_checkpoint() if model == "nano" else hub_checkpoint(model, "runs/models")


def peak_rate(options: argparse.Namespace) -> float:
    """The learning rate after its warm-up."""
    return ADAPTER_LR if options.lora else LR.get(options.model, REAL_LR)


def examples(model: str, count: int) -> list[TokenRow]:
    """Examples of GSM8K's lengths, which rise and fall together; their content can be learned."""
    recipe, rng = NanoRecipe.load(), random.Random(0)
    tokenizer = load_tokenizer(checkpoint(model))
    stream: list[int] = []
    texts = (row.prompt + row.completion + "\n" for row in corpus(recipe, bare_methods(recipe.methods), 10**9))
    rows = []
    for number in range(count):
        place = rng.random()
        prompt, completion = _at(PROMPTS, place), _at(COMPLETIONS, min(1.0, max(0.0, place + rng.gauss(0, 0.3))))
        while len(stream) < prompt + completion:
            stream += tokenizer.encode(next(texts), add_special_tokens=False)
        tokens, stream = stream[: prompt + completion - 1], stream[prompt + completion - 1 :]
        rows.append(TokenRow(str(number), "e", (*tokens, tokenizer.eos_token_id), prompt))
    return rows


def _at(deciles: tuple[int, ...], place: float) -> int:
    left = min(9, int(place * 10))
    return round(deciles[left] + (place * 10 - left) * (deciles[left + 1] - deciles[left]))


def precision(options: argparse.Namespace) -> Any:
    """Lightning's precision: bf16 on a GPU, fp32 on a CPU."""
    return "32-true" if options.device == "cpu" else "bf16-mixed"


def peak_bytes(device: str) -> int:
    """The most memory so far: of the device, or of this process on a CPU."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 if device == "cpu" else torch.cuda.max_memory_allocated()


class Clock:
    """From the start of the first step to the end of the last."""

    begun: float | None = None
    ended = 0.0

    def start(self) -> None:
        """A step starts."""
        self.begun = self.begun or time.perf_counter()

    def stop(self) -> None:
        """A step has ended."""
        self.ended = time.perf_counter()

    @property
    def seconds(self) -> float:
        """What passed."""
        assert self.begun is not None
        return self.ended - self.begun


def ours(options: argparse.Namespace, rows: list[TokenRow], clock: Clock, folder: Path) -> Any:
    """mmst.training.fit."""
    import lightning

    from mmst.training.fit import fit
    from mmst.training.options import OptimizerOptions

    class Watch(lightning.Callback):
        def on_train_batch_start(self, *rest: object) -> None:
            clock.start()

        def on_train_batch_end(self, *rest: object) -> None:
            clock.stop()

    training = TrainingOptions(
        steps=options.steps,
        batch_size=options.batch,
        longest=1024,
        layout=options.contender,
        row=options.row,
        groups=options.groups,
        save_every=10**6,
        lora=options.lora,
        attention=options.attention,
        optimizer=OptimizerOptions(peak_rate(options), DECAY, BETAS, WARMUP),
    )
    trainer = functools.partial(
        lightning.Trainer, accelerator=options.device, devices=1, precision=precision(options), strategy=options.strategy,
        logger=False, enable_progress_bar=False, enable_model_summary=False, gradient_clip_val=CLIP,
    )  # fmt: skip
    record = fit(checkpoint(options.model), folder / "out", rows, training, trainer, folder / "work", 0, [Watch()])
    return load_model(folder / "out"), record.tokens


def by_lightning(options: argparse.Namespace, rows: list[TokenRow], clock: Clock, folder: Path) -> Any:
    """Lightning as its documentation shows it: padded batches in random order, the model's own loss."""
    import lightning
    from torch.utils.data import DataLoader
    from transformers import get_scheduler

    tokenizer, model = load_tokenizer(checkpoint(options.model)), load_model(checkpoint(options.model))
    seen = 0

    def padded(batch: list[TokenRow]) -> dict[str, torch.Tensor]:
        width = max(len(row.tokens) for row in batch)
        ids = torch.full((len(batch), width), tokenizer.pad_token_id)
        labels, mask = torch.full_like(ids, -100), torch.zeros_like(ids)
        for i, row in enumerate(batch):
            length = len(row.tokens)
            ids[i, :length], mask[i, :length] = torch.tensor(row.tokens), 1
            labels[i, row.prompt_length : length] = ids[i, row.prompt_length : length]
        return {"input_ids": ids, "attention_mask": mask, "labels": labels}

    class Module(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.model = (with_adapters(model, options.lora) if options.lora else model).train()

        def training_step(self, batch: dict[str, torch.Tensor], batch_idx: int) -> torch.Tensor:
            nonlocal seen
            clock.start()
            seen += int(batch["attention_mask"].sum())
            return self.model(**batch, use_cache=False).loss

        def on_train_batch_end(self, *rest: object) -> None:
            clock.stop()

        def configure_optimizers(self) -> Any:
            optimizer = torch.optim.AdamW(self.model.parameters(), peak_rate(options), BETAS, weight_decay=DECAY)
            warmup = round(WARMUP * options.steps)
            schedule = get_scheduler("cosine", optimizer, warmup, options.steps)
            return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    torch.manual_seed(0)
    loader = DataLoader(rows, batch_size=options.batch, shuffle=True, drop_last=True, collate_fn=padded)
    trainer = lightning.Trainer(
        accelerator=options.device, devices=1, precision=precision(options), logger=False, enable_progress_bar=False,
        enable_model_summary=False, gradient_clip_val=CLIP, max_steps=options.steps, enable_checkpointing=False,
    )  # fmt: skip
    trainer.fit(Module(), loader)
    return model, seen


def by_trl(options: argparse.Namespace, rows: list[TokenRow], clock: Clock, folder: Path) -> Any:
    """Trl's SFTTrainer."""
    from datasets import Dataset
    from transformers import TrainerCallback
    from trl import SFTConfig, SFTTrainer

    class Watch(TrainerCallback):
        def on_step_begin(self, *rest: object, **more: object) -> None:
            clock.start()

        def on_step_end(self, *rest: object, **more: object) -> None:
            clock.stop()

    packed = options.contender == "trl-packed"
    tokenizer, model = load_tokenizer(checkpoint(options.model)), load_model(checkpoint(options.model))
    data = Dataset.from_list(
        [
            {
                "input_ids": list(row.tokens),
                "completion_mask": [0] * row.prompt_length + [1] * (len(row.tokens) - row.prompt_length),
            }
            for row in rows
        ]
    )
    mean = sum(len(row.tokens) for row in rows) / len(rows)
    config = SFTConfig(
        output_dir=str(folder),
        max_steps=options.steps,
        per_device_train_batch_size=max(1, round(options.batch * mean / options.row)) if packed else options.batch,
        dataloader_drop_last=True,
        train_sampling_strategy="group_by_length" if options.contender == "trl-grouped" else "random",
        packing=packed,
        max_length=options.row if packed else None,
        completion_only_loss=True,
        learning_rate=peak_rate(options),
        adam_beta1=BETAS[0],
        adam_beta2=BETAS[1],
        weight_decay=DECAY,
        max_grad_norm=CLIP,
        lr_scheduler_type="cosine",
        warmup_steps=round(WARMUP * options.steps),
        gradient_checkpointing=False,
        use_cpu=options.device == "cpu",
        bf16=options.device != "cpu",
        save_strategy="no",
        report_to="none",
        logging_strategy="no",
        disable_tqdm=True,
    )
    if options.lora:
        model = with_adapters(model, options.lora)
    trainer = SFTTrainer(model, args=config, train_dataset=data, processing_class=tokenizer, callbacks=[Watch()])
    counted = 0
    collator = trainer.data_collator

    def counting(batch: Any) -> Any:
        nonlocal counted
        made = collator(batch)
        counted += int(made["attention_mask"].sum()) if "attention_mask" in made else made["input_ids"].numel()
        return made

    trainer.data_collator = counting
    trainer.train()
    return trainer.model, counted


@torch.no_grad()
def loss(model: Any, rows: list[TokenRow]) -> float:
    """Mean loss of the completion tokens of examples that nobody was trained on."""
    from mmst.training.loss import CompletionLoss

    model.eval()
    losses, device = CompletionLoss(model), next(model.parameters()).device
    batches = ({name: part.to(device) for name, part in collate([[row]], 0).items()} for row in rows)
    found = torch.cat([losses(batch) for batch in batches])
    return float(found.mean())


def contend(options: argparse.Namespace) -> dict[str, float]:
    """One contender, in this process."""
    rows = examples(options.model, options.steps * options.batch // options.epochs + options.unseen)
    seen, unseen = rows[options.unseen :], rows[: options.unseen]
    run = by_lightning if options.contender == "lightning" else by_trl if options.contender.startswith("trl") else ours
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        model, tokens = run(options, seen, clock, Path(folder))
        peak = peak_bytes(options.device)
    found = loss(model, unseen)
    rate = options.steps * options.batch / clock.seconds
    return {"rate": tokens / clock.seconds, "examples": rate, "tokens": tokens, "loss": found, "peak": peak}


def main() -> None:
    """Run all contenders in turns, and print their rates, losses and memory, and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", default="nano", help="nano, smollm2, a folder, a GGUF file, or an id of the Hub")
    parser.add_argument("--lora", type=int, help="train adapters of this rank")
    parser.add_argument("--steps", type=int, default=120)
    parser.add_argument("--unseen", type=int, default=64, help="examples that nobody is trained on, for the loss")
    parser.add_argument("--batch", type=int, default=16, help="examples of a step")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--row", type=int, default=512, help="tokens of a packed row; at least 682, the longest example")
    parser.add_argument("--groups", type=int, default=TrainingOptions().groups, help="of like length in a bucketed batch")
    parser.add_argument("--turns", type=int, default=2)
    parser.add_argument("--contenders", nargs="+", default=DEFAULT)
    parser.add_argument("--contender", help=argparse.SUPPRESS)
    parser.set_defaults(device="cpu", attention=None, strategy="auto")  # benchmarks/gpu.py sets others
    options = parser.parse_args()
    options.row = max(options.row, PROMPTS[-1] + COMPLETIONS[-1])
    if options.contender:
        print(json.dumps(contend(options)))
        return
    found: dict[str, dict[str, float]] = {}
    for _ in range(options.turns):
        for name in options.contenders:
            command = [sys.executable, __file__, *sys.argv[1:], "--contender", name]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                sys.exit(f"{name} failed:\n{done.stderr[-2000:]}")
            now = json.loads(done.stdout.strip().splitlines()[-1])
            if name not in found or now["rate"] > found[name]["rate"]:
                found[name] = now
            print(
                f"{name:12} {now['rate']:9,.0f} tokens/s  {now['examples']:8.2f} examples/s  loss {now['loss']:.4f}  "
                f"peak {now['peak'] / 2**30:.2f} GB",
                flush=True,
            )
    report(options, found)


def report(options: argparse.Namespace, found: dict[str, dict[str, float]]) -> None:
    """Ratios of the best turns."""
    from transformers import AutoConfig

    from mmst.planning.size import model_size
    from mmst.training.flops import flops_per_token, matmul_rate

    config = AutoConfig.from_pretrained(checkpoint(options.model))
    need, rate = flops_per_token(config, model_size(config).multiplied, 200), matmul_rate()
    best = max(("bucketed", "packed"), key=lambda name: found.get(name, {"rate": 0})["rate"])
    print(
        f"\nmatrix products: {rate / 1e9:,.0f} GFLOP/s; a token takes {need / 1e6:,.1f} MFLOP, "
        f"so at most {rate / need:,.0f} tokens/s"
    )
    for name, row in found.items():
        print(
            f"{best} over {name:12} {found[best]['rate'] / row['rate']:.2f}x  of the most {row['rate'] * need / rate:.0%}  "
            f"memory {found[best]['peak'] / row['peak']:.2f}x  loss {found[best]['loss'] - row['loss']:+.4f}"
        )


if __name__ == "__main__":
    main()
