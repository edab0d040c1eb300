"""Examine a model: `python -m mmst.models check FOLDER`, or as a run is told of it: `check model=qwen3_0_6b`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import hydra

from mmst.cli.answer import OVERRIDE
from mmst.cli.old_names import check_overrides
from mmst.cli.places import CONFIGS
from mmst.config.build import build
from mmst.config.read import plain
from mmst.config.sentences import config_errors, explained
from mmst.errors import ConfigError
from mmst.models.check import examined
from mmst.reporting.progress import wrapped
from mmst.training.checkpoint import hub_checkpoint, served_name


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a line for each check; 1 where one fails, 2 where there is no such model."""
    parser = argparse.ArgumentParser(prog="python -m mmst.models", description=__doc__)
    parser.add_argument("what", choices=["check"])
    parser.add_argument(
        "model", nargs="+", help="a folder, a file that ends in .gguf, a name of the Hub, or model=PRESET model.KEY=VALUE ..."
    )
    parser.add_argument("--cache", type=Path, default=Path("runs/models"), help="where GGUF files are converted to")
    asked = parser.parse_args(arguments)
    failed = False
    try:
        folder, room = _found(asked.model, asked.cache)
    except Exception as error:
        if (sentence := explained(error)) is None:
            raise
        sys.stderr.write(f"mmst: {sentence}\n")
        return 2
    for finding in examined(folder, max_tokens=room):
        failed = failed or not finding.ok
        line = f"{'ok' if finding.ok else 'FAILS':6} {finding.name:12} {finding.sentence}"
        sys.stdout.write(f"{wrapped(line, indent=20)}\n")
        sys.stdout.flush()
    return int(failed)


@config_errors
def _found(words: Sequence[str], cache: Path) -> tuple[Path, int]:
    """The model's folder, and the tokens that its completions may have."""
    overrides = [word for word in words if OVERRIDE.fullmatch(word)]
    names = [word for word in words if not OVERRIDE.fullmatch(word)]
    if len(names) == 1 and not overrides:
        return hub_checkpoint(names[0], cache), 256
    check_overrides(overrides)
    if len(names) + sum(word.startswith("model.name=") for word in overrides) > 1:
        raise ConfigError("check: name one model, a folder or model.name=FOLDER.")
    told = [f"model.name='{name}'" for name in names]
    group = any(word.startswith("model=") for word in overrides)
    named = told or any(word.startswith("model.name=") for word in overrides)
    with hydra.initialize_config_dir(str(CONFIGS), version_base="1.3", job_name="check"):
        preset = ["model=hf"] if named and not group else []
        model = plain(hydra.compose("eval", [*preset, *overrides, *told, f"paths.models={cache}", "name=check"]))["model"]
    folder: Path = build(model["checkpoint"], "model")
    if served_name(folder) is not None:
        raise ConfigError(f"check: '{model['name']}' is on a server, and has no weights here to examine.")
    return folder, int(model["max_tokens"])


if __name__ == "__main__":
    sys.exit(main())
