import random

import pytest

from mmst.datasets.arithmetic.world import (
    HELD_OUT_FAMILIES,
    LARGEST_VALUE,
    apply,
    draw_problem,
    draw_problems,
    families,
    split_of,
    training_families,
)
from mmst.errors import ConfigError


def test_there_are_enough_families_and_phrasings():
    assert len(training_families()) >= 20
    assert all(len(families()[name].phrasings) >= 4 for name in training_families())
    assert not set(HELD_OUT_FAMILIES) & set(training_families())


def test_the_same_seed_gives_the_same_problems_and_another_seed_others():
    assert draw_problems("train", 50, 3) == draw_problems("train", 50, 3)
    assert draw_problems("train", 50, 3) != draw_problems("train", 50, 4)


def test_splits_share_no_numbers_of_a_family():
    drawn = {split: draw_problems(split, 600, 0) for split in ("pretrain", "train", "validation", "test")}
    seen = {
        split: {(p.tags[0], tuple((s.left, s.operator, s.right) for s in p.derivation)) for p in problems}
        for split, problems in drawn.items()
    }
    for split in seen:
        for other in seen:
            assert split == other or not seen[split] & seen[other]


def test_a_split_depends_on_family_and_numbers_alone():
    assert split_of("gain", {"a": 3, "b": 4}) == split_of("gain", {"b": 4, "a": 3})


def test_held_out_families_are_in_their_split_only():
    assert {p.tags[0].removeprefix("family:") for p in draw_problems("heldout", 80, 0)} == set(HELD_OUT_FAMILIES)
    assert not {p.tags[0].removeprefix("family:") for p in draw_problems("test", 230, 0)} & set(HELD_OUT_FAMILIES)


@pytest.mark.parametrize("name", sorted(families()))
def test_derivations_hold_and_their_numbers_are_in_the_question(name):
    rng = random.Random(name)
    for _ in range(40):
        problem = draw_problem(families()[name], "test", rng)
        values = {}
        for step in problem.derivation:
            left, right = (int(values.get(x, x)) for x in (step.left, step.right))
            assert apply(step.operator, left, right) == int(step.value) <= LARGEST_VALUE
            values[step.label] = step.value
            for operand in (step.left, step.right):
                assert operand in values or operand in problem.question or operand == "2"
        assert problem.answer == problem.derivation[-1].value
        assert "{" not in problem.question


def test_problems_are_distinct():
    problems = draw_problems("test", 1150, 0)
    assert len({p.question for p in problems}) == len({p.id for p in problems}) == 1150


def test_some_problems_hold_a_distractor():
    share = sum("distractor" in p.tags for p in draw_problems("test", 1000, 0)) / 1000
    assert 0.1 < share < 0.2


@pytest.mark.parametrize(("split", "names"), [("tset", ()), ("test", ("gian",))])
def test_an_unknown_name_is_refused_by_name(split, names):
    with pytest.raises(ConfigError, match=r"tset|gian"):
        draw_problems(split, 1, 0, names)
