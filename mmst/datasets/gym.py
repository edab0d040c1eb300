"""Procedural problems by reasoning-gym (arXiv 2505.24760): GSM-symbolic and about a hundred other tasks.

{"question": "At John's house, there is 3 times as much kiwi as apple. ...", "answer": "288"}
"""

from __future__ import annotations

import hashlib
from typing import Any

from mmst.answers.numbers import canonical_number
from mmst.errors import DataError, MissingExtraError
from mmst.types import AnswerKind, Problem

SPLIT_SEEDS = {"train": 0, "validation": 1, "test": 2}
SEEDS_A_SPLIT = 1_000_000


def generate_problems(task: str, split: str, size: int, seed: int = 0, options: dict[str, Any] | None = None) -> list[Problem]:
    """`size` different problems of a task; the splits share none.

    Answers are compared as numbers where all of them are numbers, else as texts: the task's own verifier is not called, since
    some of them evaluate what a model wrote. `options`: the task's own settings.

    Raises:
        DataError: there is no such task, or it takes no such options.
    """
    try:
        import reasoning_gym
    except ImportError as error:
        raise MissingExtraError("dataset=reasoning_gym", 'pip install -c constraints.txt -e ".[tasks]"') from error
    first = (seed * len(SPLIT_SEEDS) + SPLIT_SEEDS[split]) * SEEDS_A_SPLIT
    try:
        drawn = reasoning_gym.create_dataset(task, size=2 * size, seed=first, **(options or {}))
        rows = {_text(row): row for row in drawn if _share(_text(row)) == SPLIT_SEEDS[split]} if size else {}
        if len(rows) < size:
            drawn = reasoning_gym.create_dataset(task, size=12 * size, seed=first, **(options or {}))
            rows = {_text(row): row for row in drawn if _share(_text(row)) == SPLIT_SEEDS[split]}
    except (ValueError, TypeError, AssertionError, KeyError) as error:
        raise DataError(f"dataset: reasoning-gym cannot make '{task}': {str(error).splitlines()[0][:200]}") from error
    if len(rows) < size:
        raise DataError(f"dataset: reasoning-gym's '{task}' gave {len(rows)} different problems for {split}, not {size}.")
    chosen = list(rows.values())[:size]
    numeric = all(canonical_number(str(row["answer"])) is not None for row in chosen)
    kind = AnswerKind.NUMBER if numeric else AnswerKind.TEXT
    return [
        Problem(f"{task}-{split}-{seed}-{number}", _text(row), str(row["answer"]), kind, tags=(f"task:{task}",))
        for number, row in enumerate(chosen)
    ]


def _text(row: Any) -> str:
    return " ".join(str(row["question"]).split()) if "\n" not in str(row["question"]).strip() else str(row["question"]).strip()


def _share(text: str) -> int:
    """The split that a question belongs to, by its hash: whatever the seeds, no question is in two."""
    return hashlib.sha256(text.encode()).digest()[0] % len(SPLIT_SEEDS)
