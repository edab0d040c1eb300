import pytest

from mmst.datasets.mixture import joined, mixed, part
from mmst.errors import ConfigError
from mmst.types import Problem

PARTS = {
    name: [Problem(str(i), f"{name} {i}?", "1", tags=("x:y",)) for i in range(size)] for name, size in (("a", 30), ("b", 10))
}


def test_shares_follow_the_weights_as_far_as_the_scarcest_part_goes():
    problems = mixed(PARTS, {"a": 2, "b": 1})
    counts = [sum(p.id.startswith(f"{name}/") for p in problems) for name in PARTS]
    assert counts == [20, 10]
    assert len({p.id for p in problems}) == 30
    assert problems[0].tags[0] == "x:y"
    assert problems[0].tags[1] in ("family:a", "family:b")
    assert mixed(PARTS, {"a": 2, "b": 1}) == problems
    assert mixed(PARTS, {"a": 2, "b": 1}, seed=1) != problems


@pytest.mark.parametrize("weights", [{"a": 1}, {"a": 1, "c": 1}, {"a": 1, "b": 0}])
def test_weights_must_be_of_the_parts(weights):
    with pytest.raises(ConfigError, match=r"dataset\.weights"):
        mixed(PARTS, weights)


def test_parts_are_joined_in_their_order_without_a_question_that_comes_again():
    again = [Problem("9", "a 3?", "1"), Problem("10", "new?", "1")]
    problems = joined({"a": part(PARTS["a"], stop=5), "rest": part(PARTS["a"], start=28), "again": again})
    assert [p.id for p in problems] == ["a/0", "a/1", "a/2", "a/3", "a/4", "rest/28", "rest/29", "again/10"]
    assert problems[-1].tags == ("family:again",)
    assert problems[0].tags == ("x:y", "family:a")
