from math import exp

import pytest

from mmst.policies.policy import PolicyError
from mmst.policies.single import LogProb, One, Oracle
from mmst.types import Verdict
from tests.policies.made import LOST, RIGHT, WRONG, attempt, case, lived


def test_one_is_the_method_that_was_right_most_often_in_training():
    chooser = One().fit(lived(text=1, code=3))
    (choice,) = chooser.choose([case("12", "5")])
    assert (choice.method, choice.verdict, choice.tokens, choice.confidence) == ("code", WRONG, 10, 0.75)
    assert One().fit(lived(text=4, code=3)).choose([case("12", "5")])[0].verdict is RIGHT


def test_one_can_be_told_the_method_and_then_needs_no_verdicts():
    assert not One("text").needs(["text", "code"]).experience
    assert One("text").fit(None).choose([case("12", "5")])[0].confidence is None
    with pytest.raises(PolicyError, match=r"policy\.one.method=plan is not one of the solvers: text, code"):
        One("plan").needs(["text", "code"])


@pytest.mark.parametrize("experience", [None, lived(judged=0, text=0, code=0)])
def test_one_without_verdicts_names_the_command_that_makes_them(experience):
    assert One().needs(["text"]).experience
    with pytest.raises(PolicyError, match=r"policy=one learns .* `mmst train method=self_both 'policy=\[one\]'` makes them"):
        One().fit(experience)


def test_a_method_that_did_not_answer_is_refused():
    with pytest.raises(PolicyError, match="made for the solver plan, which is not among text, code"):
        One("plan").fit(None).choose([case("12", "5")])


def test_logprob_takes_the_likelier_answer_and_pays_for_both():
    (choice,) = LogProb().choose([case(attempt("text", "12", logprob=-0.2), attempt("code", "5", logprob=-0.4))])
    assert (choice.method, choice.tokens) == ("text", 20)
    assert choice.confidence == pytest.approx(exp(-0.2))


def test_logprob_prefers_an_answer_to_none():
    (choice,) = LogProb().choose([case(attempt("text", "5", logprob=-3.0), attempt("code", None, logprob=-0.1))])
    assert choice.method == "text"


def test_logprob_without_log_probabilities_is_refused():
    with pytest.raises(PolicyError, match="does not give; sampler=hf"):
        LogProb().choose([case(attempt("text", "12", logprob=None), "5")])


@pytest.mark.parametrize(
    ("text", "code", "verdict"),
    [("12", "5", RIGHT), ("5", "12", RIGHT), ("5", "6", WRONG), ("5", None, Verdict.NO_ANSWER)],
)
def test_the_oracle_is_right_where_some_method_is(text, code, verdict):
    assert Oracle().choose([case(text, code)])[0].verdict is verdict


def test_what_might_have_been_right_leaves_the_oracle_unjudged():
    assert Oracle().choose([case(attempt("text", None, LOST), "5")])[0].verdict is LOST
    assert Oracle().choose([case(attempt("text", None, LOST), "12")])[0].verdict is RIGHT
