"""`mmst export RUN ARM FOLDER`: a trained model as a plain folder, for transformers, vLLM, llama.cpp or the Hub.

`mmst export RUN METHOD FILE.py --taskset`: the run's problems as a taskset of the library `verifiers`.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from mmst.errors import UserError
from mmst.reporting.progress import say


def main(arguments: Sequence[str]) -> None:
    """Write the folder, and push it where that is asked for; or write the taskset."""
    parser = argparse.ArgumentParser(
        prog="mmst export", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path, help="the run's folder, such as runs/train/default")
    parser.add_argument("what", metavar="ARM", help="which of its models, such as multi; of a taskset: which of its methods")
    parser.add_argument("target", type=Path, metavar="FOLDER", help="a new folder; of a taskset: a new file, such as sums.py")
    parser.add_argument("--push", metavar="ID", help="also push it to the Hugging Face Hub, as USER/NAME (private, where new)")
    parser.add_argument("--gguf", action="store_true", help="say how llama.cpp makes a GGUF file of it")
    parser.add_argument("--taskset", action="store_true", help="no model: the problems, with prompts and judge, for verifiers")
    parser.add_argument("--split", help="of a taskset: this split alone, such as test")
    options = parser.parse_args(arguments)
    if options.taskset:
        _taskset(options)
        return
    if options.split:
        raise UserError("export: --split is of a taskset; add --taskset, or leave it out.")
    from mmst.reporting.export import export_model, push_model

    folder = export_model(options.run, options.what, options.target)
    say(f"model {options.what}: {folder}")
    if options.push:
        say(f"pushed: {push_model(folder, options.push)}")
    if options.gguf:
        raise UserError(
            f"export: {folder} is written, but mmst makes no GGUF files; llama.cpp does: "
            f"`python convert_hf_to_gguf.py {folder} --outfile {folder}.gguf`."
        )


def _taskset(options: argparse.Namespace) -> None:
    if options.push or options.gguf:
        raise UserError("export: --push and --gguf are of a model; leave them out, or leave out --taskset.")
    from mmst.jobs.taskset import export_taskset

    found = export_taskset(options.run, options.what, options.target, options.split)
    counts = ", ".join(f"{count} of {split}" for split, count in found.counts.items())
    left_out = f"; {found.without_gold} without a gold answer are left out" if found.without_gold else ""
    say(f"taskset: {found.path} ({counts}{left_out})")
    say(f"try it in its folder: PYTHONPATH=. vf-validate {found.path.stem} --runtime.type subprocess -n 5")
