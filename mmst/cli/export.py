"""`mmst export RUN ARM FOLDER`: a trained model as a plain folder, for transformers, vLLM, llama.cpp or the Hub.

`mmst export RUN --push USER/NAME`: a whole run to the Hugging Face Hub: its model, the data that it made, and its page.
`mmst export RUN METHOD FILE.py --taskset`: the run's problems as a taskset of the library `verifiers`.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from mmst.errors import UserError
from mmst.reporting.progress import say

PARTS = ("model", "data", "page")


def main(arguments: Sequence[str]) -> None:
    """Write the folder, or those of the whole run, and push where that is asked for; or write the taskset."""
    parser = argparse.ArgumentParser(
        prog="mmst export", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path, help="the run's folder, such as runs/train/default")
    parser.add_argument(
        "what",
        metavar="ARM",
        nargs="?",
        help="which of its models, such as multi; of a taskset: which method; none: the whole run",
    )
    parser.add_argument(
        "target", type=Path, metavar="FOLDER", nargs="?", help="a new folder; of a taskset: a new file, such as sums.py"
    )
    parser.add_argument("--push", metavar="ID", help="also push it to the Hugging Face Hub, as USER/NAME (private, where new)")
    parser.add_argument("--public", action="store_true", help="with --push: new repositories are public, and others may be")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS, help="of a whole run: which of these, if not all")
    parser.add_argument("--gguf", action="store_true", help="say how llama.cpp makes a GGUF file of it")
    parser.add_argument("--taskset", action="store_true", help="no model: the problems, with prompts and judge, for verifiers")
    parser.add_argument("--split", help="of a taskset: this split alone, such as test")
    options = parser.parse_intermixed_args(arguments)  # options may stand between what is named
    if options.split and not options.taskset:
        raise UserError("export: --split is of a taskset; add --taskset, or leave it out.")
    if options.target is None and (options.what or options.taskset):
        what = f"the model of {options.what}" if options.what and not options.taskset else "a taskset, and a method"
        raise UserError(f"export: name also where to write {what}; without an arm the whole run is exported.")
    if options.taskset:
        _taskset(options)
    elif options.what is None:
        _run(options.run, options.push, not options.public, options.parts)
    else:
        _model(options)


def _run(run: Path, repository: str | None, private: bool, parts: Sequence[str]) -> None:
    from mmst.publishing.publish import publish, staged

    if repository:
        publish(run, repository, private, parts)
        return
    for part, folder in staged(run, parts).items():
        say(f"{part}: {folder}")


def _model(options: argparse.Namespace) -> None:
    from mmst.publishing.publish import push_model
    from mmst.reporting.export import export_model

    folder = export_model(options.run, options.what, options.target)
    say(f"model {options.what}: {folder}")
    if options.push:
        say(f"pushed: {push_model(folder, options.push, not options.public)}")
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
