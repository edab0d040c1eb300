import pytest

from mmst.errors import ConfigError
from mmst.jobs.evaluation import policies_of

METHODS = ["text", "code"]


def node(kind, **keys):
    return {"_target_": f"mmst.policies.{kind}", **keys}


def test_policies_are_made_with_the_rows_beside_them():
    made = policies_of({"one": node("single.One"), "vote": node("vote.Vote", samples=2)}, METHODS, 2)
    assert [policy.name for policy in made] == ["one", "vote", "vote(text x 2)", "vote(code x 2)"]


def test_one_method_leaves_nothing_to_choose_and_a_sentence_says_so(caplog):
    caplog.set_level("INFO")
    assert policies_of({"one": node("single.One"), "router": node("router.Router")}, ["code"], 0) == []
    assert caplog.messages == ["policy=router needs two methods, and there is code alone; add one to solvers."]


@pytest.mark.parametrize(
    ("nodes", "sentence"),
    [
        ({"vote": node("vote.Vote")}, r"policy=vote needs 4 sampled answers .*evaluation.samples=0; set evaluation.samples=4"),
        ({"agreement": node("vote.Agreement")}, r"policy=agreement needs 2 sampled answers"),
        ({"one": node("single.One", method="plan")}, r"policy.one.method=plan is not one of the solvers"),
        ({"vote": node("vote.Vote", samples="many")}, r"policy.vote.samples=many is not usable"),
        ({"mine": {"_target_": "mmst.types.Step", **dict.fromkeys(("label", "left", "operator", "right", "value"), "1")}},
         r"policy.mine: the class does not implement Policy"),
    ],
)  # fmt: skip
def test_policies_that_cannot_be_had_are_refused_before_any_work(nodes, sentence):
    with pytest.raises(ConfigError, match=sentence):
        policies_of(nodes, METHODS, 0)
