from collections import Counter
from itertools import islice

import pytest

from mmst.datasets.sql.world import HELD_OUT_FAMILIES, LARGEST_NUMBER, MOST_ROWS, draw_problems, training_families
from mmst.nano.__main__ import bare_methods
from mmst.nano.recipe import REWRITE_QUESTION, NanoRecipe, make_tokenizer
from mmst.nano.tables import corpus

LONGEST = 128
LARGEST_SUM = sum(range(LARGEST_NUMBER - MOST_ROWS + 1, LARGEST_NUMBER + 1))


@pytest.fixture(scope="module")
def recipe():
    return NanoRecipe.load("recipe_sql")


@pytest.fixture(scope="module")
def examples(recipe):
    return list(corpus(recipe, bare_methods(recipe.methods), 3000))


def family_of(example):
    return example.problem_id.removeprefix("sql-").rpartition("-")[0]


def test_the_recipe_names_every_training_family_and_none_held_out(recipe):
    assert set(recipe.exposure) == set(training_families())
    assert recipe.methods == ("text", "sql")
    for name in recipe.translate:
        assert set(recipe.exposure[name]["text"]) & set(recipe.exposure[name]["sql"])


def test_each_method_has_blind_spots_that_the_other_sees(recipe):
    blind = {m: {f for f, seen in recipe.exposure.items() if not seen[m]} for m in recipe.methods}
    assert len(blind["text"] - blind["sql"]) >= 3
    assert len(blind["sql"] - blind["text"]) >= 3


def test_the_corpus_is_the_same_every_time(recipe, examples):
    assert list(islice(corpus(recipe, bare_methods(recipe.methods), 50), 50)) == examples[:50]


def test_the_corpus_keeps_to_its_mixture_and_to_its_exposures(recipe, examples):
    kinds = Counter("drill" if e.edge == "drill" else "translate" if "->" in e.edge else "solve" for e in examples)
    assert kinds["solve"] / len(examples) == pytest.approx(recipe.mixture["solve"], abs=0.03)
    assert kinds["drill"] / len(examples) == pytest.approx(recipe.mixture["drill"], abs=0.03)
    for example in (e for e in examples if e.edge != "drill"):
        assert family_of(example) not in HELD_OUT_FAMILIES
        if "->" not in example.edge:
            assert recipe.exposure[family_of(example)][example.edge]
        elif f"\n{REWRITE_QUESTION}\n" not in example.prompt:
            assert family_of(example) in recipe.translate


def test_the_base_never_met_a_problem_that_rounds_train_or_test_on(examples):
    met = {e.prompt.rpartition("\n")[0].removeprefix("Question: ") for e in examples}
    for split in ("train", "validation", "test", "heldout"):
        assert not met & {p.question for p in draw_problems(split, 300, 0)}


def test_examples_are_short_and_every_number_is_one_token(recipe, examples):
    tokenizer = make_tokenizer(recipe, examples)
    assert max(len(tokenizer.encode(e.prompt + e.completion)) for e in examples) < LONGEST
    assert all(len(tokenizer.encode(f" {number}")) == 1 for number in range(1, LARGEST_SUM + 1))
