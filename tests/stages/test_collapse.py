import pytest

from mmst.answers.labels import Health, Spread
from mmst.stages.collapse import measured_collapses, sampled_collapses
from mmst.stages.evaluate import Measurement

UNKNOWN = dict.fromkeys(map(str, range(100)))
WIDE, NARROW = Spread(0.8, 5.0), Spread(0.1, 1.0)


def measurement(right=None, spread=WIDE, agree=50, health=None):
    outcomes = UNKNOWN if right is None else {str(k): k < right for k in range(100)}
    agreeing = {str(k): k < agree for k in range(100)}
    return Measurement({"text": outcomes}, spread={"text": spread}, agreeing={"text, code": agreeing}, health=health or {})


def signs(base, latest):
    return [(row.method, row.sign, row.before, row.after) for row in measured_collapses("multi", 1, "test", base, latest)]


@pytest.mark.parametrize(("before", "after", "falls"), [(60, 21, True), (60, 50, False), (60, 48, True), (21, 60, False)])
def test_a_fall_of_accuracy_is_a_collapse_after_any_round(before, after, falls):
    found = signs(measurement(before), measurement(after))
    assert found == ([("text", "accuracy", before / 100, pytest.approx(after / 100))] if falls else [])


def test_a_fall_that_chance_explains_is_none():
    few = [Measurement({"text": {str(k): k < right for k in range(5)}}) for right in (3, 2)]
    assert not signs(*few)


def test_without_gold_the_answers_become_the_same():
    assert signs(measurement(), measurement(spread=NARROW)) == [("text", "answers", 0.8, 0.1), ("text", "bits", 5.0, 1.0)]
    (first, _) = measured_collapses("multi", 1, "test", measurement(), measurement(spread=NARROW))
    assert str(first) == (
        "arm multi collapses after round 1: the share of different answers by text on test fell from 0.800 to 0.100"
    )
    assert not signs(measurement(), measurement(spread=Spread(0.5, 3.0)))


def test_without_gold_methods_that_agreed_do_so_no_longer():
    assert signs(measurement(agree=60), measurement(agree=20)) == [("text, code", "methods", 0.6, pytest.approx(0.2))]
    assert not signs(measurement(agree=60), measurement(agree=55))
    assert not signs(measurement(agree=20), measurement(agree=60))


def test_with_gold_accuracy_alone_decides():
    assert not signs(measurement(60, agree=60), measurement(60, NARROW, agree=20))


def test_samples_lose_their_entropy():
    first, latest = Health(10, 1.0, 0.9, 0.5, 0.4), Health(10, 0.3, 0.9, 0.9, 0.4)
    assert [sign.sign for sign in sampled_collapses("multi", 2, {"text": first}, {"text": latest})] == ["entropy"]
    assert not sampled_collapses("multi", 2, {"text": latest}, {"text": first})
    assert not sampled_collapses("multi", 2, {"text": first}, {"text": Health(10, 0.3, 0.9, 0.9, 0.5)})
    assert not sampled_collapses("multi", 2, {"text": first}, {"text": Health(10, 0.6, 0.9, 0.9, 0.3)})
    assert not sampled_collapses("multi", 2, {}, {"text": latest})
    assert signs(measurement(60, health={"text": first}), measurement(60, health={"text": latest}))


def test_without_gold_samples_agree_on_everything():
    first, latest = {"text": Health(10, 1.0, 0.9, 0.5, None)}, {"text": Health(10, 0.3, 0.3, 0.9, None)}
    found = [sign.sign for sign in sampled_collapses("multi", 2, first, latest)]
    assert found == ["entropy", "disagreement", "texts"]
