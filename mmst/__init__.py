"""Multi-Method Self-Training: a language model gets better with its own answers, one method learning from another."""

import os
from typing import TYPE_CHECKING, Any

# Threads that wait for one another spin by default, which starves whatever else runs: two trainings at once on two cores
# then take over four times as long as one. Read when torch loads, hence before anything here imports it; sleeping instead
# of spinning cost about 2% on a quiet machine.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

if TYPE_CHECKING:
    from mmst.api import Run, grade, load, run

__all__ = ["Run", "grade", "load", "run"]  # of `mmst.api`


def __getattr__(name: str) -> Any:
    """Import the library when it is asked for: a command's typo is told before that."""
    if name not in __all__:
        raise AttributeError(f"module 'mmst' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module("mmst.api"), name)
