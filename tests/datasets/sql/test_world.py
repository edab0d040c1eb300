import random

import pytest

from mmst.answers.equality import verdict_of
from mmst.datasets.sql.world import HELD_OUT_FAMILIES, draw, draw_problems, families, training_families
from mmst.datasets.worlds import SPLITS
from mmst.errors import ConfigError
from mmst.nano.__main__ import bare_methods
from mmst.types import Verdict

METHODS = bare_methods(("text", "sql"))


def family_of(problem):
    return problem.tags[0].removeprefix("family:")


@pytest.mark.parametrize("name", METHODS)
def test_every_solution_is_right_by_its_method_and_derives_its_answer(name, sandbox):
    """The gold answer is worked out in words; the query is asked of the database: the two agree."""
    rng, method = random.Random(7), METHODS[name]
    drawn = [
        draw(family, "test", rng, [n]) for f, about in families().items() for n in range(len(about.phrasings)) for family in [f]
    ]
    problems = [one.problem for one in drawn]
    readings = method.read_all([one.solutions[name] for one in drawn], problems, sandbox)
    assert [verdict_of(r.answer, p)[0] for r, p in zip(readings, problems, strict=True)] == [Verdict.RIGHT] * len(drawn)
    assert not any(method.leaks(o.problem, o.solutions[name], r.answer) for o, r in zip(drawn, readings, strict=True))
    assert not any(method.wrong_steps(one.solutions[name]) for one in drawn)


def test_a_written_solution_is_right_by_both_methods(sandbox):
    """What `sampler=references` completes prompts with."""
    problems = draw_problems("test", 24, 3)
    written = [f"{p.rationale}\nThe answer is {p.answer}." for p in problems]
    for method in METHODS.values():
        readings = method.read_all(written, problems, sandbox)
        assert all(verdict_of(r.answer, p)[0] is Verdict.RIGHT for r, p in zip(readings, problems, strict=True))


def test_no_number_of_a_table_occurs_twice_and_every_placeholder_is_filled():
    for problem in draw_problems("train", 120, 0):
        _, *rows, _ = problem.question.split("\n")
        numbers = [row.rpartition(" | ")[2] for row in rows]
        assert len(set(numbers)) == len(numbers)
        assert "{" not in problem.question + problem.setup


def test_families_are_held_out_of_all_training():
    assert {family_of(p) for p in draw_problems("heldout", 20, 0)} == set(HELD_OUT_FAMILIES)
    for split in ("pretrain", "train", "validation", "test"):
        assert {family_of(p) for p in draw_problems(split, 40, 0)} == set(training_families())


def test_the_same_seed_gives_the_same_problems_and_another_seed_others():
    assert draw_problems("train", 50, 3) == draw_problems("train", 50, 3)
    assert draw_problems("train", 50, 3) != draw_problems("train", 50, 4)


def test_splits_share_no_table_of_a_family():
    drawn = {split: draw_problems(split, 400, 0) for split in SPLITS if split != "heldout"}
    seen = {split: {(family_of(p), p.setup) for p in problems} for split, problems in drawn.items()}
    assert all(split == other or not seen[split] & seen[other] for split in seen for other in seen)


def test_problems_are_distinct():
    problems = draw_problems("test", 800, 0)
    assert len({p.question for p in problems}) == len({p.id for p in problems}) == 800


@pytest.mark.parametrize(
    ("split", "size", "names"), [("tset", 1, ()), ("test", 1, ("gain",)), ("test", 0, ()), ("test", True, ())]
)
def test_an_unknown_name_or_size_is_refused_by_name(split, size, names):
    with pytest.raises(ConfigError, match=r"tset|gain|size"):
        draw_problems(split, size, 0, names)
