"""Text files as they come: UTF-8, or what a byte order mark says; what is no text is named for what it is."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path
from typing import Any

from mmst.errors import DataError, first_line
from mmst.types import Problem

MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # begins as UTF-16's does, so it is looked at first
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""Byte order mark -> encoding."""
ARCHIVES = {
    b"\x1f\x8b": "compressed by gzip; unpack it (gunzip)",
    b"PK\x03\x04": "a zip archive, as Excel's workbooks are; unpack it, or save the sheet as CSV",
    b"BZh": "compressed by bzip2; unpack it (bunzip2)",
    b"\xfd7zXZ": "compressed by xz; unpack it (unxz)",
    b"\x28\xb5\x2f\xfd": "compressed by zstd; unpack it (unzstd)",
    b"PAR1": "a Parquet file; let its name end in .parquet",
}
"""How other files begin that are given as texts, and what they are."""
HALF = re.compile("[\ud800-\udfff]")
"""Half of a surrogate pair: JSON and YAML can write it (`\\ud83d`), and no tokenizer, hash or file takes it."""


def text_of(file: Path) -> str:
    """A file's text.

    Raises:
        DataError: it cannot be read, or is no text; says what it is, or the line that is not UTF-8.
    """
    try:
        content = file.read_bytes()
    except OSError as error:
        raise DataError(f"{file}: cannot be read: {first_line(error)}.") from error
    for start, said in ARCHIVES.items():
        if content.startswith(start):
            raise DataError(f"{file}: not a text file but {said}.")
    encoding = next((name for mark, name in MARKS.items() if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise DataError(f"{file}, line {line}: not a UTF-8 text file ({error.reason}); save it as UTF-8.") from error
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise DataError(f"{file}, line {line}: not a UTF-8 text file (it holds a zero byte); save it as UTF-8.")
    return text


def json_of(text: str, where: str, more: str = "") -> Any:
    """What a text holds as JSON.

    Raises:
        DataError: it is no JSON, or holds what Python cannot; begins with `where`, and ends with `more`.
    """
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        line = f" at line {error.lineno}" if error.lineno > 1 else ""
        raise DataError(f"{where}: not JSON ({error.msg.removesuffix(' at')}{line}){more}.") from error
    except (ValueError, RecursionError) as error:
        said = "it is nested too deeply" if isinstance(error, RecursionError) else "a number has too many digits"
        raise DataError(f"{where}: cannot be read ({said}).") from error


def is_whole(value: Any) -> bool:
    """Whether all texts of a value, which may be lists and dictionaries of them, are of whole characters."""
    return HALF.search(json.dumps(value, ensure_ascii=False, skipkeys=True, default=str)) is None


def refuse_halves(problems: Iterable[Problem], where: str) -> None:
    """Refuse problems with half a character anywhere.

    Raises:
        DataError: begins with `where`, and names the first problem and its field.
    """
    for problem in problems:
        told = {field.name: getattr(problem, field.name) for field in fields(problem)}
        if not is_whole(list(told.values())):
            name = next(name for name, value in told.items() if not is_whole(value))
            id = problem.id.encode(errors="backslashreplace").decode()
            raise DataError(
                f"{where}: '{name}' of the problem {id} holds half of a surrogate pair, which is no character; "
                "write all of the character, or leave the problem out."
            )
