"""`mmst export RUN ARM FOLDER`: a trained model as a plain folder, for transformers, vLLM, llama.cpp or the Hub."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from mmst.errors import UserError
from mmst.reporting.progress import say


def main(arguments: Sequence[str]) -> None:
    """Write the folder, and push it where that is asked for."""
    parser = argparse.ArgumentParser(prog="mmst export", description=__doc__)
    parser.add_argument("run", type=Path, help="the run's folder, such as runs/train/default")
    parser.add_argument("arm", help="which of its models, such as multi")
    parser.add_argument("folder", type=Path, help="a new folder")
    parser.add_argument("--push", metavar="ID", help="also push it to the Hugging Face Hub, as USER/NAME (private, where new)")
    parser.add_argument("--gguf", action="store_true", help="say how llama.cpp makes a GGUF file of it")
    options = parser.parse_args(arguments)
    from mmst.reporting.export import export_model, push_model

    folder = export_model(options.run, options.arm, options.folder)
    say(f"model {options.arm}: {folder}")
    if options.push:
        say(f"pushed: {push_model(folder, options.push)}")
    if options.gguf:
        raise UserError(
            f"export: {folder} is written, but mmst makes no GGUF files; llama.cpp does: "
            f"`python convert_hf_to_gguf.py {folder} --outfile {folder}.gguf`."
        )
