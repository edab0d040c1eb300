"""The corpus of the base of the world of logic: solutions by three methods, and translations between them."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping

from mmst.datasets.logic.solutions import solution
from mmst.datasets.logic.world import Puzzle, draw_puzzle
from mmst.methods.method import Method
from mmst.nano.recipe import REWRITE_QUESTION, NanoRecipe, solved, translated
from mmst.types import AnswerKind, Example, Problem


def corpus(recipe: NanoRecipe, methods: Mapping[str, Method], count: int) -> Iterator[Example]:
    """`count` examples in the recipe's mixture, in a fixed random order."""
    rng = random.Random(recipe.seed)
    cells = [(family, method, seen[method]) for family, seen in recipe.exposure.items() for method in methods if seen[method]]
    kinds, shares = list(recipe.mixture), list(recipe.mixture.values())
    for number in range(count):
        kind = rng.choices(kinds, shares)[0]
        if kind == "solve":
            family, method, wordings = rng.choice(cells)
            puzzle = draw_puzzle(family, "pretrain", rng, wordings)
            yield solved(number, puzzle.problem, methods[method], _by(methods[method], puzzle))
            continue
        source, target = (methods[name] for name in rng.sample(list(methods), 2))
        if kind == "translate":
            family = rng.choice(recipe.translate)
            both = set(recipe.exposure[family][source.name]) & set(recipe.exposure[family][target.name])
            puzzle = draw_puzzle(family, "pretrain", rng, sorted(both))
            yield _translated(number, puzzle, puzzle.problem, source, target)
        else:
            puzzle = draw_puzzle(rng.choice(list(recipe.exposure)), "pretrain", rng)
            bare = Problem("rewrite", REWRITE_QUESTION, "", AnswerKind.TEXT)
            yield _translated(number, puzzle, bare, source, target)


def _translated(number: int, puzzle: Puzzle, problem: Problem, source: Method, target: Method) -> Example:
    return translated(number, problem, source, _by(source, puzzle), target, _by(target, puzzle))


def _by(method: Method, puzzle: Puzzle) -> str:
    return solution(method.name, puzzle.premises, puzzle.statement)
