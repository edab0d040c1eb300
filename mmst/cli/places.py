"""Where the configuration files are: beside the package in a checkout, inside it in an installed wheel."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).parents[1]


def folder_of(name: str) -> Path:
    """The folder `configs` or `sweeps`."""
    inside = PACKAGE / name
    return inside if inside.is_dir() else PACKAGE.parent / name


CONFIGS = folder_of("configs")
SWEEPS = folder_of("sweeps")


def groups(*more: Path) -> dict[str, list[str]]:
    """Config group -> its options, from the files of `configs/` and `sweeps/` and of further folders of configs."""
    found: dict[str, set[str]] = {"sweep": {path.stem for path in SWEEPS.glob("*.yaml")}}
    for root in (CONFIGS, *more):
        for path in root.glob("*/*.yaml"):
            if path.parent.name not in ("hydra", "local"):
                found.setdefault(path.parent.name, set()).add(path.stem)
    return {group: sorted(found[group]) for group in sorted(found)}
