"""Examples as a data set that others can use: Parquet with a card.

    FOLDER/data/train.parquet         prompt, completion, edge, id, problem_id
           messages/train.parquet     the same as conversations: messages, edge, id, problem_id
           preferences/train.parquet  right and wrong samples of one problem: prompt, chosen, rejected, and where they are from
           samples/train.parquet      every sample and translation, kept or not, with its verdict and how it was drawn
           README.md                  counts, yields and configuration

`datasets.load_dataset(FOLDER)` reads the examples, whose columns `prompt` and `completion` are what trl's SFTTrainer takes, as
it takes `datasets.load_dataset(FOLDER, "messages")`; trl's DPOTrainer takes `datasets.load_dataset(FOLDER, "preferences")`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any

import yaml
from rich.panel import Panel
from rich.text import Text

from mmst.datasets.contamination import Contamination
from mmst.ledger.files import atomic_write
from mmst.ledger.ledger import Ledger
from mmst.methods.reasoning import split_reasoning
from mmst.pipeline import EdgeCounts, ExampleSet, Pipeline
from mmst.reporting.card import TAGS, dropped_words, licence_of
from mmst.reporting.making import contamination_sentence
from mmst.reporting.parquet import write_parquet
from mmst.reporting.progress import CONSOLE
from mmst.reporting.screen import show_table
from mmst.reporting.terminal import counts_table
from mmst.samplers.secrets import masked
from mmst.stages.prefer import preferences
from mmst.types import Example, GradedSample, Message, Preference, Problem, Sample

EXAMPLES = Path("data") / "train.parquet"
MESSAGES = Path("messages") / "train.parquet"
PREFERENCES = Path("preferences") / "train.parquet"
SAMPLES = Path("samples") / "train.parquet"
PACKAGES = ("mmst", "torch", "transformers")


@dataclass(frozen=True, slots=True)
class About:
    """What a card says of where its examples come from."""

    model: str
    dataset: str
    recipe: str
    config: Mapping[str, Any]
    """The composed configuration."""
    contamination: Contamination | None = None
    """What the training problems have in common with those of other splits."""


@dataclass(frozen=True, slots=True)
class TextRow:
    """An example as two texts."""

    id: str
    edge: str
    problem_id: str
    prompt: str
    completion: str


@dataclass(frozen=True, slots=True)
class ChatRow:
    """An example as a conversation."""

    id: str
    edge: str
    problem_id: str
    messages: tuple[Message, ...]


def write_dataset(examples: ExampleSet, ledger: Ledger, folder: Path, about: About, pairs: Sequence[Preference] = ()) -> Path:
    """Write the examples, the pairs, the samples of the ledger's graded stages, and the card; returns the folder."""
    texts = (asdict(TextRow(e.id, e.edge, e.problem_id, e.prompt, e.completion)) for e in examples.examples)
    write_parquet(folder / EXAMPLES, texts, TextRow)
    write_parquet(folder / MESSAGES, (asdict(_conversation(row)) for row in examples.examples), ChatRow)
    write_parquet(folder / PREFERENCES, (asdict(row) for row in pairs), Preference)
    write_parquet(folder / SAMPLES, _samples(ledger), Sample, answer="", verdict="", reason="")
    atomic_write(folder / "README.md", _card(examples, about, len(pairs)).encode())
    return folder


def preference_pairs(pipeline: Pipeline) -> list[Preference]:
    """Right and wrong samples of one problem, of all that the pipeline's ledger has graded in this run."""
    stages = pipeline.ledger.used
    problems = {row.id: row for stage in stages if stage.name == "problems" for row in stage.rows(Problem)}
    graded = (row for stage in stages if stage.name == "grade" for row in stage.rows(GradedSample))
    return preferences(graded, problems, pipeline.methods, pipeline.writer)


def _conversation(row: Example) -> ChatRow:
    """A template that opens a block of reasoning closes it itself; the solution alone is the reply."""
    solution = split_reasoning(row.completion)[1].strip()
    return ChatRow(row.id, row.edge, row.problem_id, (*row.messages, Message("assistant", solution)))


def _samples(ledger: Ledger) -> Iterator[dict[str, Any]]:
    for stage in ledger.used:
        if stage.name == "grade":
            for row in stage.rows(GradedSample):
                yield {**asdict(row.sample), "answer": row.answer, "verdict": row.verdict, "reason": row.reason}


def print_examples(examples: ExampleSet, count: int) -> None:
    """The counts by edge, and `count` examples of each edge."""
    for edge in examples.counts:
        rows: Iterator[Example] = (row for row in examples.examples if row.edge == edge)
        for row in islice(rows, count):
            CONSOLE.print(Panel(Text(row.prompt) + Text(row.completion, style="bold"), title=edge, subtitle=row.id, width=100))
    show_table(counts_table({"": {edge: asdict(tally) for edge, tally in examples.counts.items()}}), heads=2)


def _card(examples: ExampleSet, about: About, pairs: int) -> str:
    rows = "\n".join(_card_row(edge, tally) for edge, tally in examples.counts.items())
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return f"""---
configs:
- config_name: default
  default: true
  data_files: {EXAMPLES}
- config_name: messages
  data_files: {MESSAGES}
- config_name: preferences
  data_files: {PREFERENCES}
- config_name: samples
  data_files: {SAMPLES}
tags: [{", ".join(TAGS)}]
---
# {len(examples.examples)} examples of {about.dataset} by {about.model}, recipe `{about.recipe}`

Base model: {about.model}, whose licence applies to what it wrote. Problems: {about.dataset} ({licence_of(about.dataset)}).
Made by multi-method self-training (arXiv 2307.10633): a model's own right solutions, and its translations of them into
other methods that kept their answer. Columns: `prompt`, `completion`, `edge`, `id` (the sample it came from), `problem_id`.
The configuration `messages` holds the same as conversations, `preferences` {pairs} pairs of a right and a wrong sample of one
problem (`prompt`, `chosen`, `rejected`), within a method and across methods.
The configuration `samples` holds every sample and translation, kept or not, with its verdict, seed, engine and parameters.

| edge | samples | pseudo-labels | translations | verified | examples | dropped |
| --- | --- | --- | --- | --- | --- | --- |
{rows}

{contamination_sentence(about.contamination.counts) if about.contamination else ""}

Versions: {versions}. Key in the ledger: `{examples.key}`.

```yaml
{yaml.safe_dump(masked(dict(about.config)), sort_keys=False).strip()}
```
"""


def _card_row(edge: str, tally: EdgeCounts) -> str:
    numbers = (tally.samples, tally.pseudo_labels, tally.translations, tally.verified, tally.examples)
    return f"| {edge} | {' | '.join(map(str, numbers))} | {dropped_words(tally.dropped)} |"
