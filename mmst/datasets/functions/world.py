"""The embedded world of small functions: a task in words, a plan and a program of it, and unit tests.

A draw belongs to exactly one split, by a hash of its family, its rule and their numbers or letters: whatever its words are,
one function is in one split. What the tests expect is worked out here, and no program takes part.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import yaml

from mmst.datasets.worlds import check_draw, check_families, drawn_in_turn, split_of_text
from mmst.errors import ConfigError
from mmst.types import AnswerKind, Problem

HELD_OUT_FAMILIES = ("places", "joined")
LARGEST_NUMBER = 60
RAISES = range(2, 10)
NUMBERS = "numbers"
LENGTHS = (2, 5)
"""Things of a test's list, but for those that are added with an eye on the rule."""
FEWEST_WORDS = 3
"""Of the pool that a rule with a letter means."""
INDENT = "    "


@dataclass(frozen=True, slots=True)
class Drawn:
    """A problem with what both methods should say to it."""

    problem: Problem
    solutions: Mapping[str, str]
    """`plan` and `code`."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Which things of a list are meant."""

    name: str
    key: int | str = 0
    """The number or letter of it; 0 where it has none."""

    def __call__(self, thing: Any) -> bool:
        """Whether it means a thing."""
        return _MEANT[self.name](thing, self.key)

    @property
    def about(self) -> Mapping[str, Any]:
        """Its words."""
        found: Mapping[str, Any] = _world()["rules"][self.name]
        return found

    @property
    def neighbours(self) -> list[Rule]:
        """Rules that a wrong program might mean: a bound beside, another parity, another place of the letter."""
        if isinstance(self.key, str):
            return [Rule(name, self.key) for name in ("begins", "ends", "holds") if name != self.name]
        if not self.key:
            return [Rule("odd" if self.name == "even" else "even")]
        return [Rule(self.name, self.key - 1), Rule(self.name, self.key + 1)]


@dataclass(frozen=True, slots=True)
class Function:
    """What a program has to return."""

    family: str
    rule: Rule
    by: int = 0

    def __call__(self, things: Sequence[Any]) -> Any:
        """Its value."""
        return _VALUES[self.family](things, self.rule, self.by)

    @property
    def split(self) -> str:
        """The split that it belongs to; `test` stands for `heldout` as well, whose families are in no other split."""
        return split_of_text(f"{self.family}/{self.rule.name}/{self.rule.key}/{self.by}")

    @property
    def rivals(self) -> Iterator[Function]:
        """Functions that the tests must tell from it."""
        yield from (Function(name, self.rule, self.by) for name in families(self.of) if name != self.family)
        yield from (Function(self.family, rule, self.by) for rule in self.rule.neighbours)

    @property
    def of(self) -> str:
        """`numbers` or `words`."""
        return str(self.rule.about["of"])


def families(of: str | None = None) -> tuple[str, ...]:
    """All families; or those of `numbers`, or of `words`, alone."""
    return tuple(name for name, about in _world()["families"].items() if of in (None, about["of"]))


def training_families() -> tuple[str, ...]:
    """The families that rounds may train on: all but those held out."""
    return tuple(name for name in families() if name not in HELD_OUT_FAMILIES)


def draw_problems(split: str, size: int, seed: int, names: Sequence[str] = ()) -> list[Problem]:
    """Draw `size` distinct problems of one split, families in turn, in an order that depends on the seed alone.

    Raises:
        ConfigError: the split or a family is unknown, or a family has fewer problems than are asked for.
    """
    check_draw("functions", split, size)
    chosen = tuple(names) or (HELD_OUT_FAMILIES if split == "heldout" else training_families())
    check_families("functions", "dataset.families", chosen, families())
    most = min(_count(name, split) for name in chosen) * len(chosen)
    if size > most:
        raise ConfigError(f"dataset.{split}.size={size} is more than the {most} problems that functions has of these families.")
    rng = random.Random(f"functions/{split}/{seed}")
    return drawn_in_turn(chosen, size, rng, lambda name: draw(name, split, rng).problem)


def draw(family: str, split: str, rng: random.Random, phrasings: Sequence[int] = ()) -> Drawn:
    """Draw one problem of a family within a split, in one of the phrasings given by number (none given: any)."""
    function = rng.choice(_functions(family, split))
    phrasing = rng.choice(phrasings or range(len(_world()["phrasings"])))
    return _written(function, rng.choice(_world()[function.of]), phrasing, _lists(function, rng))


def _written(function: Function, things: str, phrasing: int, lists: Sequence[Sequence[Any]]) -> Drawn:
    about, rule = _world()["families"][function.family], function.rule
    slots = {"things": things, "it": "n" if function.of == NUMBERS else "w", "k": rule.key, "by": function.by}
    slots |= {name: rule.about[name].format(**slots) for name in ("which", "if", "test")}
    what = about["what"].format(**slots)
    name = f"{function.family}_{things}"
    steps = "\n".join(f"{number}. {step.format(**slots)}" for number, step in enumerate(about["plan"], 1))
    body = "\n".join(INDENT + line for line in about["body"].format(**slots).split("\n"))
    program = f"def {name}({things}):\n{body}"
    plan = f"{steps}\n```python\n{program}\n```"
    question = _world()["phrasings"][phrasing].format(what=what, things=things)
    problem = Problem(
        id=f"functions-{function.family}-{hashlib.sha256(question.encode()).hexdigest()[:10]}",
        question=question,
        answer="",
        kind=AnswerKind.TESTS,
        tests=tuple(f"assert {name}({list(given)!r}) == {function(given)!r}" for given in lists),
        entry_point=name,
        public_tests=1,
        rationale=plan,
        tags=(f"family:{function.family}", f"rule:{rule.name}", f"phrasing:{phrasing}"),
    )
    return Drawn(problem, {"plan": plan, "code": program})


def _lists(function: Function, rng: random.Random) -> list[list[Any]]:
    """What the tests call the function with: three lists and an empty one, by which it differs from all its rivals."""
    rivals = list(function.rivals)
    while True:
        lists = [_list(function.rule, rng) for _ in range(3)] + [[]]
        wanted = [(given, function(given)) for given in lists]
        if all(any(rival(given) != value for given, value in wanted) for rival in rivals):
            return lists


def _list(rule: Rule, rng: random.Random) -> list[Any]:
    """Things at random, often from one side of the rule's bound alone, then some at the bound, and one thing twice."""
    number = rule.about["of"] == NUMBERS
    pool = list(range(LARGEST_NUMBER + 1)) if number else _world()["pool"]
    bound = rule.key if isinstance(rule.key, int) and rule.key else None
    size: Callable[[Any], int] = int if number else len
    if bound is None:
        things = [*rng.sample(pool, rng.randint(*LENGTHS)), rng.choice(_chosen(pool, rule))]
    else:
        side = rng.choice([pool, [x for x in pool if size(x) <= bound], [x for x in pool if size(x) >= bound]])
        beside = [x for x in pool if abs(size(x) - bound) <= 1]
        things = rng.choices(side, k=rng.randint(*LENGTHS)) + rng.sample(beside, rng.randint(0, 3))
    things.append(rng.choice(things))
    rng.shuffle(things)
    return things


@cache
def _functions(family: str, split: str) -> tuple[Function, ...]:
    """All functions of a family within a split: those of `heldout` are as those of `test`."""
    wanted = "test" if split == "heldout" else split
    about = _world()["families"][family]
    rules = [r for name, rule in _world()["rules"].items() if rule["of"] == about["of"] for r in _rules_of(name, rule)]
    raises = RAISES if "{by}" in about["body"] else (0,)
    made = (Function(family, rule, by) for rule in rules for by in raises)
    return tuple(function for function in made if function.split == wanted)


def _count(family: str, split: str) -> int:
    """How many distinct questions a family has in a split."""
    things = _world()[_world()["families"][family]["of"]]
    return len(_functions(family, split)) * len(things) * len(_world()["phrasings"])


def _rules_of(name: str, about: Mapping[str, Any]) -> Iterator[Rule]:
    """A rule with each number, or letter, that it may have."""
    pool = _world()["pool"]
    if "from" in about:
        yield from (Rule(name, key) for key in range(about["from"], about["to"] + 1))
    elif about["of"] == NUMBERS:
        yield Rule(name)
    else:
        letters = (Rule(name, letter) for letter in sorted(set("".join(pool))))
        yield from (rule for rule in letters if sum(map(rule, pool)) >= FEWEST_WORDS)


def _chosen(things: Sequence[Any], rule: Callable[[Any], bool]) -> list[Any]:
    return list(filter(rule, things))


def _sum_before(things: Sequence[Any], rule: Rule) -> int:
    end = next((place for place, thing in enumerate(things) if rule(thing)), len(things))
    return sum(things[:end])


_MEANT: Mapping[str, Callable[[Any, Any], bool]] = {
    "even": lambda n, _: n in range(0, n + 1, 2),
    "odd": lambda n, _: n in range(1, n + 1, 2),
    "above": lambda n, k: n >= k + 1,
    "below": lambda n, k: n <= k - 1,
    "multiple": lambda n, k: n in range(0, n + 1, k),
    "longer": lambda word, k: bool(word[k:]),
    "shorter": lambda word, k: not word[k - 1 :],
    "begins": lambda word, letter: word[0] == letter,
    "ends": lambda word, letter: word[-1] == letter,
    "holds": lambda word, letter: word.count(letter) > 0,
}
"""Rule -> whether it means a thing, said otherwise than programs of the world say it: the two are held against each other."""

_VALUES: Mapping[str, Callable[[Sequence[Any], Rule, int], Any]] = {
    "total": lambda things, rule, by: sum(_chosen(things, rule)),
    "count": lambda things, rule, by: len(_chosen(things, rule)),
    "largest": lambda things, rule, by: sorted([0, *_chosen(things, rule)])[-1],
    "smallest": lambda things, rule, by: sorted(_chosen(things, rule) or [0])[0],
    "raised": lambda things, rule, by: list(map(by.__add__, _chosen(things, rule))),
    "others": lambda things, rule, by: _chosen(things, lambda thing: not rule(thing)),
    "before": lambda things, rule, by: _sum_before(things, rule),
    "places": lambda things, rule, by: _chosen(range(len(things)), lambda place: rule(things[place])),
    "word_count": lambda things, rule, by: len(_chosen(things, rule)),
    "longest": lambda things, rule, by: sorted(_chosen(things, rule) or [""], key=lambda word: -len(word))[0],
    "capital": lambda things, rule, by: [(word.upper() if rule(word) else word) for word in things],
    "letters": lambda things, rule, by: len("".join(_chosen(things, rule))),
    "joined": lambda things, rule, by: " ".join(_chosen(things, rule)[::-1]),
}
"""Family -> what a function of it returns."""


@cache
def _world() -> dict[str, Any]:
    path = resources.files("mmst.datasets.functions") / "world.yaml"
    loaded: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return loaded
