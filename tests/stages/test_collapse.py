import pytest

from mmst.answers.labels import Health
from mmst.stages.collapse import measured_collapses, sampled_collapses


def outcomes(right, n=100):
    return {"text": {str(k): k < right for k in range(n)}}


@pytest.mark.parametrize(
    ("before", "after", "signs"), [(60, 21, ["accuracy"]), (60, 50, []), (60, 48, ["accuracy"]), (21, 60, [])]
)
def test_a_fall_of_accuracy_is_a_collapse_after_any_round(before, after, signs):
    found = measured_collapses("multi", 1, "test", (outcomes(before), {}), (outcomes(after), {}))
    assert [sign.sign for sign in found] == signs
    assert [(sign.before, sign.after) for sign in found] == [pytest.approx((before / 100, after / 100)) for _ in signs]


def test_a_fall_that_chance_explains_is_none():
    assert not measured_collapses("multi", 1, "test", (outcomes(3, 5), {}), (outcomes(2, 5), {}))


def test_without_gold_the_answers_become_the_same():
    unknown = {"text": dict.fromkeys(map(str, range(50)))}
    found = measured_collapses("multi", 1, "test", (unknown, {"text": 0.8}), (unknown, {"text": 0.1}))
    assert str(found[0]) == (
        "arm multi collapses after round 1: the share of different answers by text on test fell from 0.800 to 0.100"
    )
    assert not measured_collapses("multi", 1, "test", (unknown, {"text": 0.8}), (unknown, {"text": 0.5}))
    assert not measured_collapses("multi", 1, "test", (outcomes(60), {"text": 0.8}), (outcomes(60), {"text": 0.1}))


def test_samples_lose_their_entropy():
    first, latest = {"text": Health(10, 1.0, 0.9, 0.5, 0.4)}, {"text": Health(10, 0.3, 0.9, 0.5, 0.4)}
    assert [sign.sign for sign in sampled_collapses("multi", 2, first, latest)] == ["entropy"]
    assert not sampled_collapses("multi", 2, latest, first)
