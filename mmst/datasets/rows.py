"""Rows of files as they come: JSON lines, JSON, CSV, TSV and Parquet files, folders of them, and what `save_to_disk` wrote."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from mmst.errors import DataError, first_line

Row = dict[str, Any]
Rows = list[tuple[str, Row]]
"""Rows, each with where it stands, as an error names it."""
SEPARATORS = {".csv": ",", ".tsv": "\t"}
MOST_NAMED = 5
"""Files of a folder that an error names."""


def rows_of_file(file: Path) -> Rows:
    """All rows of one file, read as its name's ending says.

    Raises:
        DataError: no such file, an ending that is not known, or content that cannot be read.
    """
    if not file.is_file():
        raise DataError(f"dataset.path: there is no file {file}.")
    if file.suffix.lower() not in READERS:
        raise DataError(f"dataset.path: {file} cannot be read by its name; it must end in {', '.join(READERS)}.")
    try:
        return READERS[file.suffix.lower()](file)
    except UnicodeDecodeError as error:
        raise DataError(f"{file}: not a UTF-8 text file ({error.reason} at byte {error.start}); save it as UTF-8.") from error
    except OSError as error:
        raise DataError(f"{file}: cannot be read: {first_line(error)}.") from error


def rows_of_folder(folder: Path, split: str) -> Rows | None:
    """The rows of one split of a folder, of all its shards; None if the folder has no such split.

    Raises:
        DataError: a file cannot be read, or files of two endings hold the split.
    """
    if (folder / "dataset_dict.json").is_file() or (folder / "state.json").is_file():
        return _saved(folder, split)
    files = _files(folder, split)
    if len({file.suffix.lower() for file in files}) > 1:
        raise DataError(f"dataset.path: {files[0]} and {files[-1]} both hold the split '{split}'; leave one of them there.")
    return [row for file in files for row in rows_of_file(file)] if files else None


def said_of(folder: Path) -> str:
    """What a folder holds, for an error's sentence."""
    files = sorted(
        file.relative_to(folder).as_posix() for file in folder.glob("**/*") if file.suffix.lower() in (*READERS, ".arrow")
    )
    return f"it has {', '.join(files[:MOST_NAMED])}" if files else "it holds no file of problems"


def _files(folder: Path, split: str) -> list[Path]:
    """`SPLIT.csv`, `SPLIT-00000-of-00002.parquet`, the same in `data/`, or all files of the folder `SPLIT/`, in order."""
    patterns = (f"{split}.*", f"{split}-*", f"data/{split}.*", f"data/{split}-*", f"{split}/*")
    found = {file for pattern in patterns for file in folder.glob(pattern) if file.suffix.lower() in READERS}
    return sorted(found)


def _json(file: Path) -> Rows:
    """JSON lines, or one array, whatever the file is called."""
    text = file.read_text(encoding="utf-8-sig")
    try:
        whole = json.loads(text)
    except json.JSONDecodeError:
        return [(f"{file}, line {n}", _line(line, f"{file}, line {n}")) for n, line in _lines(text)]
    if isinstance(whole, dict):
        lists = [value for value in whole.values() if isinstance(value, list) and value and isinstance(value[0], dict)]
        whole = lists[0] if len(lists) == 1 and "question" not in whole else [whole]
    if not isinstance(whole, list) or not all(isinstance(row, dict) for row in whole):
        raise DataError(f"{file}: the file must hold objects, one a line or in one array.")
    return [(f"{file}, row {n}", row) for n, row in enumerate(whole, 1)]


def _lines(text: str) -> Iterator[tuple[int, str]]:
    return ((n, line) for n, line in enumerate(text.split("\n"), 1) if line.strip())


def _line(line: str, where: str) -> Row:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise DataError(f"{where}: not JSON ({error.msg}).") from error
    if not isinstance(row, dict):
        raise DataError(f"{where}: not a JSON object.")
    return row


def _table(file: Path) -> Rows:
    """CSV or TSV: a first line of column names. Cells are texts; an empty one counts as not there."""
    rows: Rows = []
    with file.open(encoding="utf-8-sig", newline="") as lines:
        reader = csv.DictReader(lines, delimiter=SEPARATORS[file.suffix.lower()], strict=True)
        try:
            for cells in reader:
                where = f"{file}, line {reader.line_num}"
                if None in cells or None in cells.values():
                    named = len(reader.fieldnames or [])
                    raise DataError(f"{where}: the row has not {named} cells, as the first line has; quote cells with commas.")
                rows.append((where, {name: _cell(cell) for name, cell in cells.items() if cell.strip()}))
        except csv.Error as error:
            raise DataError(f"{file}, line {reader.line_num}: not a table ({error}).") from error
    return rows


def _cell(cell: str) -> Any:
    """A cell's text; one that holds a JSON list, as choices and tests do, is that list."""
    try:
        value = json.loads(cell) if cell.lstrip().startswith("[") else cell
    except json.JSONDecodeError:
        return cell
    return value


def _parquet(file: Path) -> Rows:
    import pyarrow
    import pyarrow.parquet
    from datasets import Dataset
    from datasets.table import InMemoryTable

    try:
        table = pyarrow.parquet.read_table(file)
    except pyarrow.ArrowException as error:
        raise DataError(f"{file}: not a Parquet file ({first_line(error)}).") from error
    return _plain(Dataset(InMemoryTable(table)), file)


def _saved(folder: Path, split: str) -> Rows | None:
    """What `save_to_disk` wrote: splits, or one data set without any, which is its own `test` split."""
    import datasets

    try:
        found = datasets.load_from_disk(str(folder))
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"dataset.path: {folder} cannot be read: {first_line(error)}.") from error
    if isinstance(found, datasets.DatasetDict):
        return _plain(found[split], folder / split) if split in found else None
    return _plain(found, folder) if split == "test" else None


def _plain(dataset: Any, place: Path) -> Rows:
    """Rows with their classes by name: a class's number would be taken for an answer."""
    classes = {name: feature for name, feature in dataset.features.items() if hasattr(feature, "int2str")}
    rows: Rows = []
    for n, row in enumerate(dataset, 1):
        named = {name: classes[name].int2str(row[name]) for name in classes if row[name] is not None and row[name] >= 0}
        there = {name: value for name, value in row.items() if value is not None and name not in classes}
        rows.append((f"{place}, row {n}", {**there, **named}))
    return rows


READERS: dict[str, Callable[[Path], Rows]] = {
    ".jsonl": _json,
    ".ndjson": _json,
    ".json": _json,
    ".csv": _table,
    ".tsv": _table,
    ".parquet": _parquet,
}
"""Ending -> what reads it."""
