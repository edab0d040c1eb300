from mmst.policies.learned import prepare
from mmst.policies.single import LogProb, One, Oracle
from mmst.policies.table import policy_table, with_rows_beside
from mmst.policies.vote import Vote
from tests.policies.made import attempt, case, lived

CASES = [case(attempt("text", "12", logprob=-0.1), "5", id=f"t{n}") for n in range(12)] + [
    case("5", attempt("code", "12", logprob=-0.1), id=f"c{n}") for n in range(8)
]


def made(policies, experience, tested=False):
    return policy_table(policies, prepare(policies, experience), CASES, tested)


def test_policies_are_held_against_the_best_method_of_the_training_problems():
    found = made([One(), LogProb(), Oracle()], lived(text=1, code=3))
    assert {name: row.accuracy for name, row in found.scores.items()} == {"one": 0.4, "logprob": 1.0, "oracle": 1.0}
    assert (found.single, found.single_by_training) == ("code", True)
    assert [(row.policy, row.against, round(row.difference, 2)) for row in found.comparisons] == [("logprob", "code", 0.6)]


def test_without_training_verdicts_the_data_set_chooses_and_says_so():
    found = made([One(), LogProb()], None)
    assert (found.single, found.single_by_training) == ("text", False)
    assert list(found.missing) == ["one"]


def test_policies_that_lack_samples_are_left_out_with_a_sentence():
    found = made([Vote(4), LogProb()], None)
    assert list(found.scores) == ["logprob"]
    assert "evaluation.samples=" in found.missing["vote"]


def test_answers_that_hidden_tests_judge_are_not_compared():
    found = made([Vote(2), Oracle()], None, tested=True)
    assert list(found.scores) == ["oracle"]
    assert "judged by tests" in found.missing["vote"]


def test_rows_beside_follow_their_policy():
    rows = with_rows_beside([One(), Vote(2)], ["text", "code"])
    assert [row.name for row in rows] == ["one", "vote", "vote(text x 2)", "vote(code x 2)"]


def test_no_cases_are_no_scores_to_compare():
    assert policy_table([LogProb()], prepare([LogProb()], None), []).comparisons == []
