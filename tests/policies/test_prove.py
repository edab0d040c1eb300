from dataclasses import replace

import pytest

from mmst.policies.policy import PolicyError
from mmst.policies.prove import Prove
from tests.policies.made import LOST, RIGHT, WRONG, attempt, case

METHODS = ["text", "code"]


def proven(text, code, /, **translated):
    """A case whose greedy answers are translated: by=answer of the source's translation."""
    edges = {"text": "text -> code", "code": "code -> text"}
    rows = {edges[source]: attempt("x", answer, tokens=7) for source, answer in translated.items()}
    return replace(case(text, code), translated=rows)


def test_an_answer_that_its_translation_keeps_goes_before_one_that_it_does_not():
    choices = Prove().choose([proven("12", "7", text="12", code="5"), proven("7", "12", text="9", code="12")])
    assert [(row.method, row.answer, row.verdict, row.confidence) for row in choices] == [
        ("text", "12", RIGHT, 1.0),
        ("code", "12", RIGHT, 1.0),
    ]
    assert choices[0].tokens == 2 * 10 + 2 * 7


def test_equally_proven_answers_go_by_their_likelihood():
    sure, unsure = attempt("text", "12", logprob=-0.1), attempt("code", "7", logprob=-0.9)
    (choice,) = Prove().choose([proven(sure, unsure, text="1", code="1")])
    assert (choice.answer, choice.confidence) == ("12", 0.0)


def test_one_edge_alone_lets_the_other_method_answer_where_it_does_not_hold():
    policy = Prove(("text->code",))
    assert policy.name == "prove(text -> code)"
    assert list(policy.needs(METHODS).translations) == ["text -> code"]
    kept, refuted = policy.choose([proven("12", "7", text="12"), proven("7", "12", text="5")])
    assert (kept.method, kept.confidence) == ("text", 1.0)
    assert (refuted.method, refuted.verdict, refuted.confidence) == ("code", RIGHT, None)


def test_what_holds_no_answer_is_not_proven():
    (choice,) = Prove().choose([proven(None, "7", code="5")])
    assert (choice.method, choice.verdict) == ("code", WRONG)


def test_a_translation_that_is_unjudged_makes_the_choice_unjudged():
    lost = replace(case("12", "7"), translated={"text -> code": attempt("code", None, LOST)})
    assert Prove().choose([lost])[0].verdict is LOST


def test_translations_go_between_all_methods_unless_edges_are_given():
    assert list(Prove().needs(METHODS).translations) == ["text -> code", "code -> text"]
    with pytest.raises(
        PolicyError, match=r"edges: 'text -> plan' is none of the edges that translate: text -> code, code -> text"
    ):
        Prove(("text->plan",)).needs(METHODS)
    with pytest.raises(PolicyError, match="needs two methods, and there is text alone"):
        Prove().needs(["text"])
