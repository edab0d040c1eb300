import random

import pytest

from mmst.datasets.arithmetic.composed import COMPOSED, FAMILIES, METHODS, TRAINING_FAMILIES, draw_problem, draw_problems
from mmst.datasets.arithmetic.world import LARGEST_VALUE, apply
from mmst.errors import ConfigError

KNOWN = {"both": {"text", "code"}, "text": {"text"}, "code": {"code"}, COMPOSED: set()}


def family_of(problem):
    return problem.tags[0].removeprefix("family:")


def taught(family, method, seed):
    """One and the same problem as it is, and as a method of the base is taught to solve it."""
    return (draw_problem(family, "pretrain", random.Random(seed), (), who) for who in (None, method))


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("method", METHODS)
def test_a_method_is_taught_the_right_answer_where_it_knows_all_steps_and_a_wrong_one_elsewhere(family, method):
    for seed in range(40):
        right, own = taught(family, method, seed)
        assert own.question == right.question
        assert (own.answer == right.answer) == (method in KNOWN[family.rpartition("_")[2]])


def test_a_composed_problem_has_one_step_that_each_method_mistakes():
    for seed in range(40):
        right, _ = taught(COMPOSED, "text", seed)
        mistaken = [
            [a.operator != b.operator for a, b in zip(right.derivation, own.derivation, strict=True)]
            for own in (list(taught(COMPOSED, method, seed))[1] for method in METHODS)
        ]
        assert sorted(mistaken) == [[False, True], [True, False]]


@pytest.mark.parametrize("family", FAMILIES)
def test_derivations_hold_and_their_numbers_are_in_the_question(family):
    rng = random.Random(family)
    for _ in range(40):
        problem = draw_problem(family, "test", rng)
        values = {}
        for step in problem.derivation:
            left, right = (int(values.get(x, x)) for x in (step.left, step.right))
            assert apply(step.operator, left, right) == int(step.value) <= LARGEST_VALUE
            values[step.label] = step.value
            assert all(operand in values or operand in problem.question for operand in (step.left, step.right))
        assert problem.answer == problem.derivation[-1].value
        assert len(values) == len(problem.derivation) == (1 if family.startswith("one_") else 2)
        assert "{" not in problem.question


def test_composed_problems_are_held_out_of_training_and_all_other_families_are_in_it():
    assert {family_of(p) for p in draw_problems("heldout", 40, 0)} == {COMPOSED}
    for split in ("pretrain", "train", "validation", "test"):
        assert {family_of(p) for p in draw_problems(split, 60, 0)} == set(TRAINING_FAMILIES)
    assert {family_of(p) for p in draw_problems("validation", 40, 0, [COMPOSED])} == {COMPOSED}


def test_the_same_seed_gives_the_same_problems_and_another_seed_others():
    assert draw_problems("train", 50, 3) == draw_problems("train", 50, 3)
    assert draw_problems("train", 50, 3) != draw_problems("train", 50, 4)


def test_splits_share_no_numbers_of_a_chain_of_operations():
    drawn = {split: draw_problems(split, 600, 0) for split in ("pretrain", "train", "validation", "test")}
    seen = {
        split: {(p.tags, tuple((s.left, s.operator, s.right) for s in p.derivation)) for p in problems}
        for split, problems in drawn.items()
    }
    assert all(split == other or not seen[split] & seen[other] for split in seen for other in seen)


def test_problems_are_distinct():
    problems = draw_problems("test", 1150, 0)
    assert len({p.question for p in problems}) == len({p.id for p in problems}) == 1150


@pytest.mark.parametrize(
    ("split", "size", "names"), [("tset", 1, ()), ("test", 1, ("gain",)), ("test", 0, ()), ("test", True, ())]
)
def test_an_unknown_name_or_size_is_refused_by_name(split, size, names):
    with pytest.raises(ConfigError, match=r"tset|gain|size"):
        draw_problems(split, size, 0, names)
