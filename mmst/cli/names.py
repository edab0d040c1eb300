"""Names of runs: made of the overrides that tell one run from another, fit for folders, trackers and shells."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

DEFAULT, NAMELESS = "default", "run"
LONGEST = 80
"""Characters of a name before its hash."""
SILENT = ("hydra.", "hydra/", "sweep=", "name=", "paths.", "prompts=", "tracker=", "sampler.batch_size", "redo_unjudged=")
"""Overrides that change nothing about the results, hence nothing about the run's name."""
PLAIN = re.compile(r"[\w.]+=[\w.+]([\w.+-]*[\w.+])?")
"""An override that stands in a name as it is, but for the `=`."""


def run_name(overrides: Sequence[str]) -> str:
    """A folder's name such as `seed-1_method-code_to_text`: the seed first, then the rest; a hash where that is not exact.

    The order of the overrides does not matter. No `=` and no `,`: they mean something to Hydra, to globs and to trackers.
    """
    telling = sorted((o for o in overrides if not o.lstrip("+~").startswith(SILENT)), key=lambda o: (not _is_seed(o), o))
    if not telling:
        return DEFAULT
    name = "__".join(re.sub(r"[^\w.+-]+", "-", override.lstrip("+")).strip("-") for override in telling)
    exact = all(PLAIN.fullmatch(override) and "__" not in override for override in telling)
    if exact and len(name) <= LONGEST and name != DEFAULT:
        return name
    return f"{name[:LONGEST].strip('.-') or NAMELESS}-{hashlib.sha256(','.join(telling).encode()).hexdigest()[:8]}"


def _is_seed(override: str) -> bool:
    return override.startswith("seed=")
