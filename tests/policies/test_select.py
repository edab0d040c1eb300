from dataclasses import replace

import pytest

from mmst.methods.prompt import PromptFormat
from mmst.policies.case import Pick
from mmst.policies.policy import PolicyError
from mmst.policies.select import Select
from tests.policies.made import LOST, RIGHT, WRONG, attempt, case

FORM = PromptFormat("Right solution:", " ")
SURE, UNSURE = attempt("text", "12", logprob=-0.1), attempt("code", "5", logprob=-0.9)


def chosen(found, *methods, lost=False):
    picks = [Pick(method, 2, 90, lost) for method in methods]
    return Select(FORM).choose([replace(found, picks={"select": picks})])[0]


def test_a_pick_that_both_orders_name_counts_and_is_paid_for():
    choice = chosen(case(SURE, UNSURE), "code", "code")
    assert (choice.method, choice.answer, choice.verdict, choice.confidence) == ("code", "5", WRONG, 1.0)
    assert (choice.tokens, choice.prompt_tokens) == (2 * 10 + 2 * 2, 2 * 90)


@pytest.mark.parametrize(("picks", "sure"), [(("text", "code"), 0.5), ((None, "code"), 0.0), ((None, None), 0.0)])
def test_where_orders_name_different_solutions_or_none_the_likelier_answer_counts(picks, sure):
    choice = chosen(case(SURE, UNSURE), *picks)
    assert (choice.method, choice.verdict, choice.confidence) == ("text", RIGHT, sure)


def test_without_log_probabilities_the_first_solver_answers_where_no_pick_counts():
    first, second = attempt("text", "5", logprob=None), attempt("code", "12", logprob=None)
    assert chosen(case(first, second), None, None).method == "text"
    assert chosen(case(first, second), "code", "code").method == "code"


def test_picks_of_two_methods_with_one_answer_name_it():
    third = attempt("plan", "12", logprob=-0.5)
    found = case(attempt("text", "12", logprob=-2.0), attempt("code", "5", logprob=-0.1))
    found = replace(found, greedy={**found.greedy, "plan": third})
    choice = chosen(found, "plan", "text")
    assert (choice.answer, choice.confidence) == ("12", 1.0)


def test_answers_that_do_not_differ_are_not_asked_about():
    same, alone, none = Select(FORM).choose([case("12", "12"), case(None, "12"), case(None, None)])
    assert (same.verdict, same.confidence, same.tokens) == (RIGHT, 1.0, 20)
    assert (alone.method, alone.verdict, alone.confidence) == ("code", RIGHT, 0.5)
    assert (none.answer, none.confidence) == (None, 0.0)


def test_a_pick_that_the_engine_lost_leaves_the_choice_unjudged():
    assert chosen(case("12", "5"), None, "text", lost=True).verdict is LOST


def test_answers_that_nobody_asked_about_are_refused_with_the_command():
    with pytest.raises(PolicyError, match=r"nobody asked the model about p; `mmst eval 'policy=\[select\]'` does"):
        Select(FORM).choose([case("12", "5")])


def test_it_asks_the_model_and_needs_two_methods():
    assert Select(FORM, orders=1).needs(["text", "code"]).picks["select"].orders == 1
    with pytest.raises(PolicyError, match="policy=select needs two methods, and there is text alone; add one to solvers"):
        Select(FORM).needs(["text"])


@pytest.mark.parametrize(("setting", "value"), [("orders", 3), ("orders", 0), ("max_tokens", 0)])
def test_unusable_settings_are_refused(setting, value):
    with pytest.raises(PolicyError, match=f"policy.select.{setting}={value} must be"):
        Select(FORM, **{setting: value})
