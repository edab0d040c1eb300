"""The prompts of a stage, kept as they were: what stands at the beginning of all of a chunk is written once.

A prompt is named by the hash of its text, so that what a model was asked can be looked up after the run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mmst.ledger.ledger import MANIFEST, Stage
from mmst.ledger.spec import rows_key
from mmst.training.batches import common_length
from mmst.types import Prompt

NAME = "prompts"
"""Of the stage in the ledger."""
CHUNK = 500
"""Prompts a chunk: part of no key, so it is one number for all runs."""


@dataclass(frozen=True, slots=True)
class AskedRow:
    """One prompt, without what its chunk's prompts have in common."""

    id: str
    hash: str
    own: str
    shared: str | None = None
    """What it and the rows after it begin with, in the first row of a chunk."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One prompt whole."""

    id: str
    hash: str
    text: str


def asked_rows(prompts: Iterable[Prompt]) -> list[AskedRow]:
    """The rows of a chunk."""
    asked = list(prompts)
    texts = [prompt.text for prompt in asked]
    shared = texts[0][: common_length(texts)] if texts else ""
    return [
        AskedRow(prompt.id, prompt_hash(prompt.text), prompt.text[len(shared) :], None if n else shared)
        for n, prompt in enumerate(asked)
    ]


def asked_texts(stage: Stage) -> Iterator[Asked]:
    """The prompts of a stage that is done, in order."""
    shared = ""
    for row in stage.rows(AskedRow):
        shared = shared if row.shared is None else row.shared
        yield Asked(row.id, row.hash, shared + row.own)


def prompt_hash(text: str) -> str:
    """What names a prompt."""
    return rows_key([text])


def prompt_of(sample: str) -> str:
    """The id of the prompt that a sample answers, by the sample's id."""
    return sample.rpartition("/")[0]


def found_prompts(ledger: Path, hash: str) -> Iterator[Asked]:
    """The prompts of a ledger whose hash, or whose id, begins so; each text once."""
    seen: set[str] = set()
    folders = sorted(path for path in ledger.glob(f"{NAME}-*") if (path / MANIFEST).is_file())
    for stage in (Stage(NAME, path.name.rpartition("-")[2], path, {}) for path in folders):
        for asked in asked_texts(stage):
            if (asked.hash.startswith(hash) or asked.id.startswith(hash)) and asked.hash not in seen:
                seen.add(asked.hash)
                yield asked
