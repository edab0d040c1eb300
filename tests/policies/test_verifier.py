from dataclasses import replace

import msgspec
import numpy as np
import pytest

from mmst.policies.case import Experience, Solutions
from mmst.policies.learned import prepare
from mmst.policies.policy import PolicyError
from mmst.policies.single import One
from mmst.policies.table import policy_table, with_rows_beside
from mmst.policies.verifier import STRENGTHS, SampleBound, Verifier
from mmst.policies.vote import Vote
from mmst.types import Example
from tests.policies.made import LOST, RIGHT, attempt, case

METHODS = ["text", "code"]
GOOD, BAD = [1.0, 0.0, 5.0], [-1.0, 0.0, 5.0]


def lived(good=GOOD, bad=BAD, problems=20, **known):
    """Each problem has a right and a wrong solution; the first of three numbers tells them apart, the others never change."""
    examples = [Example(f"p{n}/text/{k}", "text", f"p{n}", "?", f" {k}") for n in range(problems) for k in range(2)]
    states = [[state[0] + n / 100, *state[1:]] for n in range(problems) for state in (good, bad)]
    solutions = Solutions(examples, [True, False] * problems, [1] * len(examples), [-0.5] * len(examples), np.array(states))
    right = {method: [1] * problems for method in METHODS}
    judged = {method: [2] * problems for method in METHODS}
    return replace(Experience("m", ["?"] * problems, right, judged), solutions=solutions, **known)


def drawn(text, code, id="p"):
    """A problem with sampled answers as (answer, state)."""
    samples = {
        method: [replace(attempt(method, answer, tokens=5), state=np.array(state)) for answer, state in rows]
        for method, rows in (("text", text), ("code", code))
    }
    return replace(case("1", "1", id=id), samples=samples)


def test_the_most_promising_sample_of_any_method_is_chosen_and_all_are_paid_for():
    model = Verifier(4).fit(lived())
    rows = [drawn([("7", BAD), ("7", BAD)], [("7", BAD), ("12", GOOD)]), drawn([("12", GOOD), ("5", BAD)], [("5", BAD)] * 2)]
    choices = model.choose(rows)
    assert [(row.method, row.verdict, row.tokens) for row in choices] == [("code", RIGHT, 20), ("text", RIGHT, 20)]
    assert all(row.confidence > 0.7 for row in choices)
    assert [Vote(4).choose(rows)[n].answer for n in range(2)] == ["7", "5"]


def test_what_the_verifier_reads_again_is_counted():
    samples = {"text": [replace(attempt("text", "12", tokens=5), prompt_tokens=9, state=np.array(GOOD))]}
    (choice,) = Verifier(1, {"text": 1}).fit(lived()).choose([replace(case("1", "1"), samples=samples)])
    assert (choice.tokens, choice.prompt_tokens) == (5, 9 + 9 + 5)


def test_a_sample_without_an_answer_is_taken_only_where_all_are():
    model = Verifier(2).fit(lived())
    (choice,) = model.choose([drawn([(None, GOOD)], [("5", BAD)])])
    assert choice.answer == "5"
    (choice,) = model.choose([drawn([(None, BAD)], [(None, GOOD)])])
    assert (choice.answer, choice.method) == (None, "code")


def test_a_sample_whose_judging_failed_leaves_the_problem_unjudged():
    row = drawn([("12", GOOD)], [("5", BAD)])
    lost = replace(row.samples["code"][0], verdict=LOST)
    (choice,) = Verifier(2).fit(lived()).choose([replace(row, samples={**row.samples, "code": [lost]})])
    assert choice.verdict is LOST


def test_problems_left_out_of_the_fit_say_how_strong_and_how_good_it_is():
    head = Verifier().fit(lived()).head
    assert (head.auc, head.solutions, head.right) == (1.0, 40, 20)
    assert head.strength == STRENGTHS[-1]  # nothing contradicts the first number
    assert Verifier(strength=2.0).fit(lived()).head.strength == 2.0
    blind = Verifier().fit(lived(bad=GOOD)).head
    assert (blind.auc, blind.strength) == (pytest.approx(0.5), STRENGTHS[0])


def test_one_problem_or_one_verdict_leaves_nothing_to_cross_validate():
    assert Verifier().fit(lived(problems=1)).head.auc is None
    found = lived()
    right = replace(found, solutions=replace(found.solutions, right=[True] * 40))
    (choice,) = Verifier(2).fit(right).choose([drawn([("12", GOOD)], [("5", BAD)])])
    assert choice.confidence > 0.95


def test_rows_beside_are_of_as_many_samples_and_share_a_fit():
    policies = with_rows_beside([Vote(2), Verifier(2)], METHODS)
    assert [row.name for row in policies] == [
        *("vote", "vote(text x 2)", "vote(code x 2)", "verifier", "vote(text x 1 + code x 1)", "oracle(text x 1 + code x 1)"),
        *("verifier(text x 2)", "verifier(code x 2)"),
    ]
    assert Verifier(2).needs(METHODS).samples == {"text": 2, "code": 2}
    ready = prepare(policies, lived())
    assert ready.choosers["verifier"].head is ready.choosers["verifier(code x 2)"].head
    cases = [drawn([("5", BAD)] * 2, [("12", GOOD), ("5", BAD)], id=f"p{n}") for n in range(6)]
    found = policy_table([One(), *policies], prepare([One(), *policies], lived()), cases)
    assert {name: row.accuracy for name, row in found.scores.items() if "code x 2" in name or name == "verifier"} == {
        "verifier": 1.0,
        "verifier(code x 2)": 1.0,
        "vote(code x 2)": 1.0,
    }
    assert found.scores["oracle(text x 1 + code x 1)"].accuracy == 1.0
    assert not [row for row in found.comparisons if "oracle" in row.policy]


def test_saving_changes_nothing_and_the_number_of_samples_is_asked_anew():
    first = Verifier(2).fit(lived())
    saved = msgspec.json.decode(msgspec.json.encode(msgspec.to_builtins(first)))
    assert Verifier(2).restore(saved) == first
    assert Verifier(8).restore(saved).samples == 8


def test_what_is_lacking_is_named():
    with pytest.raises(PolicyError, match=r"policy=verifier learns from verdicts on training problems"):
        Verifier().fit(None)
    found = lived()
    for lacking in (replace(found, solutions=None), replace(found, solutions=replace(found.solutions, states=None))):
        with pytest.raises(PolicyError, match=r"policy=verifier needs the model's hidden states, .* sampler=hf gives them"):
            Verifier().fit(lacking)
    model = Verifier(2).fit(found)
    with pytest.raises(PolicyError, match="sampler=hf gives them"):
        model.choose([case("1", "1", samples={"text": ["12"], "code": ["5"]})])
    with pytest.raises(PolicyError, match="of 3 numbers, and this model's have 2; `mmst train` with this model fits one"):
        model.choose([drawn([("12", [1.0, 2.0])], [("5", [1.0, 2.0])])])
    with pytest.raises(PolicyError, match=r"needs 1 sampled answers .* by text, and there are 0; evaluation\.samples=1"):
        model.choose([case("1", "1")])


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (lambda: Verifier(0), r"policy\.verifier\.samples=0 must be at least 1"),
        (lambda: Verifier(problems=0), r"policy\.verifier\.problems=0 must be at least 1"),
        (lambda: Verifier(strength=0.0), r"policy\.verifier\.strength=0\.0 must be above 0"),
        (lambda: Verifier(verifier="tail"), r"policy\.verifier\.verifier=tail is not one of head"),
        (lambda: Verifier(4, {"text": 1}), r"must add up to policy\.verifier\.samples=4"),
        (lambda: Verifier(2, {"plan": 2}).needs(METHODS), "plan is not one of the solvers: text, code"),
    ],
)
def test_unusable_settings_are_refused(made, words):
    with pytest.raises(PolicyError, match=words):
        made()


def test_the_bound_of_samples_is_right_where_one_of_them_is():
    rows = [drawn([("12", BAD)], [("5", GOOD)]), drawn([("7", BAD)], [("5", GOOD)])]
    found = SampleBound({"text": 1, "code": 1}).choose(rows)
    assert [row.verdict is RIGHT for row in found] == [True, False]
    assert found[0].tokens == 10


def test_a_solution_counts_as_often_as_it_was_sampled_and_its_likelihood_tells_too():
    found = lived(bad=GOOD)
    sampled = replace(found.solutions, counts=[1, 3] * 20, logprobs=[-0.1, -2.0] * 20)
    head = Verifier().fit(replace(found, solutions=sampled)).head
    assert (head.auc, head.solutions, head.right) == (1.0, 80, 20)
    sure, unsure = (replace(attempt("text", "12", logprob=value), state=np.array(GOOD)) for value in (-0.1, -2.0))
    assert head.chance(sure) > 0.8 > 0.2 > head.chance(unsure)
