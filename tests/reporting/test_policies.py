from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from mmst.pipeline import Checkpoint
from mmst.policies.learned import prepare
from mmst.policies.single import LogProb, One, Oracle
from mmst.policies.table import policy_table
from mmst.reporting.arms import policy_answers
from mmst.reporting.policies import missing_sentences, policy_results, policy_rows, policy_tables
from mmst.reporting.runs import Run, Sweep
from mmst.rounds import ArmResult
from mmst.stages.evaluate import Measurement
from tests.policies.made import attempt, case, lived

CASES = [case(attempt("text", "12", logprob=-0.1), "5", id=str(n)) for n in range(10)]
POLICIES = [One(), LogProb(), Oracle()]


def made(experience):
    table = policy_table(POLICIES, prepare(POLICIES, experience), CASES)
    return policy_results(
        {"base": ArmResult("base", 0, Checkpoint(Path()), {"test": Measurement({}, policies=table)})}, ["test"]
    )


@pytest.fixture
def found():
    return made(lived(text=1, code=3))


def test_scores_are_found_by_data_set_arm_and_policy(found):
    assert found["policies"]["test"]["base"]["logprob"]["accuracy"] == 1
    assert found["policies"]["test"]["base"]["one"]["methods"] == {"code": 10}
    (row,) = found["policy_comparisons"]["test"]
    assert (row["arm"], row["policy"], row["against"], row["by_training"], row["difference"]) == (
        "base", "logprob", "code", True, 1.0,
    )  # fmt: skip
    assert found["policies_missing"] == {"base": {}}


def test_the_bound_is_no_row_of_the_accuracy_table(found):
    assert list(policy_rows(found, "test")) == ["one method, by training", "likelier answer"]
    assert policy_rows({}, "test") == {}


def test_the_printed_table_shows_tokens_and_points(found):
    console = Console(width=200, record=True, file=StringIO())
    (table,) = policy_tables(found, ["test", "heldout"])
    console.print(table)
    text = console.export_text()
    assert "+100.0 [" in text
    assert "[72.2, 100.0]" in text


def test_what_is_missing_is_said_once_for_all_arms():
    found = made(None)
    found["policies_missing"]["multi"] = dict(found["policies_missing"]["base"])
    (sentence,) = missing_sentences(found)
    assert sentence.startswith("left out for base, multi: policy=one learns from verdicts")


def test_a_method_that_the_data_set_chose_is_marked():
    found = made(None)
    assert not found["policy_comparisons"]["test"][0]["by_training"]
    console = Console(width=200, record=True, file=StringIO())
    console.print(policy_tables(found, ["test"])[0])
    assert "text*" in console.export_text()


def test_a_sweep_that_asks_about_policies_has_a_sentence_for_each(tmp_path):
    row = {"arm": "base", "policy": "router", "difference": 0.15, "low": 0.1, "high": 0.2}
    runs = [
        Run(tmp_path, {"policy_comparisons": {"test": [{**row, "difference": d}, {**row, "policy": "one"}]}}, {})
        for d in (0.15, 0.17, 0.16)
    ]
    (sentence,) = policy_answers(Sweep("policies", runs, settings={"policies": ["router"]}), "test")
    assert sentence == "base, routed, is better than its best single method: +16.0 points [+13.5, +18.5], 3 seeds."
    (alone,) = policy_answers(Sweep("policies", runs[:1], settings={"policies": ["router"]}), "test")
    assert alone.endswith("+15.0 points [+10.0, +20.0], 1 seed.")
    assert policy_answers(Sweep("main", runs), "test") == []
