"""The metrics load by path in `evaluate`, without a network, and return what the functions beneath them do."""

import evaluate
import pytest

from mmst.statistics.agreement import phi
from mmst.statistics.intervals import accuracy_interval
from tests.conftest import ROOT

METRICS = ROOT / "mmst" / "statistics" / "metrics"


@pytest.fixture
def metric(tmp_path):
    return lambda name: evaluate.load(str(METRICS / f"{name}.py"), cache_dir=str(tmp_path / "cache"), keep_in_memory=True)


def test_every_metric_is_in_the_table_of_its_readme():
    names = {path.name for path in METRICS.glob("*.py") if path.name != "__init__.py"}
    text = (METRICS / "README.md").read_text()
    assert all(f"| `{name}` |" in text for name in names)


def test_accuracy_compares_by_value_and_counts_what_cannot_be_judged(metric):
    found = metric("accuracy").compute(predictions=["12.0", "3", "", "5"], references=["12", "4", "7", "x"])
    low, high = accuracy_interval(1, 3)
    assert found == {"accuracy": pytest.approx(1 / 3), "low": low, "high": high, "n": 3, "unjudged": 1}
    assert metric("accuracy").compute(predictions=["(b)"], references=["B"], kind="choice")["accuracy"] == 1.0


def test_pass_and_maj_at_k(metric):
    answers = {"predictions": [["12", "12", "7"], ["3", "4", "5"]], "references": ["12", "4"], "ks": [1, 3]}
    found = metric("pass_at_k").compute(**answers)
    assert (found["pass@1"], found["pass@3"], found["n"]) == (pytest.approx(0.5), 1.0, 2)
    found = metric("maj_at_k").compute(**answers)
    assert (found["maj@1"], found["maj@3"]) == (0.5, pytest.approx(2 / 3))


def test_two_columns_of_answers(metric):
    references = ["1", "2", "3", "4"] * 5
    first, second = ["1", "2", "0", "0"] * 5, ["1", "0", "3", "0"] * 5
    table = metric("agreement").compute(predictions=first, others=second, references=references)
    assert [table[key] for key in ("both", "only_a", "only_b", "neither")] == [5, 5, 5, 5]
    assert table["phi"] == phi(5, 5, 5, 5)[0]
    found = metric("paired_difference").compute(predictions=second, others=first, references=references)
    assert (found["difference"], found["p"], found["n"]) == (0.0, 1.0, 20)


def test_metrics_add_up_batches(metric):
    accuracy = metric("accuracy")
    accuracy.add_batch(predictions=["1", "2"], references=["1", "3"])
    accuracy.add(prediction="4", reference="4")
    assert accuracy.compute()["accuracy"] == pytest.approx(2 / 3)
