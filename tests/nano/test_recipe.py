from collections import Counter
from itertools import islice

import pytest

from mmst.datasets.arithmetic import composed
from mmst.datasets.arithmetic.world import HELD_OUT_FAMILIES, LARGEST_VALUE, draw_problems, training_families
from mmst.nano.recipe import NanoRecipe, corpus, make_model, make_tokenizer
from mmst.training.checkpoint import load_tokenizer, nano_composed_checkpoint


@pytest.fixture(scope="module")
def recipe():
    return NanoRecipe.load()


@pytest.fixture(scope="module")
def examples(recipe, methods):
    return list(corpus(recipe, methods, 6000))


def test_the_recipe_names_every_training_family_and_none_held_out(recipe):
    assert set(recipe.exposure) == set(training_families())
    assert set(recipe.translate) <= set(training_families())


def test_each_method_has_blind_spots_that_the_other_sees(recipe):
    blind = {m: {f for f, seen in recipe.exposure.items() if not seen[m]} for m in ("text", "code")}
    assert len(blind["text"] - blind["code"]) >= 5
    assert len(blind["code"] - blind["text"]) >= 5


def test_the_corpus_is_the_same_every_time(recipe, methods, examples):
    assert list(islice(corpus(recipe, methods, 100), 100)) == examples[:100]


def test_the_corpus_keeps_to_its_mixture_and_to_its_exposures(recipe, examples):
    kinds = Counter("drill" if e.edge == "drill" else "translate" if "->" in e.edge else "solve" for e in examples)
    assert kinds["solve"] / 6000 == pytest.approx(recipe.mixture["solve"], abs=0.03)
    assert kinds["drill"] / 6000 == pytest.approx(recipe.mixture["drill"], abs=0.03)
    for example in examples:
        family = example.problem_id.removeprefix("arithmetic-").rpartition("-")[0]
        assert family not in HELD_OUT_FAMILIES
        if example.edge in ("text", "code"):
            assert recipe.exposure[family][example.edge]


def test_the_base_never_met_a_problem_that_rounds_train_or_test_on(examples):
    met = {e.prompt.split("\n")[0].removeprefix("Question: ") for e in examples}
    for split in ("train", "validation", "test", "heldout"):
        assert not met & {p.question for p in draw_problems(split, 1000, 0)}


def test_every_number_of_the_world_is_one_token(nano):
    tokenizer = load_tokenizer(nano)
    assert all(len(tokenizer.encode(f" {number}")) == 1 for number in range(1, LARGEST_VALUE + 1))


def test_the_tokenizer_and_the_model_are_made_from_the_recipe(recipe, examples, nano):
    tokenizer = make_tokenizer(recipe, examples)
    text = "Question: é 12?\nProgram:\ndef solution():\n    x = 1\n    return x"
    assert tokenizer.decode(tokenizer.encode(text)) == text
    model = make_model(recipe, len(tokenizer), tokenizer.eos_token_id, tokenizer.pad_token_id)
    assert 900_000 < model.num_parameters() < 1_100_000


@pytest.fixture(scope="module")
def composed_examples(methods):
    return list(corpus(NanoRecipe.load("recipe_composed"), methods, 6000))


def test_the_composed_recipe_names_every_family_and_teaches_none_of_the_composed_ones(composed_examples):
    recipe = NanoRecipe.load("recipe_composed")
    assert set(recipe.exposure) == set(composed.FAMILIES)
    assert set(recipe.translate) == {"one_both", "two_both"}, "translations of what both know, so that none carries knowledge"
    assert not any(example.problem_id.startswith("composed-composed-") for example in composed_examples)


def test_the_base_of_the_composed_world_never_met_a_problem_that_rounds_train_or_test_on(composed_examples):
    met = {e.prompt.split("\n")[0].removeprefix("Question: ") for e in composed_examples}
    for split in ("train", "validation", "test", "heldout"):
        assert not met & {p.question for p in composed.draw_problems(split, 1000, 0)}


def test_methods_of_the_composed_world_are_taught_their_own_mistakes(composed_examples):
    """Text takes what somebody receives for a loss, code takes a delivery for one."""
    sold = [e for e in composed_examples if e.edge in ("text", "code") and e.problem_id.startswith("composed-one_")]
    for word, mistaking in (("from", "text"), ("by mail", "code")):
        for example in (e for e in sold if f" {word}" in e.prompt and ("present" in e.prompt or "mail" in e.prompt)):
            assert (" - " in example.completion) == (example.edge == mistaking)


def test_every_number_of_the_composed_world_is_one_token():
    tokenizer = load_tokenizer(nano_composed_checkpoint())
    assert all(len(tokenizer.encode(f" {number}")) == 1 for number in range(1, LARGEST_VALUE + 1))
