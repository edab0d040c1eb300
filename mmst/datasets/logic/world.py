"""The world of logic: a few facts and rules about somebody, and a statement that is true, false, or left open by them.

It is procedural, as the arithmetic world is. A draw belongs to exactly one split, by a hash of what its premises say, so that
what a base was made from, what rounds train on and what is tested on never share a problem. The answer of each problem is
computed from all rows of its truth table.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import yaml

from mmst.answers.propositions import ANSWERS, Formula, name, negation, parse, said_of
from mmst.datasets.logic.solutions import clauses, in_words
from mmst.datasets.worlds import check_draw, check_families, drawn_in_turn, split_of_text
from mmst.types import AnswerKind, Problem

HELD_OUT_FAMILIES = ("cases", "chain_back", "chain_open")
WORDINGS = 4
NEGATED = 0.3
"""How often a word's opposite stands for a name."""


@dataclass(frozen=True, slots=True)
class Family:
    """A kind of problem: premises over p, q and r, and what is asked."""

    name: str
    premises: tuple[Formula, ...]
    ask: Formula


@dataclass(frozen=True, slots=True)
class Puzzle:
    """A drawn problem, as formulas and in words."""

    family: str
    premises: tuple[Formula, ...]
    """In the order in which they are told."""
    statement: Formula
    question: str
    wording: int

    @property
    def answer(self) -> str:
        """One of `ANSWERS`."""
        said = said_of(self.statement, self.premises)
        assert said is not None, "premises of a family never contradict each other"
        return said

    @property
    def problem(self) -> Problem:
        """The problem that a solver is asked, with its gold answer and a solution in words."""
        digest = hashlib.sha256(self.question.encode()).hexdigest()[:10]
        return Problem(
            id=f"logic-{self.family}-{digest}",
            question=self.question,
            answer=chr(65 + ANSWERS.index(self.answer)),
            kind=AnswerKind.CHOICE,
            choices=ANSWERS,
            rationale=in_words(self.premises, self.statement),
            tags=(f"family:{self.family}", f"wording:{self.wording}", f"answer:{self.answer}"),
        )


@cache
def families() -> dict[str, Family]:
    """All families by name, those held out of training last."""
    return {
        key: Family(key, tuple(map(_formula, row["premises"])), _formula(row["ask"])) for key, row in _read("families").items()
    }


def training_families() -> tuple[str, ...]:
    """The families that rounds may train on: all but those held out."""
    return tuple(key for key in families() if key not in HELD_OUT_FAMILIES)


def draw_problems(split: str, size: int, seed: int, names: Sequence[str] = ()) -> list[Problem]:
    """Draw `size` distinct problems of one split, families in turn, in an order that depends on the seed alone.

    Args:
        split: which draws are allowed; `heldout` stands for the test split of the families held out.
        size: how many.
        seed: of the draw.
        names: families; none given: those held out for `heldout`, all others for the other splits.

    Raises:
        ConfigError: the split or a family is unknown, or the size is no number above 0.
    """
    check_draw("logic", split, size)
    chosen = tuple(names) or (HELD_OUT_FAMILIES if split == "heldout" else training_families())
    check_families("logic", f"dataset.{split}.names", chosen, families())
    rng = random.Random(f"logic/{split}/{seed}")
    return drawn_in_turn(chosen, size, rng, lambda name: draw_puzzle(name, split, rng).problem)


def draw_puzzle(family: str, split: str, rng: random.Random, wordings: Sequence[int] = ()) -> Puzzle:
    """Draw one problem of a family within a split, in one of the wordings given by number (none given: any)."""
    split = "test" if split == "heldout" else split
    kind = families()[family]
    while True:
        words = rng.sample(_read("words")["adjectives"], len("pqr"))
        literals = {key: _signed(name(word), rng) for key, word in zip("pqr", words, strict=True)}
        statement = _signed(name(_filled(kind.ask, literals).names[0]), rng)
        premises = [_filled(premise, literals) for premise in kind.premises]
        if split_of(premises, statement) == split:
            break
    rng.shuffle(premises)
    wording = rng.choice(wordings or range(WORDINGS))
    who = rng.choice(_read("words")["names"])
    told = [_told(premise, who, wording) for premise in premises]
    question = " ".join([*told, _read("words")["statement"].format(name=who, a=statement)])
    return Puzzle(family, tuple(premises), statement, question, wording)


def split_of(premises: Sequence[Formula], statement: Formula) -> str:
    """The split that a draw belongs to. Order, wording and family are no matter: premises that say the same are the same.

    `test` stands for `heldout` as well, whose families are in no other split.
    """
    said = sorted(" or ".join(sorted(map(str, clause))) for premise in premises for clause in clauses(premise))
    text = "/".join([*said, *statement.names])
    return split_of_text(text)


def _signed(formula: Formula, rng: random.Random) -> Formula:
    return negation(formula) if rng.random() < NEGATED else formula


def _filled(formula: Formula, literals: Mapping[str, Formula]) -> Formula:
    """A family's formula with its words in place of p, q and r; what is negated twice is not negated."""
    if not formula.parts:
        return literals[formula.operator]
    parts = tuple(_filled(part, literals) for part in formula.parts)
    return negation(parts[0]) if formula.operator == "not" else Formula(formula.operator, parts)


def _told(premise: Formula, who: str, wording: int) -> str:
    """A premise as a sentence."""
    words, parts = _read("words"), premise.parts
    if premise.operator == "->" and parts[0].operator == "and":
        (a, b), c = parts[0].parts, parts[1]
        return str(words["rule_of_two"][wording].format(name=who, a=a, b=b, c=c))
    if premise.operator in ("->", "or"):
        sentences = words["rule" if premise.operator == "->" else "either"]
        return str(sentences[wording].format(name=who, a=parts[0], b=parts[1]))
    if premise.operator == "not" and parts[0].operator == "and":
        a, b = parts[0].parts
        return str(words["not_both"][wording].format(name=who, a=a, b=b))
    return str(words["fact"].format(name=who, a=premise))


def _formula(text: str) -> Formula:
    formula = parse(text)
    assert formula is not None, text
    return formula


@cache
def _read(file: str) -> dict[str, Any]:
    """A YAML file beside this module."""
    loaded: dict[str, Any] = yaml.safe_load(
        (resources.files("mmst.datasets.logic") / f"{file}.yaml").read_text(encoding="utf-8")
    )
    return loaded
