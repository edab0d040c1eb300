"""Names of runs: made of the overrides that tell one run from another, fit for folders, trackers and shells."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence

DEFAULT, NAMELESS = "default", "run"
LONGEST = 80
"""Characters of a name before its hash."""
SILENT = (
    "hydra.",
    "hydra/",
    "sweep=",
    "name=",
    "title=",
    "paths.",
    "prompts=",
    "tracker=",
    "executor=",
    "executor.",
    "sampler.batch_size",
    "redo_unjudged=",
    "push=",
    "push.",
)
"""Overrides that change nothing about the results, hence nothing about the run's name."""
PLAIN = re.compile(r"[\w.]+=[\w.+]([\w.+-]*[\w.+])?")
"""An override that stands in a name as it is, but for the `=`."""


SWEPT = "MMST_SWEPT"
"""Environment variable by which a sweep tells its jobs, also those in other processes, which overrides differ between them."""


def run_name(overrides: Sequence[str]) -> str:
    """A folder's name such as `seed-1__method-code_to_text`; a hash where that is not exact.

    What differs between a sweep's jobs stands first, then the rest; the seed before others of either.

    The order of the overrides does not matter. No `=` and no `,`: they mean something to Hydra, to globs and to trackers.
    """
    swept = _swept()
    telling = sorted(
        (o for o in overrides if not o.lstrip("+~").startswith(SILENT)),
        key=lambda o: (_key(o) not in swept, not _is_seed(o), o),
    )
    if not telling:
        return DEFAULT
    name = "__".join(re.sub(r"[^\w.+-]+", "-", override.lstrip("+")).strip("-") for override in telling)
    exact = all(PLAIN.fullmatch(override) and "__" not in override for override in telling)
    if exact and len(name) <= LONGEST and name != DEFAULT:
        return name
    return f"{name[:LONGEST].strip('.-') or NAMELESS}-{hashlib.sha256(','.join(telling).encode()).hexdigest()[:8]}"


def swept_overrides(overrides: Sequence[str]) -> list[str]:
    """Those by which a sweep's jobs differ; all of them where a search chooses the jobs."""
    return [override for override in overrides if _key(override) in _swept()] or list(overrides)


def _swept() -> list[str]:
    return os.environ.get(SWEPT, "").split(",")


def _key(override: str) -> str:
    return override.lstrip("+~").partition("=")[0]


def _is_seed(override: str) -> bool:
    return override.startswith("seed=")
