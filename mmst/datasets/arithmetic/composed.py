"""The composed world: problems of one or two operations, of which each method of the base mistakes some.

A family is what the methods know of a problem's operations. `composed` joins an operation that text mistakes with one that code
mistakes: no method knows both, so neither solves it, and neither does any choice between them. It is held out of all training.
"""

from __future__ import annotations

import hashlib
import itertools
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

import yaml

from mmst.datasets.arithmetic.world import apply, split_of, words
from mmst.datasets.worlds import check_draw, check_families, drawn_in_turn
from mmst.types import AnswerKind, Problem, Step

METHODS = ("text", "code")
"""The methods that mistake something."""
COMPOSED = "composed"
TRAINING_FAMILIES = ("one_both", "one_text", "one_code", "two_both", "two_text", "two_code")
"""Number of steps, and who knows all of them: both methods, text alone, code alone."""
FAMILIES = (*TRAINING_FAMILIES, COMPOSED)


@dataclass(frozen=True, slots=True)
class Operation:
    """What can happen to a number of things."""

    name: str
    operator: str
    numbers: tuple[int, int]
    sentences: tuple[str, ...]
    mistaken: Mapping[str, str]
    """Method -> the operator that the base was taught to take it for."""

    def as_seen_by(self, method: str | None) -> str:
        """The operator that a method of the base knows it by; None: the right one."""
        return self.mistaken.get(method, self.operator) if method else self.operator


@dataclass(frozen=True, slots=True)
class _World:
    start: tuple[int, int]
    operations: tuple[Operation, ...]
    labels: Mapping[str, Sequence[str]]
    openings: Sequence[str]
    closings: Sequence[str]


def labels() -> list[str]:
    """What results of steps are called."""
    return sorted(label for both in _world().labels.values() for label in both)


def draw_problems(split: str, size: int, seed: int, names: Sequence[str] = ()) -> list[Problem]:
    """Draw `size` distinct problems of one split, families in turn, in an order that depends on the seed alone.

    Args:
        split: which numbers may be drawn; `heldout` stands for the test split of the family `composed`.
        size: how many.
        seed: of the draw.
        names: families; none given: `composed` for `heldout`, all others for the other splits.

    Raises:
        ConfigError: the split or a family is unknown.
    """
    check_draw("arithmetic_composed", split, size)
    chosen = tuple(names) or ((COMPOSED,) if split == "heldout" else TRAINING_FAMILIES)
    check_families("arithmetic_composed", f"dataset.{split}.names", chosen, FAMILIES)
    rng = random.Random(f"{split}/{seed}")
    return drawn_in_turn(chosen, size, rng, lambda name: draw_problem(name, split, rng))


def draw_problem(
    family: str, split: str, rng: random.Random, sentences: Sequence[int] = (), method: str | None = None
) -> Problem:
    """Draw one problem of a family within a split.

    Args:
        family: one of `FAMILIES`.
        split: one of the world's splits.
        rng: what is drawn from.
        sentences: which phrasings of an operation are used, by number; none given: any.
        method: whose derivation and answer the problem carries: those that the base was taught. None: the right ones.
    """
    split = "test" if split == "heldout" else split
    while True:
        operations = rng.choice(_chains()[family])
        numbers = [rng.randint(*_world().start), *(rng.randint(*operation.numbers) for operation in operations)]
        if split_of("+".join(o.name for o in operations), dict(zip("abc", numbers, strict=False))) != split:
            continue
        derivations = {seer: _derive(operations, numbers, seer) for seer in (None, *METHODS)}
        if _tells_them_apart(operations, derivations):
            return _phrase(family, operations, numbers, derivations[method], sentences, rng)


def known_to(operations: Sequence[Operation]) -> tuple[str, ...]:
    """The methods that mistake none of the operations."""
    return tuple(method for method in METHODS if not any(method in operation.mistaken for operation in operations))


def _tells_them_apart(operations: Sequence[Operation], derivations: Mapping[str | None, tuple[Step, ...]]) -> bool:
    """Whether derivations stay within the world's bounds, and mistaken ones end in another answer than the right one."""
    if not all(derivations.values()):
        return False
    right = derivations[None][-1].value
    return all((derivations[m][-1].value == right) == (m in known_to(operations)) for m in METHODS)


def _derive(operations: Sequence[Operation], numbers: Sequence[int], method: str | None) -> tuple[Step, ...]:
    """The steps as a method sees them; none, if a value leaves the world's bounds."""
    steps: list[Step] = []
    value, shown = numbers[0], str(numbers[0])
    for place, (operation, number) in enumerate(zip(operations, numbers[1:], strict=True)):
        operator = operation.as_seen_by(method)
        result = apply(operator, value, number)
        if result is None:
            return ()
        label = _world().labels[operator][place]
        steps.append(Step(label, shown, operator, str(number), str(result)))
        value, shown = result, label
    return tuple(steps)


def _phrase(
    family: str,
    operations: Sequence[Operation],
    numbers: Sequence[int],
    derivation: tuple[Step, ...],
    sentences: Sequence[int],
    rng: random.Random,
) -> Problem:
    name, other = rng.sample(words()["names"], 2)
    slots = {"name": name, "other": other, "items": rng.choice(words()["items"])}
    told = [rng.choice(_world().openings).format(a=numbers[0], **slots)]
    for operation, number in zip(operations, numbers[1:], strict=True):
        told.append(operation.sentences[rng.choice(sentences or range(len(operation.sentences)))].format(n=number, **slots))
    question = " ".join([*told, rng.choice(_world().closings).format(**slots)])
    digest = hashlib.sha256(question.encode()).hexdigest()[:10]
    return Problem(
        id=f"composed-{family}-{digest}",
        question=question,
        answer=derivation[-1].value,
        kind=AnswerKind.NUMBER,
        derivation=derivation,
        tags=(f"family:{family}", f"steps:{len(operations)}", *(f"operation:{operation.name}" for operation in operations)),
    )


@cache
def _chains() -> dict[str, list[tuple[Operation, ...]]]:
    """The chains of operations of each family."""
    singles = [(operation,) for operation in _world().operations]
    chains: list[tuple[Operation, ...]] = [*singles, *itertools.permutations(_world().operations, 2)]
    count = {1: "one", 2: "two"}
    found: dict[str, list[tuple[Operation, ...]]] = {family: [] for family in FAMILIES}
    for chain in chains:
        known = known_to(chain)
        who = "both" if len(known) == len(METHODS) else known[0] if known else ""
        found[f"{count[len(chain)]}_{who}" if who else COMPOSED].append(chain)
    return found


@cache
def _world() -> _World:
    text = (resources.files("mmst.datasets.arithmetic") / "composed.yaml").read_text(encoding="utf-8")
    row = yaml.safe_load(text)
    operations = tuple(
        Operation(name, of["operator"], tuple(of["numbers"]), tuple(of["sentences"]), of.get("mistaken", {}))
        for name, of in row["operations"].items()
    )
    return _World(tuple(row["start"]["a"]), operations, row["labels"], row["openings"], row["closings"])
