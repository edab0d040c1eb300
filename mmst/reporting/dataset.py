"""Examples as a data set that others can use: Parquet with a card.

    FOLDER/data/train.parquet   prompt, completion, edge, id, problem_id
           README.md            counts, yields and configuration

`datasets.load_dataset(FOLDER)` reads it, and its columns `prompt` and `completion` are what trl's SFTTrainer takes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields
from importlib.metadata import version
from pathlib import Path

from omegaconf import DictConfig, OmegaConf
from rich.panel import Panel
from rich.text import Text

from mmst.ledger.files import atomic_write
from mmst.pipeline import EdgeCounts, ExampleSet
from mmst.reporting.progress import CONSOLE
from mmst.reporting.results import counts_table
from mmst.types import Example

PARQUET = Path("data") / "train.parquet"
PACKAGES = ("mmst", "torch", "transformers")


def write_dataset(examples: ExampleSet, folder: Path, config: DictConfig) -> Path:
    """Write the examples and their card; returns the folder."""
    import pyarrow
    import pyarrow.parquet

    columns = [field.name for field in fields(Example)]
    table = pyarrow.table({name: [getattr(row, name) for row in examples.examples] for name in columns})
    sink = pyarrow.BufferOutputStream()
    pyarrow.parquet.write_table(table, sink)
    atomic_write(folder / PARQUET, sink.getvalue().to_pybytes())
    atomic_write(folder / "README.md", _card(examples, config).encode())
    return folder


def print_examples(examples: ExampleSet, count: int) -> None:
    """The counts by edge, and `count` examples of each edge."""
    for edge in examples.counts:
        rows: Sequence[Example] = [row for row in examples.examples if row.edge == edge][:count]
        for row in rows:
            CONSOLE.print(Panel(Text(row.prompt) + Text(row.completion, style="bold"), title=edge, subtitle=row.id, width=100))
    CONSOLE.print(counts_table({"": {edge: asdict(tally) for edge, tally in examples.counts.items()}}))


def _card(examples: ExampleSet, config: DictConfig) -> str:
    rows = "\n".join(_card_row(edge, tally) for edge, tally in examples.counts.items())
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return f"""---
configs:
- config_name: default
  data_files: {PARQUET}
---
# {len(examples.examples)} examples of {config.dataset.name} by {config.model.name}, recipe `{config.method.name}`

Made by multi-method self-training (arXiv 2307.10633): a model's own right solutions, and its translations of them into
other methods that kept their answer. Columns: `prompt`, `completion`, `edge`, `id` (the sample it came from), `problem_id`.

| edge | samples | pseudo-labels | translations | verified | examples | dropped |
| --- | --- | --- | --- | --- | --- | --- |
{rows}

Versions: {versions}. Key in the ledger: `{examples.key}`.

```yaml
{OmegaConf.to_yaml(config, resolve=True).strip()}
```
"""


def _card_row(edge: str, tally: EdgeCounts) -> str:
    dropped = ", ".join(f"{reason} {count}" for reason, count in sorted(tally.dropped.items()))
    numbers = (tally.samples, tally.pseudo_labels, tally.translations, tally.verified, tally.examples)
    return f"| {edge} | {' | '.join(map(str, numbers))} | {dropped} |"
