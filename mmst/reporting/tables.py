"""The rows of stages as one table: a column for each of their fields, and one that names the stage."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mmst.errors import DataError
from mmst.ledger.stage import Stage
from mmst.reporting.parquet import write_parquet
from mmst.stages import asked
from mmst.stages.hidden import HiddenState
from mmst.types import Contrasted, Dropped, Example, GradedSample, Problem, Sample

STAGE = "stage"
NESTED = ("sample", "example")
"""The fields of rows that are rows themselves: their fields stand beside the others."""


@dataclass(frozen=True, slots=True)
class GradedRow(Sample):
    """A graded sample, flat."""

    answer: str | None = None
    verdict: str = ""
    reason: str = ""
    output: str = ""


@dataclass(frozen=True, slots=True)
class ContrastedRow(Example):
    """An example and what it is compared with, flat."""

    beside: str = ""
    beside_id: str = ""
    right: bool = True


COLUMNS: dict[str, tuple[type, type]] = {
    "problems": (Problem, Problem),
    asked.NAME: (asked.AskedRow, asked.Asked),
    **dict.fromkeys(("sample", "translate", "pick"), (Sample, Sample)),
    **dict.fromkeys(("grade", "reasons"), (GradedSample, GradedRow)),
    "examples": (Example, Example),
    "contrasted": (Contrasted, ContrastedRow),
    "dropped": (Dropped, Dropped),
    **dict.fromkeys(("hidden", "solution-states"), (HiddenState, HiddenState)),
}
"""A stage's name -> what its rows are, and the table's columns."""


def write_stages(path: Path, stages: Sequence[Stage]) -> int:
    """Write the rows of stages that are done as a Parquet file, some in memory at a time; returns how many.

    Raises:
        DataError: the stages differ in their columns, have no rows, or one is damaged.
    """
    names = list(dict.fromkeys(stage.name for stage in stages))
    if without := [name for name in names if name not in COLUMNS]:
        raise DataError(f"ledger: {without[0]} stages have no rows; those of these have: {', '.join(COLUMNS)}.")
    columns = {COLUMNS[name][1] for name in names}
    if len(columns) != 1:
        raise DataError(f"ledger: the rows of {' and '.join(names)} have different columns; write a file for each.")
    write_parquet(path, _rows(stages), columns.pop(), **{STAGE: ""})
    return sum(int(stage.manifest()["rows"]) for stage in stages)


def _rows(stages: Sequence[Stage]) -> Iterator[dict[str, Any]]:
    for stage in stages:
        rows = asked.asked_texts(stage) if stage.name == asked.NAME else stage.rows(COLUMNS[stage.name][0])
        for row in rows:
            yield {**_flat(asdict(row)), STAGE: stage.folder.name}


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    inner: dict[str, Any] = next((row.pop(name) for name in NESTED if name in row), {})
    return {**inner, **row}
