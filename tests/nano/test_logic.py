from itertools import islice

import pytest

from mmst.answers.equality import gold_of
from mmst.datasets.logic.world import HELD_OUT_FAMILIES, WORDINGS, draw_problems, training_families
from mmst.nano.__main__ import bare_methods
from mmst.nano.logic import corpus
from mmst.nano.recipe import NanoRecipe, make_tokenizer
from mmst.types import AnswerKind, Problem

RECIPE = NanoRecipe.load("recipe_logic")
LONGEST_SOLUTION = 96
"""Tokens that `model=nano_logic` may take."""


@pytest.fixture(scope="module")
def examples():
    return list(corpus(RECIPE, bare_methods(RECIPE.methods), 1500))


def test_the_recipe_names_every_family_but_those_held_out(examples):
    assert tuple(RECIPE.exposure) == training_families()
    assert not any(example.problem_id.startswith(f"logic-{family}-") for example in examples for family in HELD_OUT_FAMILIES)


def test_each_method_knows_a_wording_that_no_other_one_knows():
    seen = {m: {w for by in RECIPE.exposure.values() for w in by[m]} for m in RECIPE.methods}
    assert set().union(*seen.values()) == set(range(WORDINGS))
    for method, wordings in seen.items():
        assert wordings - set().union(*(others for other, others in seen.items() if other != method))


def test_the_corpus_is_the_same_every_time(examples):
    assert list(islice(corpus(RECIPE, bare_methods(RECIPE.methods), 50), 50)) == examples[:50]


def test_the_base_never_met_a_problem_that_rounds_train_or_test_on(examples):
    met = {example.prompt.split("\n")[0].removeprefix("Question: ").split(" Answer choices")[0] for example in examples}
    for split in ("train", "validation", "test", "heldout"):
        assert not met & {problem.question for problem in draw_problems(split, 300, 0)}


def test_all_that_the_base_is_taught_is_right(examples, sandbox):
    """Translations under the question that tells nothing as well: their solutions hold their premises."""
    for name, method in bare_methods(RECIPE.methods).items():
        solved = [example for example in examples[:300] if example.edge.endswith(name)]
        asked = [Problem("p", "?", "", AnswerKind.CHOICE, ("True", "False", "Unknown")) for _ in solved]
        readings = method.read_all([example.completion for example in solved], asked, sandbox)
        assert all(
            gold_of(problem) is None and reading.answer in "ABC" for problem, reading in zip(asked, readings, strict=True)
        )


def test_solutions_are_short_in_tokens(examples):
    tokenizer = make_tokenizer(RECIPE, examples)
    table = "kind calm | kind | calm\nT T | T | T"
    assert tokenizer.decode(tokenizer.encode(table)) == table
    assert len(tokenizer.encode("\nT T | T | T")) == 3
    assert max(len(tokenizer.encode(example.completion)) for example in examples) < LONGEST_SOLUTION
