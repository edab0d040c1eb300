"""The samples of a page: a draw of them inside it, and all of them in files beside it, which it loads when it is asked to.

    report.html                       holds the draw
    report.samples/7c1d-index.js      every sample's numbers, and every problem's question
                   7c1d-0.js ...      what was said: answers, completions and prompts, some problems a file

The files are scripts that hand over a text, compressed JSON in letters: a page that is opened from a folder may load scripts,
where it may fetch nothing. What is in them is never markup.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from mmst.ledger.files import atomic_write
from mmst.methods.edge import BASE_ARM
from mmst.reporting.arm_style import arm_name, arm_order, natural
from mmst.reporting.samples import SampleTable

CHUNK_BYTES = 2_000_000
"""About how much text a file beside the page holds, before it is compressed."""
MOST_EMBEDDED = 1_000_000
"""Letters of the draw inside a page, at most."""
NUMBERS = ("problem", "set", "method", "edge", "model", "seed", "round", "verdict", "drop", "tokens", "source")
"""Columns of the index."""
LEVEL = 4
"""Of compression: a third of the time of the usual one, for a tenth more bytes."""
TRAINED_ON = "train"


@dataclass(frozen=True, slots=True)
class Embedded:
    """The draw, as the page holds it."""

    data: str
    shown: int
    total: int


def embedded(table: SampleTable, most: int) -> Embedded:
    """About `most` samples, fewer where they would be too large for a page."""
    drawn = table.drawn(most)
    data = _letters(_whole(drawn))
    while len(data) > MOST_EMBEDDED and len(drawn) > 1:
        drawn = table.drawn(int(len(drawn) * 0.9 * MOST_EMBEDDED / len(data)))
        data = _letters(_whole(drawn))
    return Embedded(data, len(drawn), table.total)


def write_beside(table: SampleTable, page: Path) -> str | None:
    """Write all samples beside a page; returns what the files' names begin with, from the page. None where there are none."""
    folder = page.with_suffix(".samples")
    old = set(folder.glob("*-*.js")) if folder.is_dir() else set()
    name = None
    if len(table):
        order, bounds = _order(table), []
        texts = []
        for first, last in (bounds := _chunks(table, order)):
            texts.append(_letters(_texts(table, order[first:last])))
        index = _letters(_index(table, order, bounds))
        digest = hashlib.sha256("".join([index, *texts]).encode()).hexdigest()[:8]
        folder.mkdir(parents=True, exist_ok=True)
        for part, letters in [("index", index), *((str(number), text) for number, text in enumerate(texts))]:
            path = folder / f"{digest}-{part}.js"
            atomic_write(path, f'mmstLoaded("{part}","{letters}");\n'.encode())
            old.discard(path)
        name = f"{folder.name}/{digest}-"
    for path in old:
        path.unlink()
    return name


def _whole(table: SampleTable) -> dict[str, Any]:
    """A table as an index with its texts in one piece."""
    order = _order(table)
    return {**_index(table, order, [(0, len(order))]), "texts": _texts(table, order)}


def _order(table: SampleTable) -> list[int]:
    """The rows by problem: those that were measured on first, then what was trained on."""
    columns = table.columns
    sets = list(table.names["set"])
    last = {number: name == TRAINED_ON for number, name in enumerate(sets)}
    return sorted(range(len(table)), key=lambda row: (last[columns["set"][row]], columns["set"][row], columns["problem"][row]))


def _chunks(table: SampleTable, order: Sequence[int]) -> list[tuple[int, int]]:
    """Ranges of rows whose texts go into one file each; a problem is never cut."""
    bounds, start, size = [], 0, 0
    columns = table.columns
    for place, row in enumerate(order):
        new = place > start and columns["problem"][row] != columns["problem"][order[place - 1]]
        if new and size >= CHUNK_BYTES:
            bounds.append((start, place))
            start, size = place, 0
        size += len(columns["completion"][row]) + 20
    return [*bounds, (start, len(order))]


def _index(table: SampleTable, order: Sequence[int], bounds: Sequence[tuple[int, int]]) -> dict[str, Any]:
    """Every problem, and every sample's numbers."""
    columns = table.columns
    problems = {id: number for number, id in enumerate(dict.fromkeys(columns["problem"][row] for row in order))}
    place = {row: number for number, row in enumerate(order)}
    found = {name: [columns[name][row] for row in order] for name in NUMBERS}
    found["problem"] = [problems[id] for id in found["problem"]]
    found["source"] = [place.get(row, -1) for row in found["source"]]
    names = {column: list(names) for column, names in table.names.items() if column in NUMBERS}
    models = names["model"]
    return {
        "problems": [[id, *table.problems[id]] for id in problems],
        "names": names,
        "columns": found,
        "chunks": [first for first, _ in bounds],
        "bases": [_base_of(model, models) for model in models],
        "order": {
            "model": sorted(range(len(models)), key=lambda number: arm_order(models[number])),
            "seed": sorted(range(len(names["seed"])), key=lambda number: natural(names["seed"][number])),
        },
    }


def _base_of(model: str, models: Sequence[str]) -> int:
    """The number of the base that a model was trained from; -1 for a base, or where there is none."""
    if arm_name(model) == BASE_ARM:
        return -1
    own = f"{BASE_ARM} ({model.partition(' (')[2]}"
    return next((models.index(name) for name in (own, BASE_ARM) if name in models), -1)


def _texts(table: SampleTable, rows: Sequence[int]) -> dict[str, Any]:
    """What was said in some rows. A prompt stands once."""
    columns, prompts = table.columns, list(table.prompts)
    used = {number: place for place, number in enumerate(dict.fromkeys(columns["prompt"][row] for row in rows))}
    reasons = list(table.names["reason"])
    return {
        "answer": [columns["answer"][row] for row in rows],
        "reason": [reasons[columns["reason"][row]] for row in rows],
        "completion": [columns["completion"][row] for row in rows],
        "output": [columns["output"][row] for row in rows],
        "prompt": [used[columns["prompt"][row]] for row in rows],
        "prompts": [prompts[number] if number >= 0 else None for number in used],
    }


def _letters(content: Any) -> str:
    """JSON, compressed and in letters: what a page, or a script, can hold."""
    return base64.b64encode(gzip.compress(msgspec.json.encode(content), LEVEL, mtime=0)).decode()
