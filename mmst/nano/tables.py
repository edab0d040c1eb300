"""The corpus of the base of `dataset=sql`: questions over tables by text and by query, translations, sums to learn by heart."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import replace

from mmst.datasets.sql.world import LARGEST_NUMBER, MOST_ROWS, Drawn, draw, training_families
from mmst.methods.method import Method
from mmst.methods.prompt import QUESTION_CUE
from mmst.nano.recipe import DRILL_QUESTION, REWRITE_QUESTION, NanoRecipe, solved, translated
from mmst.types import Example

UNTOLD = ("over",)
"""Families whose text does not tell the query: the number that it compares with stands in the question alone."""
FACTS = 3
"""Sums of a drill."""


def corpus(recipe: NanoRecipe, methods: Mapping[str, Method], count: int) -> Iterator[Example]:
    """`count` examples in the recipe's mixture, in a fixed random order."""
    rng = random.Random(recipe.seed)
    cells = [(name, method, seen[method]) for name, seen in recipe.exposure.items() for method in methods if seen[method]]
    kinds, shares = list(recipe.mixture), list(recipe.mixture.values())
    for number in range(count):
        kind = rng.choices(kinds, shares)[0]
        if kind == "solve":
            name, method, phrasings = rng.choice(cells)
            drawn = draw(name, "pretrain", rng, phrasings)
            yield solved(number, drawn.problem, methods[method], drawn.solutions[method])
        elif kind == "drill":
            yield _drill(str(number), rng)
        else:
            source, target = rng.sample(list(methods.values()), 2)
            drawn = _told(recipe, rng, source.name, target.name) if kind == "translate" else _untold(rng, source.name)
            given, written = drawn.solutions[source.name], drawn.solutions[target.name]
            yield translated(number, drawn.problem, source, given, target, written)


def _told(recipe: NanoRecipe, rng: random.Random, *methods: str) -> Drawn:
    """A problem in a phrasing that both methods met."""
    name = rng.choice(recipe.translate)
    source, target = (set(recipe.exposure[name][method]) for method in methods)
    return draw(name, "pretrain", rng, sorted(source & target))


def _untold(rng: random.Random, source: str) -> Drawn:
    """A problem whose table stands under a question that tells nothing: what is asked shows in the source's solution alone."""
    names = [name for name in training_families() if source != "text" or name not in UNTOLD]
    drawn = draw(rng.choice(names), "pretrain", rng)
    table, _, _ = drawn.problem.question.rpartition("\n")
    problem = replace(drawn.problem, question=f"{table}\n{REWRITE_QUESTION}")
    return Drawn(problem, drawn.solutions)


def _drill(id: str, rng: random.Random) -> Example:
    facts = []
    for _ in range(FACTS):
        left = rng.randint(1, (MOST_ROWS - 1) * LARGEST_NUMBER)
        right = rng.randint(1, LARGEST_NUMBER)
        facts.append(f"{left} + {right} = {left + right}.")
    return Example(id, "drill", "drill", f"{QUESTION_CUE}{DRILL_QUESTION}\nAnswer:", " " + " ".join(facts))
