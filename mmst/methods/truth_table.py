"""Truth tables: written by the model, read and checked here, and never executed (Mixture of Thought, arXiv 2505.15817).

kind calm | kind | kind -> calm | calm
T T | T | T | T
T F | T | F | F
F T | F | T | T
F F | F | T | F
The answer is True.

The first line has the names, then each premise, and last the statement that is asked for. The answer is what the rows say in
which all premises hold. A table that leaves a row out, writes one twice, or has a wrong cell has no answer: it is no proof.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from mmst.answers.equality import canonical_answer
from mmst.answers.passages import without_run_on
from mmst.answers.propositions import ANSWERS, FALSE, TRUE, UNKNOWN, Formula, parse, verdict
from mmst.answers.reading import stated_answer
from mmst.answers.thinking import without_thinking
from mmst.methods.method import Reading
from mmst.methods.prompt import PromptFormat
from mmst.sandbox.result import Executor
from mmst.types import AnswerKind, Problem, Step

MOST_NAMES = 6
"""Names of a table, which has a row for each way to choose their values."""
MOST_LINES = 2 ** (MOST_NAMES + 1)
BAR = "|"
RULE = re.compile(r"[\s|:+-]*-[\s|:+-]*")
"""The line under a header in Markdown."""
VALUES = {"t": True, "true": True, "1": True, "f": False, "false": False, "0": False}
MARK = re.compile(r"\banswer\b", re.IGNORECASE)
ALSO_UNKNOWN = ("unknown", "uncertain", "undetermined")
"""What data sets call it when neither a statement nor its opposite follows."""
OPEN = re.compile(
    r"(?:can(?:no|')t|not|n't) (?:be )?(?:known|certain|determined|decided|proven?d?|concluded|inferred|follow)\b"
)
NEITHER = re.compile(r"\bneither\b.*?\bnor\b\W*\w*")
NOT = re.compile(r"\b(?:not|never|cannot)\b|n't\b")
DENIED = re.compile(r"\b(?:refuted|disproved|disproven|untrue|incorrect|invalid|contradicted|wrong|does(?: not|n't) hold)\b")
VAGUE = re.compile(r"\b(?:undecided|indeterminate|ambiguous|unclear|inconclusive|not sure|can(?:no|')t say)\b")
CONCLUSION = re.compile(rf"\b(true|yes|false|{'|'.join(ALSO_UNKNOWN)})\b|^\W*(no)\b|(?:\bis|=|:)\s*([tf])\W*$")
MEANT = {"true": TRUE, "yes": TRUE, "t": TRUE, "false": FALSE, "no": FALSE, "f": FALSE}
"""What a word, or a letter of a cell, says; any other of a conclusion leaves it open."""
LETTER = re.compile(r"\W*(?:(?:option|choice)\s+)?([a-z])\W*")
"""A line that is the letter of a choice."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table as it is written."""

    names: tuple[str, ...]
    premises: tuple[Formula, ...]
    statement: Formula
    rows: tuple[tuple[bool, ...], ...]
    """Of each row the names' values, the premises', and the statement's."""
    below: tuple[str, ...] = ()
    """The lines under it."""

    @property
    def wrong(self) -> list[str]:
        """The cells whose value does not follow from their row's names, as `kind -> calm = T where kind=T calm=F`."""
        found = []
        for row in self.rows:
            values = dict(zip(self.names, row, strict=False))
            given = " ".join(f"{name}={_letter(value)}" for name, value in values.items())
            columns = zip((*self.premises, self.statement), row[len(self.names) :], strict=True)
            found += [
                f"{formula} = {_letter(cell)} where {given}" for formula, cell in columns if formula.holds(values) != cell
            ]
        return found

    @property
    def is_whole(self) -> bool:
        """Whether each way to choose the names' values has its row, and none has two."""
        keys = [row[: len(self.names)] for row in self.rows]
        return len(keys) == len(set(keys)) == 1 << len(self.names)

    def adds_nothing(self, premise: Formula) -> bool:
        """Whether a premise holds where the statement does, however it is written, or everywhere."""
        cases = [dict(zip(self.names, row, strict=False)) for row in self.rows]
        held = [premise.holds(case) for case in cases]
        return all(held) or held == [self.statement.holds(case) for case in cases]

    @property
    def answer(self) -> str | None:
        """What the rows say in which all premises hold; None where there is no such row."""
        count = len(self.names)
        return verdict(row[-1] for row in self.rows if all(row[count:-1]))


@dataclass(frozen=True, slots=True)
class TruthTableMethod:
    """Solutions that write all cases down."""

    format: PromptFormat
    name: str = "truth_table"
    version: ClassVar[int] = 3
    """Raised with every change of what is read out of a completion, or of what a solution is cleaned to."""

    def clean(self, completion: str) -> str:
        """The table and what is said of it, up to a run-on next question."""
        return without_run_on(completion).strip()

    def read_all(self, completions: Sequence[str], problems: Sequence[Problem], executor: Executor) -> list[Reading]:
        """What each table proves; none where it is broken, or where another answer than that is stated under it."""
        return [self._read(self._said(text), problem) for text, problem in zip(completions, problems, strict=True)]

    def _said(self, completion: str) -> str:
        """A solution without what was thought before it."""
        return without_thinking(self.clean(completion))

    def _read(self, solution: str, problem: Problem) -> Reading:
        table = table_in(solution)
        if table is None:
            return Reading(None, "no table")
        if not table.is_whole:
            return Reading(None, "rows missing or twice")
        if table.wrong:
            return Reading(None, "wrong cell")
        if table.answer is None:
            return Reading(None, "no row where all premises hold")
        answer = _as_asked(table.answer, problem)
        stated = _stated(solution, problem)
        agrees = _concludes(table, answer) if stated is None else stated == answer
        return Reading(answer, "table") if agrees else Reading(None, "another answer is stated")

    def render(self, derivation: Sequence[Step]) -> str:
        """Arithmetic has no truth table: one step per line, for a preview alone."""
        return "\n".join(f"{step.label} = {step.left} {step.operator} {step.right} = {step.value}" for step in derivation)

    def steps(self, solution: str) -> str:
        """The formulas of the header with names replaced by their order of appearance; all of it where there is none."""
        table = table_in(solution)
        if table is None:
            return " ".join(solution.split())
        places = {name: f"n{place}" for place, name in enumerate(table.names)}
        header = " | ".join(map(str, (*table.premises, table.statement)))
        return re.sub(r"[^\W\d]\w*", lambda found: places.get(found[0], found[0]), header)

    def wrong_steps(self, completion: str) -> list[str]:
        """The cells that do not hold."""
        table = table_in(self._said(completion))
        return table.wrong if table else []

    def perturbed(self, completion: str, problem: Problem) -> list[str]:
        """A table is no program."""
        return []

    def leaks(self, problem: Problem, completion: str, answer: str) -> bool:
        """Whether no premise says anything but the statement itself: the table's answer is then put in, and not derived."""
        table = table_in(self._said(completion))
        return table is not None and all(table.adds_nothing(premise) for premise in table.premises)


def table_in(text: str) -> Table | None:
    """The last table of a text whose header can be read; None where there is none."""
    lines = [line.strip().strip("`").strip() for line in text.splitlines()[:MOST_LINES]]
    headers = [n for n, line in enumerate(lines) if BAR in line and _cells(line) is None and not RULE.fullmatch(line)]
    return next((table for n in reversed(headers) if (table := _table(lines, n)) is not None), None)


def _table(lines: Sequence[str], at: int) -> Table | None:
    """The table under the header in a line; one without premises, or with a row that is none of its own, is none."""
    first, *columns = (part.strip() for part in lines[at].strip(BAR).split(BAR))
    names, formulas = tuple(first.replace(",", " ").split()), [parse(column) for column in columns]
    if not 0 < len(names) <= MOST_NAMES or len(set(names)) < len(names) or len(formulas) < 2 or None in formulas:
        return None
    known = [formula for formula in formulas if formula is not None]
    if any(word not in names for formula in known for word in formula.names):
        return None
    rows: list[tuple[bool, ...]] = []
    end = at + 1
    while end < len(lines) and (cells := () if RULE.fullmatch(lines[end]) else _cells(lines[end])) is not None:
        if cells and len(cells) != len(names) + len(known):
            return None
        rows += [cells] if cells else []
        end += 1
    return Table(names, tuple(known[:-1]), known[-1], tuple(rows), tuple(lines[end:])) if rows else None


def _cells(line: str) -> tuple[bool, ...] | None:
    """The truth values of a row; None for a line that is none."""
    words = line.replace(BAR, " ").replace(",", " ").lower().split()
    return tuple(VALUES[word] for word in words) if words and BAR in line and all(word in VALUES for word in words) else None


def _letter(value: bool) -> str:
    return "T" if value else "F"


def _as_asked(answer: str, problem: Problem) -> str:
    """An answer in the problem's terms: the letter of its choice, or yes and no."""
    if problem.kind is AnswerKind.YES_NO:
        return {"True": "yes", "False": "no"}.get(answer, answer)
    if problem.kind is not AnswerKind.CHOICE:
        return canonical_answer(answer, problem.kind, problem.choices) or answer
    names = ALSO_UNKNOWN if answer == UNKNOWN else (answer.lower(),)
    place = next((n for n, choice in enumerate(problem.choices) if choice.strip().lower() in names), None)
    return answer if place is None else chr(65 + place)


def _stated(solution: str, problem: Problem) -> str | None:
    """The answer that is stated in words beside the table; empty where one is stated that says nothing, None without one."""
    words = "\n".join(line for line in solution.splitlines() if not _is_of_table(line))
    value, how = stated_answer(words, problem.kind, problem.choices or ANSWERS)
    if how in ("none", "fallback"):
        return "" if MARK.search(words) else None
    return value


def _is_of_table(line: str) -> bool:
    """Whether a line is a row, or a header, in which no answer is stated."""
    return BAR in line and (_cells(line) is not None or MARK.search(line) is None)


def _concludes(table: Table, answer: str) -> bool:
    """Whether the last line under a table that says true, false or unknown says what its rows do; so where none does.

    answer: the table's, in the problem's terms.
    """
    for line in reversed(table.below):
        text = NEITHER.sub(UNKNOWN.lower(), OPEN.sub(UNKNOWN.lower(), VAGUE.sub(UNKNOWN.lower(), line.lower())))
        text = DENIED.sub(FALSE.lower(), text)
        if letter := LETTER.fullmatch(text):
            return letter[1].upper() == answer
        if found := {MEANT.get(next(filter(None, words)), UNKNOWN) for words in CONCLUSION.findall(text)}:
            return found == {table.answer} and NOT.search(text) is None
    return True
