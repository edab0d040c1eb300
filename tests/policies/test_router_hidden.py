from dataclasses import replace

import msgspec
import numpy as np
import pytest

from mmst.policies.case import Experience
from mmst.policies.policy import PolicyError
from mmst.policies.router_hidden import HiddenRouter
from tests.policies.made import RIGHT, case, lived

SHARED, COMPARED = [[1.0 + n / 100, 0.0, 5.0] for n in range(20)], [[-1.0 - n / 100, 0.0, 5.0] for n in range(20)]


@pytest.fixture
def experience():
    """Text solves what the model holds for one thing, code what it holds for another; two of the three numbers never change."""
    right = {"text": [4] * 20 + [0] * 20, "code": [1] * 20 + [4] * 20}
    return Experience("m", ["?"] * 40, right, {method: [4] * 40 for method in right}, np.array(SHARED + COMPARED))


def asked(text, code, state):
    return replace(case(text, code), hidden=np.array(state))


def test_the_hidden_state_chooses_the_method_and_one_completion_is_paid_for(experience):
    choices = HiddenRouter().fit(experience).choose([asked("12", "5", SHARED[3]), asked("5", "12", COMPARED[3])])
    assert [(row.method, row.verdict, row.tokens) for row in choices] == [("text", RIGHT, 10), ("code", RIGHT, 10)]
    assert all(row.confidence > 0.8 for row in choices)


def test_chances_are_near_the_training_rates(experience):
    model = HiddenRouter().fit(experience)
    assert model.chances(SHARED[0]) == pytest.approx({"text": 1, "code": 0.25}, abs=0.15)
    assert model.chances(COMPARED[0]) == pytest.approx({"text": 0, "code": 1}, abs=0.15)


def test_saving_changes_nothing(experience):
    first = HiddenRouter().fit(experience)
    assert HiddenRouter().restore(msgspec.json.decode(msgspec.json.encode(first))) == first


def test_what_is_lacking_is_named(experience):
    with pytest.raises(
        PolicyError,
        match=r"policy=router_hidden learns .*self_both 'policy=\[router_hidden\]'` makes",
    ):
        HiddenRouter().fit(None)
    with pytest.raises(PolicyError, match="needs the model's hidden states, which this sampler does not give; sampler=hf"):
        HiddenRouter().fit(lived())
    model = HiddenRouter().fit(experience)
    with pytest.raises(PolicyError, match="which this sampler does not give; sampler=hf gives them"):
        model.choose([case("12", "5")])
    with pytest.raises(PolicyError, match="of 3 numbers, and this model's have 2; `mmst train` with this model fits one"):
        model.choose([asked("12", "5", [1.0, 2.0])])
    with pytest.raises(PolicyError, match="needs two methods, and there is code alone"):
        HiddenRouter().needs(["code"])
    with pytest.raises(PolicyError, match=r"policy\.router_hidden\.strength=0 must be above 0"):
        HiddenRouter(strength=0)
