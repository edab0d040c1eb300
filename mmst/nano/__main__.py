"""Make the embedded base model anew: `python -m mmst.nano --out FOLDER`.

About 7 minutes on 2 cores. The same seed, versions and number of threads give the same weights.
"""

from __future__ import annotations

import argparse
import functools
import logging
import tempfile
from collections.abc import Sequence
from pathlib import Path

import lightning
import torch

from mmst.ledger.progress import Progress
from mmst.methods.code import CodeMethod
from mmst.methods.equation import EquationMethod
from mmst.methods.method import Method
from mmst.methods.prompt import PromptFormat
from mmst.methods.sql import SqlMethod
from mmst.methods.text import TextMethod
from mmst.methods.truth_table import TruthTableMethod
from mmst.nano import logic, recipe, tables
from mmst.nano.recipe import NanoRecipe, make_model, make_tokenizer
from mmst.reporting.progress import TerminalProgress, say
from mmst.training.batches import tokenize
from mmst.training.checkpoint import nano_checkpoint, save_checkpoint
from mmst.training.fit import fit
from mmst.training.options import OptimizerOptions, TrainingOptions
from mmst.training.watch import StepWatch
from mmst.types import Dropped

TOKENIZER_SAMPLE = 30_000
"""Examples that the tokenizer is trained on."""
LONGEST = 256
CORPORA = {"arithmetic": recipe.corpus, "composed": recipe.corpus, "logic": logic.corpus, "sql": tables.corpus}
"""World -> what writes a recipe's examples."""
RECIPES = ("recipe", "recipe_three", "recipe_composed", "recipe_logic", "recipe_sql")


def bare_methods(names: Sequence[str] = ("text", "code")) -> dict[str, Method]:
    """Methods without exemplars, as the base meets them in pretraining and in every run."""
    made: dict[str, Method] = {
        "text": TextMethod(PromptFormat(cue="Answer:", lead=" ", key="text", bare=True)),
        "code": CodeMethod(PromptFormat(cue="Program:", lead="\n", key="code", bare=True)),
        "equation": EquationMethod(PromptFormat(cue="Equations:", lead="\n", key="equation", bare=True)),
        "sql": SqlMethod(PromptFormat(cue="Query:", lead=" ", key="sql", bare=True)),
        "truth_table": TruthTableMethod(PromptFormat(cue="Truth table:", lead="\n", key="truth_table", bare=True)),
    }
    return {name: made[name] for name in names}


def make_nano(plan: NanoRecipe, target: Path, work: Path, progress: Progress) -> None:
    """Corpus, tokenizer, training, checkpoint."""
    settings = plan.training
    examples = list(CORPORA[plan.world](plan, bare_methods(plan.methods), settings["examples"]))
    tokenizer = make_tokenizer(plan, examples[:TOKENIZER_SAMPLE])
    dropped: list[Dropped] = []
    rows = list(tokenize(examples, tokenizer, LONGEST, dropped))
    assert not dropped
    torch.manual_seed(plan.seed)
    model = make_model(plan, len(tokenizer), tokenizer.eos_token_id, tokenizer.pad_token_id)
    optimizer = OptimizerOptions(lr=settings["lr"], warmup=settings["warmup"], weight_decay=settings["weight_decay"])
    options = TrainingOptions(
        steps=None, epochs=1, batch_size=settings["batch_size"], longest=LONGEST, optimizer=optimizer, save_every=500
    )
    trainer = functools.partial(
        lightning.Trainer,
        accelerator="cpu",
        devices=1,
        gradient_clip_val=1.0,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    watch = StepWatch(progress, "pretrain nano")
    save_checkpoint(model, tokenizer, work / "untrained")
    fit(work / "untrained", target, rows, options, trainer, work / "training", plan.seed, [watch])


def main() -> None:
    """Parse the command line and make the model."""
    parser = argparse.ArgumentParser(prog="python -m mmst.nano", description=__doc__)
    parser.add_argument("--out", type=Path, default=nano_checkpoint(), help="a folder that is not there yet")
    parser.add_argument("--recipe", choices=RECIPES, default="recipe")
    options = parser.parse_args()
    out: Path = options.out.absolute()
    if out.exists():
        parser.error(f"{out} is there already; give another folder by --out, or delete it.")
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as work:
        make_nano(NanoRecipe.load(options.recipe), out, Path(work), TerminalProgress())
    say(f"nano: {out}")


if __name__ == "__main__":
    main()
