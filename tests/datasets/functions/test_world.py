import random

import pytest

from mmst.answers.equality import PASSED
from mmst.datasets.functions.world import HELD_OUT_FAMILIES, draw, draw_problems, families, training_families
from mmst.datasets.worlds import SPLITS
from mmst.errors import ConfigError
from mmst.methods.code import CodeMethod, read_programs
from mmst.methods.plan import PlanFormat, PlanMethod
from mmst.methods.prompt import PromptFormat

METHODS = {
    "plan": PlanMethod(PlanFormat("Plan and answer:", " ", key="text")),
    "code": CodeMethod(PromptFormat("Program:", "\n", key="code")),
}
SLIPS = ((" > ", " >= "), (" < ", " <= "), ("% 2 == 0", "% 2 == 1"), ("startswith", "endswith"))


def tag_of(problem, name):
    return next(tag.removeprefix(f"{name}:") for tag in problem.tags if tag.startswith(f"{name}:"))


def one_of_each(seed):
    rng = random.Random(seed)
    return [draw(family, "test", rng) for family in families()]


@pytest.mark.parametrize("name", METHODS)
def test_every_solution_passes_its_tests(name, sandbox):
    """What the tests expect is worked out without a program: the two agree. A plan's program is found behind the plan."""
    method, drawn = METHODS[name], one_of_each(7)
    problems = [one.problem for one in drawn]
    for completions in ([one.solutions[name] for one in drawn], [one.problem.rationale for one in drawn]):
        assert [found.answer for found in method.read_all(completions, problems, sandbox)] == [PASSED] * len(drawn)
        assert not any(method.leaks(p, text, PASSED) for p, text in zip(problems, completions, strict=True))
    assert not any(method.wrong_steps(one.solutions[name]) for one in drawn)


def test_a_slip_fails(sandbox):
    """A bound that is one off, another parity, another place of the letter."""
    drawn = [one for seed in range(4) for one in one_of_each(seed)]
    wrong = [
        (one.problem, one.solutions["code"].replace(*slip))
        for one in drawn
        for slip in SLIPS
        if slip[0] in one.solutions["code"]
    ]
    assert len(wrong) > 10
    found = read_programs([code for _, code in wrong], [problem for problem, _ in wrong], sandbox)
    assert {reading.answer for reading in found} == {None}


def test_another_familys_program_fails(sandbox):
    """Of the same list and the same rule."""
    one = next(one for one in one_of_each(1) if tag_of(one.problem, "family") == "largest")
    programs = [one.solutions["code"].replace("max(", f"{name}(") for name in ("max", "min")]
    found = read_programs(programs, [one.problem] * len(programs), sandbox)
    assert [reading.answer for reading in found] == [PASSED, None]


def test_one_test_is_shown_and_every_placeholder_is_filled():
    for problem in draw_problems("train", 66, 0):
        assert problem.tests[0] in problem.statement
        assert not any(test in problem.statement for test in problem.tests[1:] if test != problem.tests[0])
        assert "{" not in problem.question + problem.rationale


def test_families_are_held_out_of_all_training():
    assert {tag_of(p, "family") for p in draw_problems("heldout", 20, 0)} == set(HELD_OUT_FAMILIES)
    for split in ("pretrain", "train", "validation", "test"):
        assert {tag_of(p, "family") for p in draw_problems(split, 22, 0)} == set(training_families())


def test_the_same_seed_gives_the_same_problems_and_another_seed_others():
    assert draw_problems("train", 22, 3) == draw_problems("train", 22, 3)
    assert draw_problems("train", 22, 3) != draw_problems("train", 22, 4)


def test_splits_share_no_function():
    """Whatever its list is called: the program alone."""

    def programs(split):
        found = set()
        for problem in draw_problems(split, 99, 0):
            name, things = problem.entry_point, problem.entry_point.removeprefix(tag_of(problem, "family") + "_")
            body = problem.rationale.partition("```python\n")[2].replace(name, "f").replace(things, "list")
            found.add((tag_of(problem, "family"), body))
        return found

    seen = {split: programs(split) for split in SPLITS if split != "heldout"}
    assert all(split == other or not seen[split] & seen[other] for split in seen for other in seen)


def test_problems_are_distinct():
    problems = draw_problems("test", 440, 0)
    assert len({p.question for p in problems}) == len({p.id for p in problems}) == 440


@pytest.mark.parametrize(
    ("split", "size", "names"), [("tset", 1, ()), ("test", 1, ("gain",)), ("test", 0, ()), ("test", 100_000, ())]
)
def test_what_cannot_be_drawn_is_refused_by_name(split, size, names):
    with pytest.raises(ConfigError, match=r"tset|gain|size"):
        draw_problems(split, size, 0, names)
