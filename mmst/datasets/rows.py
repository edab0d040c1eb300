"""Rows of files as they come: JSON lines, JSON, CSV, TSV and Parquet files, folders of them, and what `save_to_disk` wrote."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from math import isfinite
from pathlib import Path
from typing import Any

from mmst.datasets.text_files import json_of, text_of
from mmst.errors import DataError, first_line

Row = dict[str, Any]
Rows = list[tuple[str, Row]]
"""Rows, each with where it stands, as an error names it."""
SEPARATORS = {".csv": ",", ".tsv": "\t"}
LONGEST_CELL = 10_000_000
"""Characters."""
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
    return READERS[file.suffix.lower()](file)


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
    if not files:
        return f"it holds no file of problems ({', '.join(READERS)})"
    return (
        f"it has {', '.join(files[:MOST_NAMED])}. dataset.test_share=0.2 divides what has no splits, given by its file's name"
    )


def _files(folder: Path, split: str) -> list[Path]:
    """`SPLIT.csv`, `SPLIT-00000-of-00002.parquet`, the same in `data/`, or all files of the folder `SPLIT/`, in order."""
    patterns = (f"{split}.*", f"{split}-*", f"data/{split}.*", f"data/{split}-*", f"{split}/*")
    found = {file for pattern in patterns for file in folder.glob(pattern) if file.suffix.lower() in READERS}
    return sorted(found)


def _json(file: Path) -> Rows:
    """JSON lines, or one array, whatever the file is called."""
    text = text_of(file)
    start = text.lstrip()
    first = start.partition("\n")[0].strip()
    if not start:
        return []
    if start.startswith("{") and first.endswith("}") and first != start.strip():
        return [(f"{file}, line {n}", _line(line, f"{file}, line {n}")) for n, line in _lines(text)]
    whole = json_of(text, str(file))
    if isinstance(whole, dict):
        whole = _one_list(whole, file)
    if not isinstance(whole, list) or not all(isinstance(row, dict) for row in whole):
        raise DataError(f"{file}: the file must hold objects, one a line or in one array.")
    return [(f"{file}, row {n}", row) for n, row in enumerate(whole, 1)]


def _one_list(whole: Row, file: Path) -> list[Any]:
    """The rows of one object: its one list of objects, or itself.

    Raises:
        DataError: it holds several lists of objects, objects under names, or a list for each column.
    """
    values = list(whole.values())
    lists = {name: value for name, value in whole.items() if isinstance(value, list) and value and isinstance(value[0], dict)}
    if "question" in whole and not all(isinstance(value, list) for value in values):
        return [whole]
    if len(lists) == 1:
        return next(iter(lists.values()))
    if lists:
        raise DataError(
            f"{file}: it holds {len(lists)} lists of objects ({', '.join(lists)}); give each split a file of its own in one "
            "folder, such as train.json and test.json."
        )
    if values and (all(isinstance(value, dict) for value in values) or all(isinstance(value, list) for value in values)):
        raise DataError(f"{file}: the file must hold objects, one a line or in one array, each with all keys of a problem.")
    return [whole]


def _lines(text: str) -> Iterator[tuple[int, str]]:
    return ((n, line) for n, line in enumerate(text.split("\n"), 1) if line.strip())


def _line(line: str, where: str) -> Row:
    row = json_of(line, where)
    if not isinstance(row, dict):
        raise DataError(f"{where}: not a JSON object.")
    return row


def _table(file: Path) -> Rows:
    """CSV or TSV: a first line of column names. Cells are texts; an empty one counts as not there."""
    rows: Rows = []
    csv.field_size_limit(LONGEST_CELL)
    text = text_of(file)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=_separator(file, text), strict=True)
    names: list[str] = []
    try:
        for cells in lines:
            where = f"{file}, line {lines.line_num}"
            if not any(cell.strip() for cell in cells):
                continue
            if not names:
                names = [cell.strip() for cell in cells]
                _refuse_twice(names, where)
                continue
            if len(cells) != len(names):
                raise DataError(f"{where}: the row has not {len(names)} cells, as the first line has; quote cells with commas.")
            rows.append((where, {name: _cell(cell) for name, cell in zip(names, cells, strict=True) if cell.strip()}))
    except csv.Error as error:
        raise DataError(f"{file}, line {lines.line_num}: not a table ({error}).") from error
    return rows


def _separator(file: Path, text: str) -> str:
    """What stands between cells: semicolons or tabs in a CSV file whose first line has no comma, as spreadsheets write them."""
    usual = SEPARATORS[file.suffix.lower()]
    first = text.lstrip().partition("\n")[0]
    return usual if usual in first else next((other for other in (";", "\t", ",") if other in first), usual)


def _refuse_twice(names: Sequence[str], where: str) -> None:
    twice = [name for n, name in enumerate(names) if name and name in names[:n]]
    if twice:
        raise DataError(f"{where}: two columns are called '{twice[0]}'; rename one of them.")


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
    except (pyarrow.ArrowException, OSError) as error:
        raise DataError(f"{file}: not a Parquet file ({first_line(error)}).") from error
    try:
        return _plain(Dataset(InMemoryTable(table)), file)
    except (ValueError, TypeError, pyarrow.ArrowException) as error:
        raise DataError(f"{file}: a column cannot be read: {first_line(error).rstrip('.')}.") from error


def _saved(folder: Path, split: str) -> Rows | None:
    """What `save_to_disk` wrote: splits, or one data set without any, which is its own `test` split."""
    import datasets

    try:
        found = datasets.load_from_disk(str(folder))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"dataset.path: {folder} is not all of what save_to_disk wrote: {first_line(error).rstrip('.')}."
        ) from error
    if isinstance(found, datasets.DatasetDict):
        return _plain(found[split], folder / split) if split in found else None
    return _plain(found, folder) if split == "test" else None


def _plain(dataset: Any, place: Path) -> Rows:
    """Rows with their classes by name: a class's number would be taken for an answer."""
    classes = {name: feature for name, feature in dataset.features.items() if hasattr(feature, "int2str")}
    short = {name for name, feature in dataset.features.items() if getattr(feature, "dtype", "") in ("float16", "float32")}
    rows: Rows = []
    for n, row in enumerate(dataset, 1):
        named = {name: classes[name].int2str(row[name]) for name in classes if row[name] is not None and row[name] >= 0}
        there = {
            name: _number(value, name in short) for name, value in row.items() if value is not None and name not in classes
        }
        rows.append((f"{place}, row {n}", {**there, **named}))
    return rows


def _number(value: Any, short: bool) -> Any:
    """A value, but for a number in another form: 0.1 of 32 bits is 0.1, not 0.10000000149, and a decimal is what it reads."""
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if not short or not isinstance(value, float) or not isfinite(value):
        return value
    return float(f"{value:.7g}")


READERS: dict[str, Callable[[Path], Rows]] = {
    ".jsonl": _json,
    ".ndjson": _json,
    ".json": _json,
    ".csv": _table,
    ".tsv": _table,
    ".parquet": _parquet,
}
"""Ending -> what reads it."""
