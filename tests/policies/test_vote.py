import pytest

from mmst.policies.policy import PolicyError
from mmst.policies.vote import Agreement, Vote, evenly
from tests.policies.made import LOST, RIGHT, WRONG, attempt, case

METHODS = ["text", "code"]


def test_a_vote_is_of_so_many_samples_in_all():
    drawn = {"text": ["12", "7", "7", "7"], "code": ["12", "5", "5", "5"]}
    (both,) = Vote(4).choose([case("1", "1", samples=drawn)])
    assert (both.answer, both.verdict, both.tokens, both.confidence) == ("12", RIGHT, 20, 0.5)
    alone = [row.fit(None).choose([case("1", "1", samples=drawn)])[0] for row in Vote(4).beside(METHODS)]
    assert [(row.answer, row.tokens, row.confidence) for row in alone] == [("7", 20, 0.75), ("5", 20, 0.75)]


def test_rows_beside_say_how_many_samples_they_take():
    assert [row.name for row in Vote(4).beside(METHODS)] == ["vote(text x 4)", "vote(code x 4)"]
    assert Vote(4, {"text": 1, "code": 3}).name == "vote(text x 1 + code x 3)"
    assert Vote(4).needs(METHODS).samples == {"text": 4, "code": 4}


def test_a_tie_goes_to_the_likelier_answer_whatever_the_order():
    sure, unsure = attempt("text", "12", logprob=-0.1), attempt("code", "5", logprob=-0.9)
    for first, second in ((sure, unsure), (unsure, sure)):
        found = case("1", "1")
        found = type(found)("p", "", found.greedy, {"text": [first], "code": [second]})
        assert Vote(2).choose([found])[0].answer == "12"


def test_what_holds_no_answer_does_not_vote_but_counts():
    (choice,) = Vote(4).choose([case("1", "1", samples={"text": [None, None], "code": [None, "12"]})])
    assert (choice.answer, choice.confidence) == ("12", 0.25)
    (choice,) = Vote(2).choose([case("1", "1", samples={"text": [None], "code": [None]})])
    assert (choice.answer, choice.confidence) == (None, 0.0)


def test_samples_that_are_not_there_are_asked_for():
    with pytest.raises(
        PolicyError, match=r"policy=vote needs 2 sampled answers .* by text, and there are 0; evaluation.samples=2"
    ):
        Vote(4).choose([case("1", "1")])


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (lambda: Vote(0), "policy.vote.samples=0 must be at least 1"),
        (lambda: Vote(4, {"text": 1}), "must add up to policy.vote.samples=4"),
        (lambda: Vote(4, {"text": -1, "code": 5}), "must add up"),
        (lambda: Vote(2, {"plan": 2}).needs(METHODS), "plan is not one of the solvers: text, code"),
        (lambda: Agreement(0), "policy.agreement.samples=0 must be at least 1"),
        (lambda: Agreement().needs(["text"]), "needs two methods, and there is text alone"),
    ],
)
def test_unusable_settings_are_refused(made, words):
    with pytest.raises(PolicyError, match=words):
        made()


def test_even_shares_add_up():
    assert evenly(5, ["a", "b", "c"]) == {"a": 2, "b": 2, "c": 1}
    assert evenly(1, METHODS) == {"text": 1, "code": 0}


def test_agreement_is_cheap_where_greedy_answers_agree():
    drawn = {"text": ["12", "7"], "code": ["5", "5"]}
    agreed, disputed = Agreement(4).choose([case("12", "12", samples=drawn), case("12", "5", samples=drawn)])
    assert (agreed.verdict, agreed.tokens, agreed.confidence) == (RIGHT, 20, 1.0)
    assert (disputed.answer, disputed.verdict, disputed.tokens, disputed.confidence) == ("5", WRONG, 40, 0.5)


def test_agreement_on_no_answer_is_none_and_agreed_problems_need_no_samples():
    drawn = {"text": ["12", "12"], "code": ["12", "5"]}
    assert Agreement(4).choose([case(None, None, samples=drawn)])[0].answer == "12"
    assert Agreement(4).choose([case("12", "12")])[0].answer == "12"
    with pytest.raises(PolicyError, match=r"evaluation\.samples=2 draws them"):
        Agreement(4).choose([case("12", "5")])


def test_a_lost_sample_leaves_the_vote_unjudged():
    found = case("1", "1")
    lost = [attempt("text", "12"), attempt("text", None, LOST)]
    assert Vote(2, {"text": 2}).choose([type(found)("p", "", found.greedy, {"text": lost})])[0].verdict is LOST
