"""The embedded world of tables: a question over one small table, its database, its query, and its answer in words.

A draw belongs to exactly one split, by a hash of its family, table and values, as in `mmst.datasets.arithmetic.world`.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import yaml

from mmst.datasets.worlds import check_draw, check_families, drawn_in_turn, split_of_text
from mmst.types import AnswerKind, Problem

HELD_OUT_FAMILIES = ("group_total", "group_of_highest")
LARGEST_NUMBER = 15
"""Of a table's cells: sums of four stay below 60."""
FEWEST_ROWS, MOST_ROWS = 3, 4


@dataclass(frozen=True, slots=True)
class Family:
    """A kind of question."""

    name: str
    kind: AnswerKind
    phrasings: tuple[str, ...]
    query: str


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table."""

    key: str
    group: str
    number: int


@dataclass(frozen=True, slots=True)
class Drawn:
    """A problem with what both methods should say to it."""

    problem: Problem
    solutions: Mapping[str, str]
    """`text` and `sql`."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a question is about: its table's rows, and the values that stand in it."""

    rows: tuple[Row, ...]
    who: Row
    other: Row
    which: str
    least: int

    @property
    def chosen(self) -> list[Row]:
        """The rows of the group that is asked for."""
        return [row for row in self.rows if row.group == self.which]


@cache
def families() -> dict[str, Family]:
    """All families by name, those held out of training last."""
    return {
        name: Family(name, AnswerKind(about["kind"]), tuple(about["phrasings"]), about["query"])
        for name, about in _world()["families"].items()
    }


def training_families() -> tuple[str, ...]:
    """The families that rounds may train on: all but those held out."""
    return tuple(name for name in families() if name not in HELD_OUT_FAMILIES)


def draw_problems(split: str, size: int, seed: int, names: Sequence[str] = ()) -> list[Problem]:
    """Draw `size` distinct problems of one split, families in turn, in an order that depends on the seed alone.

    Raises:
        ConfigError: the split or a family is unknown.
    """
    check_draw("sql", split, size)
    chosen = tuple(names) or (HELD_OUT_FAMILIES if split == "heldout" else training_families())
    check_families("sql", "dataset.families", chosen, families())
    rng = random.Random(f"sql/{split}/{seed}")
    return drawn_in_turn(chosen, size, rng, lambda name: draw(name, split, rng).problem)


def draw(family: str, split: str, rng: random.Random, phrasings: Sequence[int] = ()) -> Drawn:
    """Draw one problem of a family within a split, in one of the phrasings given by number (none given: any)."""
    while True:
        table = rng.choice(_world()["tables"])
        asked = _asked(table, rng)
        if split_of(family, table["name"], asked.rows) in (("test", "heldout") if split in ("test", "heldout") else (split,)):
            phrasing = rng.choice(phrasings or range(len(families()[family].phrasings)))
            return _phrased(families()[family], table, asked, phrasing)


def split_of(family: str, table: str, rows: Sequence[Row]) -> str:
    """The split that a draw belongs to; `test` stands for `heldout` as well, whose families are in no other split."""
    text = f"{family}/{table}/" + ";".join(f"{row.key},{row.group},{row.number}" for row in rows)
    return split_of_text(text)


def _asked(table: Mapping[str, Any], rng: random.Random) -> _Asked:
    """Rows of which at least two are of one group, and two above a number; no two numbers are equal."""
    count = rng.randint(FEWEST_ROWS, MOST_ROWS)
    keys = rng.sample(_world()["keys"][table["keys"]], count)
    numbers = rng.sample(range(1, LARGEST_NUMBER + 1), count)
    which, *others = rng.sample(table["groups"], 3)
    groups = [which, which, *(rng.choice([which, *others]) for _ in range(count - 2))]
    rng.shuffle(groups)
    rows = tuple(map(Row, keys, groups, numbers))
    place = rng.randrange(count - 1)
    other = rng.choice([row for row in rows if row is not rows[place]])
    largest = sorted(numbers)[-2] - 1
    least = rng.choice([n for n in range(largest + 1) if n not in numbers] or [0])
    return _Asked(rows, rows[place], other, which, least)


def _phrased(family: Family, table: Mapping[str, Any], asked: _Asked, phrasing: int) -> Drawn:
    columns = {name: table[name] for name in ("key", "group", "number")}
    slots = {**columns, "who": asked.who.key, "other": asked.other.key, "which": asked.which, "least": asked.least}
    lines = [f"{table['name']}: {' | '.join(columns.values())}"]
    lines += [f"{row.key} | {row.group} | {row.number}" for row in asked.rows]
    question = "\n".join([*lines, family.phrasings[phrasing].format(**slots)])
    query = family.query.format(table=table["name"], **slots)
    reasons, answer = _IN_WORDS[family.name](asked)
    digest = hashlib.sha256(question.encode()).hexdigest()[:10]
    problem = Problem(
        id=f"sql-{family.name}-{digest}",
        question=question,
        answer=answer,
        kind=family.kind,
        setup=_script(table, asked.rows),
        rationale=f"{query};",
        tags=(f"family:{family.name}", f"phrasing:{phrasing}", f"table:{table['name']}"),
    )
    return Drawn(problem, {"text": f"{reasons} The answer is {answer}.", "sql": query})


def _script(table: Mapping[str, Any], rows: Sequence[Row]) -> str:
    values = ", ".join(f"('{row.key}', '{row.group}', {row.number})" for row in rows)
    columns = f"{table['key']} TEXT, {table['group']} TEXT, {table['number']} INTEGER"
    return f"CREATE TABLE {table['name']} ({columns}); INSERT INTO {table['name']} VALUES {values};"


def _lookup(asked: _Asked) -> tuple[str, str]:
    return f"{asked.who.key} has {asked.who.group}.", asked.who.group


def _after(asked: _Asked) -> tuple[str, str]:
    found = asked.rows[asked.rows.index(asked.who) + 1].key
    return f"After {asked.who.key} comes {found}.", found


def _highest(asked: _Asked) -> tuple[str, str]:
    row = max(asked.rows, key=lambda row: row.number)
    return f"{_numbers(asked.rows)}. The most is {row.number}, of {row.key}.", row.key


def _lowest(asked: _Asked) -> tuple[str, str]:
    row = min(asked.rows, key=lambda row: row.number)
    return f"{_numbers(asked.rows)}. The least is {row.number}, of {row.key}.", row.key


def _second(asked: _Asked) -> tuple[str, str]:
    rows = sorted(asked.rows, key=lambda row: -row.number)
    return f"{_numbers(rows)}. Number two is {rows[1].number}, of {rows[1].key}.", rows[1].key


def _count(asked: _Asked) -> tuple[str, str]:
    return _counted(asked.chosen)


def _over(asked: _Asked) -> tuple[str, str]:
    return _counted([row for row in asked.rows if row.number > asked.least])


def _total(asked: _Asked) -> tuple[str, str]:
    return _summed(asked.rows)


def _pair(asked: _Asked) -> tuple[str, str]:
    return _summed([asked.who, asked.other])


def _group_highest(asked: _Asked) -> tuple[str, str]:
    row = max(asked.chosen, key=lambda row: row.number)
    return f"{_listed(asked.chosen)}. The most is {row.number}, of {row.key}.", row.key


def _group_total(asked: _Asked) -> tuple[str, str]:
    sums, total = _summed(asked.chosen)
    return f"{_listed(asked.chosen)}. {sums}", total


def _group_of_highest(asked: _Asked) -> tuple[str, str]:
    reasons, _ = _highest(asked)
    row = max(asked.rows, key=lambda row: row.number)
    return f"{reasons} {row.key} has {row.group}.", row.group


def _numbers(rows: Sequence[Row]) -> str:
    return ", ".join(str(row.number) for row in rows)


def _listed(rows: Sequence[Row]) -> str:
    return ", ".join(f"{row.key} {row.number}" for row in rows)


def _counted(rows: Sequence[Row]) -> tuple[str, str]:
    return ", ".join(f"{place} {row.key}" for place, row in enumerate(rows, 1)) + ".", str(len(rows))


def _summed(rows: Sequence[Row]) -> tuple[str, str]:
    total, said = rows[0].number, []
    for row in rows[1:]:
        said.append(f"{total} + {row.number} = {total + row.number}.")
        total += row.number
    return " ".join(said), str(total)


_IN_WORDS: Mapping[str, Callable[[_Asked], tuple[str, str]]] = {
    "lookup": _lookup,
    "after": _after,
    "highest": _highest,
    "lowest": _lowest,
    "count": _count,
    "over": _over,
    "total": _total,
    "pair": _pair,
    "second": _second,
    "group_highest": _group_highest,
    "group_total": _group_total,
    "group_of_highest": _group_of_highest,
}
"""Family -> (reasons, answer): no query takes part, so that the two can be held against each other."""


@cache
def _world() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((resources.files("mmst.datasets.sql") / "world.yaml").read_text(encoding="utf-8"))
    return loaded
