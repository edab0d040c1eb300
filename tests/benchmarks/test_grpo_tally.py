import json

import pytest

from mmst.errors import ConfigError, DataError
from mmst.types import Verdict

COSTS = [
    {"arm": "self_both", "round": 1, "sampled_tokens": 100, "translated_tokens": 0},
    {"arm": "multi", "round": 1, "sampled_tokens": 100, "translated_tokens": 40},
    {"arm": "multi", "round": 2, "sampled_tokens": 90, "translated_tokens": 30},
]


@pytest.fixture(scope="module")
def tally(script):
    return script("grpo_tally")


def completions(tally, text, code, verdict=Verdict.RIGHT):
    return [tally.Drawn("text", 3, verdict)] * text + [tally.Drawn("code", 5, verdict)] * code


@pytest.mark.parametrize(
    ("verdict", "worth"), [(Verdict.RIGHT, 1.0), (Verdict.WRONG, 0.0), (Verdict.NO_ANSWER, 0.0), (Verdict.UNJUDGED, None)]
)
def test_what_could_not_be_judged_is_neither_right_nor_wrong(tally, verdict, worth):
    assert tally.reward(verdict) == worth


def test_the_budget_is_what_an_arm_sampled_and_translated_in_all_rounds(tally):
    assert tally.budget_of(COSTS, "multi") == 260
    with pytest.raises(DataError, match=r"trained no arm 'other' .* it trained self_both, multi"):
        tally.budget_of(COSTS, "other")


def test_training_is_over_with_the_step_that_uses_up_the_budget(tally):
    found = tally.Tally(("text", "code"), budget=20)
    seen = []
    for _ in range(3):
        found.add(completions(tally, text=1, code=1))
        seen.append((found.tokens, found.spent))
    assert seen == [(8, False), (16, False), (24, True)]


def test_a_step_counts_by_method_and_without_what_is_unjudged(tally):
    found = tally.Tally(("text", "code"), budget=100)
    found.add(completions(tally, 2, 0) + completions(tally, 1, 0, Verdict.WRONG) + completions(tally, 0, 1, Verdict.UNJUDGED))
    assert found.steps[0]["methods"]["text"] == {"completions": 3, "share": 0.75, "judged": 3, "right": 2}
    assert found.steps[0]["methods"]["code"] == {"completions": 1, "share": 0.25, "judged": 0, "right": 0}
    assert found.steps[0]["unjudged"] == 1
    assert found.right() == pytest.approx(2 / 3)


def test_a_method_that_goes_out_of_use_raises_one_alarm(tally):
    found = tally.Tally(("text", "code"), budget=10**6, least=0.05, window=2)
    new = [found.add(completions(tally, text=100 - code, code=code)) for code in (2, 40, 8, 2, 1, 0)]
    assert [len(alarms) for alarms in new] == [0, 0, 0, 0, 1, 0]  # 2 alone is no window of two steps, and 8 with 2 is no less
    alarm = found.alarms[0]
    assert (alarm.method, alarm.step, alarm.share) == ("code", 5, 0.015)
    assert "after step 5 (1,606 tokens)" in str(alarm)
    assert "code in 1.5%" in str(alarm)
    assert json.loads(json.dumps(found.plain()))["alarms"][0]["sentence"] == str(alarm)


def test_without_a_least_share_there_is_no_alarm(tally):
    found = tally.Tally(("text", "code"), budget=100, window=1)
    assert found.add(completions(tally, text=10, code=0)) == []


@pytest.mark.parametrize("how", [{"budget": 0}, {"budget": 1, "window": 0}, {"budget": 1, "least": 0.5}])
def test_what_could_never_hold_is_refused(tally, how):
    with pytest.raises(ConfigError, match="grpo: "):
        tally.Tally(("text", "code"), **how)
