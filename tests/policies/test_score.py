import pytest

from mmst.policies.case import Choice
from mmst.policies.score import POINTS, against, outcomes, policy_score
from tests.policies.made import LOST, RIGHT, WRONG


def choice(id, verdict, confidence=0.5, tokens=10, method="text"):
    return Choice(str(id), method, "12", verdict, tokens, confidence)


def test_the_unjudged_leave_the_accuracy_and_are_counted():
    found = policy_score([choice(1, RIGHT, 0.9), choice(2, WRONG, 0.1, 30, "code"), choice(3, LOST)])
    assert (found.accuracy, found.n, found.unjudged) == (0.5, 2, 1)
    assert found.low < 0.5 < found.high
    assert found.tokens == pytest.approx(50 / 3)
    assert found.methods == {"text": 2, "code": 1}
    assert found.ece == pytest.approx(0.1)
    assert sum(row.n for row in found.bins) == 2


def test_without_confidence_there_is_no_calibration():
    found = policy_score([choice(1, RIGHT, None), choice(2, WRONG, 0.4)])
    assert (found.ece, found.aurc, found.bins, found.coverage) == (None, None, [], [])
    assert policy_score([]).n == 0


def test_curves_keep_their_last_point_and_few_others():
    found = policy_score([choice(n, RIGHT if n % 3 else WRONG, n / 400) for n in range(400)])
    assert len(found.coverage) <= POINTS
    assert found.coverage[-1].coverage == 1
    assert found.coverage[-1].risk == pytest.approx(1 - found.accuracy)


def test_policies_are_tested_against_one_method_on_problems_that_both_were_judged_on():
    single = {str(n): n >= 10 for n in range(20)} | {"20": None}
    better = [choice(n, RIGHT) for n in range(21)]
    equal = [choice(n, RIGHT if n >= 10 else WRONG) for n in range(21)]
    first, second = against({"router": better, "logprob": equal}, "code", single)
    assert (first.policy, first.against, first.difference, first.n) == ("router", "code", 0.5, 20)
    assert first.p == pytest.approx(2 / 2**10)
    assert first.p_holm == pytest.approx(2 * first.p)
    assert (second.difference, second.p_holm) == (0, 1)


def test_outcomes_tell_the_unjudged_apart():
    assert outcomes([choice("a", RIGHT), choice("b", WRONG), choice("c", LOST)]) == {"a": True, "b": False, "c": None}
