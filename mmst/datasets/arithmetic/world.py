"""The embedded world: word problems drawn from families, each with its gold derivation.

The world is procedural, so a data set of any size costs nothing and no problem has to be shipped. A draw belongs to exactly
one split, by a hash of its family and numbers: what the base model was made from, what rounds train on and what is tested
on can never share a problem, whatever their sizes and seeds.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

import yaml

from mmst.datasets.worlds import check_draw, check_families, drawn_in_turn, split_of_text
from mmst.types import AnswerKind, Problem, Step

LARGEST_VALUE = 60
LARGEST_FACTOR = 12
HELD_OUT_FAMILIES = ("fewer_total", "lose_twice", "savings", "lost_parcels")
DISTRACTOR_RATE = 0.15


@dataclass(frozen=True, slots=True)
class Family:
    """A kind of problem: a derivation over drawn numbers, and its phrasings."""

    name: str
    numbers: Mapping[str, tuple[int, int]]
    steps: tuple[tuple[str, str, str, str], ...]
    """(label, left, operator, right); left and right are a number's letter, a literal, or an earlier label."""
    phrasings: tuple[str, ...]


@cache
def families() -> dict[str, Family]:
    """All families by name, those held out of training last."""
    rows = yaml.safe_load(_read("families.yaml"))
    return {row["family"]: _family(row) for row in rows}


@cache
def words() -> dict[str, list[str]]:
    """Names, things, containers and distracting sentences."""
    loaded: dict[str, list[str]] = yaml.safe_load(_read("words.yaml"))
    return loaded


def training_families() -> tuple[str, ...]:
    """The families that rounds may train on: all but those held out."""
    return tuple(name for name in families() if name not in HELD_OUT_FAMILIES)


def draw_problems(split: str, size: int, seed: int, names: Sequence[str] = ()) -> list[Problem]:
    """Draw `size` distinct problems of one split, families in turn, in an order that depends on the seed alone.

    Raises:
        ConfigError: the split or a family is unknown.
    """
    check_draw("arithmetic", split, size)
    chosen = tuple(names) or (HELD_OUT_FAMILIES if split == "heldout" else training_families())
    check_families("arithmetic", "dataset.families", chosen, families())
    rng = random.Random(f"{split}/{seed}")
    return drawn_in_turn(chosen, size, rng, lambda name: draw_problem(families()[name], split, rng))


def draw_problem(family: Family, split: str, rng: random.Random, phrasings: Sequence[int] = ()) -> Problem:
    """Draw one problem of a family within a split, in one of the phrasings given by number (none given: any)."""
    while True:
        numbers = {key: rng.randint(*bounds) for key, bounds in family.numbers.items()}
        if split_of(family.name, numbers) not in _siblings(split):
            continue
        derivation = _derive(family, numbers)
        if derivation:
            chosen = rng.choice(phrasings or range(len(family.phrasings)))
            return _phrase(family, numbers, derivation, chosen, rng)


def split_of(family: str, numbers: Mapping[str, int]) -> str:
    """The split that a draw belongs to; `test` stands for `heldout` as well, whose families are in no other split."""
    text = family + "/" + ",".join(f"{key}={value}" for key, value in sorted(numbers.items()))
    return split_of_text(text)


def apply(operator: str, left: int, right: int) -> int | None:
    """The whole value of `left operator right` within the world's bounds, or None where it leaves them."""
    if operator == "*" and max(left, right) > LARGEST_FACTOR and 2 not in (left, right):
        return None
    if operator == "/" and (right == 0 or left % right or right > LARGEST_FACTOR):
        return None
    value = {"+": left + right, "-": left - right, "*": left * right, "/": left // max(right, 1)}[operator]
    return value if 1 <= value <= LARGEST_VALUE else None


def _siblings(split: str) -> tuple[str, ...]:
    return ("test", "heldout") if split in ("test", "heldout") else (split,)


def _derive(family: Family, numbers: Mapping[str, int]) -> tuple[Step, ...] | None:
    values: dict[str, int] = dict(numbers)
    steps: list[Step] = []
    labels: set[str] = set()
    for label, left, operator, right in family.steps:
        operands = [values[x] if x in values else int(x) for x in (left, right)]
        value = apply(operator, operands[0], operands[1])
        if value is None:
            return None
        shown = [x if x in labels else str(v) for x, v in zip((left, right), operands, strict=True)]
        steps.append(Step(label, shown[0], operator, shown[1], str(value)))
        values[label] = value
        labels.add(label)
    return tuple(steps)


def _phrase(
    family: Family, numbers: Mapping[str, int], derivation: tuple[Step, ...], phrasing: int, rng: random.Random
) -> Problem:
    name, other = rng.sample(words()["names"], 2)
    slots = {"name": name, "other": other, "items": rng.choice(words()["items"]), "boxes": rng.choice(words()["boxes"])}
    question = family.phrasings[phrasing].format(**slots, **numbers)
    tags = [f"family:{family.name}", f"phrasing:{phrasing}", f"steps:{len(derivation)}"]
    if rng.random() < DISTRACTOR_RATE:
        question = f"{rng.choice(words()['distractors']).format(**slots, d=rng.randint(2, LARGEST_VALUE))} {question}"
        tags.append("distractor")
    digest = hashlib.sha256(question.encode()).hexdigest()[:10]
    return Problem(
        id=f"arithmetic-{family.name}-{digest}",
        question=question,
        answer=derivation[-1].value,
        kind=AnswerKind.NUMBER,
        derivation=derivation,
        tags=tuple(tags),
    )


def _family(row: dict[str, object]) -> Family:
    numbers = {str(k): (int(v[0]), int(v[1])) for k, v in row["numbers"].items()}  # type: ignore[attr-defined]
    steps = tuple(_parsed_step(text) for text in row["steps"])  # type: ignore[attr-defined]
    return Family(str(row["family"]), numbers, steps, tuple(row["phrasings"]))  # type: ignore[arg-type]


def _parsed_step(text: str) -> tuple[str, str, str, str]:
    label, expression = text.split(" = ")
    left, operator, right = expression.split(" ")
    return label, left, operator, right


def _read(name: str) -> str:
    return (resources.files("mmst.datasets.arithmetic") / name).read_text(encoding="utf-8")
