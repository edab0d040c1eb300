r"""Grade a file of completions: `python -m mmst.answers IN.jsonl OUT.jsonl`.

In:  {"completion", "gold", "kind", "choices"?, "method"?}, with a kind of number, choice, yes_no, text, and a method of text,
     code, equation; a gold answer is spelt as data sets do it, `#### 72` after its rationale and `\boxed{72}` as well
Out: {"answer", "verdict", "reason", "checker"}, a line for a line. Programs and equations run in the sandbox.
"""

from __future__ import annotations

import argparse
import codecs
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, NoReturn

import msgspec

from mmst.answers.equality import canonical_answer, is_number
from mmst.answers.reading import CHECKER_VERSION
from mmst.datasets.golds import every, gold_and_rationale, readable
from mmst.errors import DataError, UserError
from mmst.ledger.files import atomic_write
from mmst.methods.code import CodeMethod
from mmst.methods.equation import EquationMethod
from mmst.methods.method import Method, Reading
from mmst.methods.prompt import PromptFormat
from mmst.methods.text import TextMethod
from mmst.sandbox.expressions import is_expression
from mmst.sandbox.pool import SandboxPool
from mmst.stages.grade import verdicts
from mmst.types import AnswerKind, Problem

FORMAT = PromptFormat(cue="", lead="")
METHODS: dict[str, Method] = {"text": TextMethod(FORMAT), "code": CodeMethod(FORMAT), "equation": EquationMethod(FORMAT)}


KINDS = {
    AnswerKind.NUMBER: "one number",
    AnswerKind.CHOICE: "a choice",
    AnswerKind.YES_NO: "yes or no",
    AnswerKind.TEXT: "a text",
}


class Row(msgspec.Struct):
    """One line of the input."""

    completion: str
    gold: Annotated[str, msgspec.Meta(min_length=1)]
    kind: AnswerKind
    choices: list[str] = msgspec.field(default_factory=list)
    method: str = "text"


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line and grade."""
    parser = argparse.ArgumentParser(
        prog="mmst answers", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("input", type=Path)
    parser.add_argument("output", type=Path)
    options = parser.parse_args(arguments)
    try:
        rows = read_rows(options.input)
        lines = [json.dumps(verdict, ensure_ascii=False) for verdict in graded(rows)]
        atomic_write(options.output, "".join(f"{line}\n" for line in lines).encode())
    except (UserError, OSError) as error:
        refuse(error)


def refuse(error: UserError | OSError) -> NoReturn:
    """End with a sentence and the exit code of what the user can mend."""
    said = f"{error.filename}: {error.strerror.lower()}." if isinstance(error, OSError) and error.strerror else error
    sys.stderr.write(f"mmst: {said}\n")
    sys.exit(2)


def read_rows(path: Path) -> list[Row]:
    """The rows of a file.

    Raises:
        DataError: the file cannot be read, or a line is not as it must be, or its gold answer cannot be read; names the line.
    """
    rows: list[tuple[str, Row]] = []
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read ({str(error.strerror).lower()}); give a file of JSON lines.") from error
    for number, line in enumerate(content.removeprefix(codecs.BOM_UTF8).splitlines(), 1):
        if line.strip():
            try:
                row = msgspec.json.decode(line, type=Row)
            except (msgspec.DecodeError, msgspec.ValidationError) as error:
                raise DataError(f"{path}, line {number}: {str(error).lower()}.") from error
            if row.method not in METHODS or row.kind is AnswerKind.TESTS:
                raise DataError(f"{path}, line {number}: method must be one of {', '.join(METHODS)}, and kind not tests.")
            rows.append((f"{path}, line {number}", row))
    every(rows, lambda placed: problem_of(placed[1], placed[0], "0"))
    return [row for _, row in rows]


def problem_of(row: Row, where: str, id: str) -> Problem:
    """The problem of a row, its gold answer read as data sets' are.

    Raises:
        DataError: it cannot be read as one of its kind; begins with `where`.
    """
    written, _ = gold_and_rationale(row.gold)
    choices = tuple(row.choices)
    if row.kind is AnswerKind.CHOICE and not choices:
        gold = canonical_answer(written, row.kind)
    else:
        gold = readable(written, row.kind, choices, (), where)
    unreadable = gold is None or canonical_answer(gold, row.kind, choices) is None
    if row.kind is AnswerKind.NUMBER and gold is not None:
        unreadable = not is_number(gold) and not is_expression(gold)
    if gold is None or unreadable:
        raise DataError(f"{where}: the gold answer '{row.gold[:80]}' cannot be read as {KINDS[row.kind]}.")
    return Problem(id, "", gold, row.kind, choices)


def graded(rows: Sequence[Row]) -> Iterator[dict[str, str | int | None]]:
    """What became of each row, in order; a row with a gold answer that cannot be read is unjudged."""
    problems = [_as_read(row, str(n)) for n, row in enumerate(rows)]
    readings: dict[int, Reading] = {}
    with SandboxPool() as executor:
        for name, method in METHODS.items():
            places = [n for n, row in enumerate(rows) if row.method == name]
            read = method.read_all([rows[n].completion for n in places], [problems[n] for n in places], executor)
            readings.update(zip(places, read, strict=True))
        judged = verdicts([readings[n] for n in range(len(rows))], problems, executor)
    for n, (verdict, reason) in enumerate(judged):
        yield {"answer": readings[n].answer, "verdict": verdict.value, "reason": reason, "checker": CHECKER_VERSION}


def _as_read(row: Row, id: str) -> Problem:
    try:
        return problem_of(row, "", id)
    except DataError:
        return Problem(id, "", row.gold, row.kind, tuple(row.choices))


if __name__ == "__main__":
    main()
