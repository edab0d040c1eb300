"""`mmst new KIND NAME`: a skeleton for a part of one's own (method, filter, judge, data set), with a config and a test.

`mmst new exemplars FOLDER`: a folder of exemplars to replace by one's own.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from keyword import iskeyword
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from mmst.cli.places import PACKAGE, groups
from mmst.errors import ConfigError
from mmst.reporting.progress import say

TEMPLATES = PACKAGE / "cli" / "skeletons"
GROUPS = {"method": "solvers", "filter": "filter", "judge": "judge", "dataset": "dataset"}
"""What can be made -> the config group that it joins."""
EXEMPLARS = "exemplars"
NAME = re.compile(r"[a-z][a-z0-9_]*")


def main(arguments: Sequence[str]) -> None:
    """Write the files, and say what to do with them."""
    parser = argparse.ArgumentParser(prog="mmst new", description=__doc__)
    parser.add_argument("kind", choices=sorted([*kinds(), EXEMPLARS]))
    parser.add_argument("name", help="of small letters, digits and underscores; of exemplars: a folder")
    parser.add_argument("--folder", type=Path, default=Path(), help="where to write (default: here)")
    options = parser.parse_args(arguments)
    if options.kind == EXEMPLARS:
        path = write_exemplars(options.folder / options.name)
        say(f"wrote {path}")
        say(f"replace its questions by your own, then try it: {_shown_by(path.parent)}")
        return
    if not NAME.fullmatch(options.name) or iskeyword(options.name):
        raise ConfigError(f"new: '{options.name}' is no name for a Python module; use small letters, digits and underscores.")
    if options.name in groups()[GROUPS[options.kind]]:
        raise ConfigError(f"new: {GROUPS[options.kind]}={options.name} is there already; choose another name.")
    for path in write(options.kind, options.name, options.folder):
        say(f"wrote {path}")
    say(f"in {options.folder.resolve().name}/, {command(options.kind, options.name)}")


def kinds() -> list[str]:
    """What there are skeletons for."""
    return [kind for kind in GROUPS if (TEMPLATES / f"{kind}.py.j2").is_file()]


def write(kind: str, name: str, folder: Path) -> list[Path]:
    """Write a class, its config and its test; returns the files.

    Raises:
        ConfigError: one of them is there already.
    """
    targets = {
        folder / f"{name}.py": f"{kind}.py.j2",
        folder / "my_configs" / GROUPS[kind] / f"{name}.yaml": f"{kind}.yaml.j2",
        folder / f"test_{name}.py": f"{kind}_test.py.j2",
    }
    if there := [path for path in targets if path.exists()]:
        raise ConfigError(f"new: {there[0]} is there already; choose another name, or remove it.")
    loader = PackageLoader("mmst.cli", "skeletons")
    environment = Environment(loader=loader, undefined=StrictUndefined, keep_trailing_newline=True)
    title = "".join(part.capitalize() for part in name.split("_"))
    for path, template in targets.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(environment.get_template(template).render(name=name, title=title), encoding="utf-8")
    return list(targets)


def write_exemplars(folder: Path) -> Path:
    """Write exemplars of problems whose answers are numbers; returns the file.

    Raises:
        ConfigError: it is there already.
    """
    path = folder / "number.yaml"
    if path.exists():
        raise ConfigError(f"new: {path} is there already; choose another folder, or remove it.")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text((TEMPLATES / "exemplars.yaml.j2").read_text(encoding="utf-8"), encoding="utf-8")
    return path


def _shown_by(folder: Path) -> str:
    """The command that shows prompts with these exemplars; a name without a slash would be one of mmst's own."""
    given = folder if folder.is_absolute() else f"./{folder}"
    shown = " ".join(f"solvers.{name}.format.exemplars={given}" for name in ("text", "code"))
    return f"mmst eval model=hf model.name=MODEL {shown} prompts=1"


def command(kind: str, name: str) -> str:
    """What to type next."""
    said = {"method": f"'solvers=[text,code,{name}]'", "dataset": f"dataset={name}"}.get(kind, f"{GROUPS[kind]}={name}")
    job = "eval" if kind == "dataset" else "train"
    return f"try it: python -m pytest test_{name}.py, then PYTHONPATH=. mmst {job} --config-dir my_configs {said} debug=tiny"
