"""Procedural problems by reasoning-gym (arXiv 2505.24760): GSM-symbolic and about a hundred other tasks.

{"question": "At John's house, there is 3 times as much kiwi as apple. ...", "answer": "288"}
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from mmst.answers.numbers import canonical_number
from mmst.errors import DataError, MissingExtraError, first_line
from mmst.types import AnswerKind, Problem

SPLIT_SEEDS = {"train": 0, "validation": 1, "test": 2}
SEEDS_A_SPLIT = 1_000_000
DRAWN = (2, 12)
"""Problems that are drawn for each that is wanted: at first, and where that was too few."""
TEMPLATE_SPLITS = ("train", "validation", "train", "test")
"""By the template's number."""


def generate_problems(
    task: str, split: str, size: int, seed: int = 0, options: dict[str, Any] | None = None, by_template: bool = False
) -> list[Problem]:
    """`size` different problems of a task; the splits share none.

    Answers are compared as numbers where all of them are numbers, else as texts: the task's own verifier is not called, since
    some of them evaluate what a model wrote. `options`: the task's own settings. `by_template`: the splits share no template
    either (half of them are for training, a quarter each for validation and test), and problems are tagged with theirs.

    Raises:
        DataError: there is no such task, it takes no such options, or it is not made from templates.
    """
    try:
        import reasoning_gym
    except ImportError as error:
        raise MissingExtraError("dataset=reasoning_gym", 'pip install -c constraints.txt -e ".[tasks]"') from error
    first = (seed * len(SPLIT_SEEDS) + SPLIT_SEEDS[split]) * SEEDS_A_SPLIT
    rows: dict[str, _Row] = {}
    try:
        for factor in DRAWN if size else ():
            drawn = reasoning_gym.create_dataset(task, size=factor * size, seed=first, **(options or {}))
            rows = _rows_of_split(drawn, split, by_template)
            if len(rows) >= size:
                break
    except (ValueError, TypeError, AssertionError, LookupError) as error:
        raise DataError(f"dataset: reasoning-gym cannot make '{task}' with these options: {first_line(error)}") from error
    if len(rows) < size:
        raise DataError(f"dataset: reasoning-gym's '{task}' gave {len(rows)} different problems for {split}, not {size}.")
    chosen = list(rows.items())[:size]
    numeric = all(canonical_number(row.answer) is not None for _, row in chosen)
    kind = AnswerKind.NUMBER if numeric else AnswerKind.TEXT
    return [
        Problem(f"{task}-{split}-{seed}-{number}", text, row.answer, kind, tags=(f"task:{task}", *row.tags))
        for number, (text, row) in enumerate(chosen)
    ]


@dataclass(frozen=True, slots=True)
class _Row:
    answer: str
    tags: tuple[str, ...]


def _rows_of_split(drawn: Any, split: str, by_template: bool) -> dict[str, _Row]:
    """Question -> the rest of its row, of those that belong to a split."""
    templates: list[int] | None = getattr(drawn, "task_indices", None)
    if by_template and templates is None:
        raise ValueError("it is not made from templates (dataset.by_template)")
    rows = {}
    for number, row in enumerate(drawn):
        text = _text(row)
        owner = TEMPLATE_SPLITS[templates[number] % len(TEMPLATE_SPLITS)] if by_template and templates else _split_of(text)
        if owner == split:
            rows[text] = _Row(str(row["answer"]), (f"template:{templates[number]}",) if templates else ())
    return rows


def _text(row: Any) -> str:
    return " ".join(str(row["question"]).split()) if "\n" not in str(row["question"]).strip() else str(row["question"]).strip()


def _split_of(text: str) -> str:
    """The split that a question belongs to, by its hash: whatever the seeds, no question is in two."""
    return list(SPLIT_SEEDS)[hashlib.sha256(text.encode()).digest()[0] % len(SPLIT_SEEDS)]
