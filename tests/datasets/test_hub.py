import datasets
import pytest

from mmst.datasets.hub import read_problems
from mmst.errors import DataError
from mmst.types import AnswerKind


@pytest.fixture
def hub(monkeypatch):
    rows = datasets.Dataset.from_list(
        [{"question": "2 + 2?", "answer": "2 + 2 = 4\n#### 4"}, {"question": "?", "answer": "1,000"}]
    )
    monkeypatch.setattr(datasets, "get_dataset_config_names", lambda name: ["main", "socratic"])
    asked = []
    monkeypatch.setattr(datasets, "load_dataset", lambda *a, **k: asked.append((a, k)) or rows)
    return asked


def test_gsm8k_rows_become_problems(hub):
    problems = read_problems("openai/gsm8k", None, "test", "question", "answer")
    assert [(p.answer, p.rationale) for p in problems] == [("4", "2 + 2 = 4"), ("1,000", None)]
    assert all(p.kind is AnswerKind.NUMBER for p in problems)
    assert hub == [(("openai/gsm8k", "main"), {"split": "test"})]


def test_a_missing_column_is_named(hub):
    with pytest.raises(DataError, match="no column 'Question'; it has question, answer"):
        read_problems("openai/gsm8k", None, "test", "Question", "answer")


def test_an_unreachable_hub_is_one_sentence():
    with pytest.raises(DataError, match="cannot be had from the Hugging Face Hub"):
        read_problems("no-such-owner/no-such-set", None, "test", "question", "answer")


@pytest.mark.parametrize("answer", [float("inf"), float("nan")])
def test_a_float_that_is_no_number_is_no_answer(monkeypatch, answer):
    rows = datasets.Dataset.from_list([{"question": "?", "answer": 2.5}, {"question": "?", "answer": answer}])
    monkeypatch.setattr(datasets, "get_dataset_config_names", lambda name: ["main"])
    monkeypatch.setattr(datasets, "load_dataset", lambda *a, **k: rows)
    with pytest.raises(DataError, match=rf"the answer of me/it/test/1 is {answer}, which is no number"):
        read_problems("me/it", None, "test", "question", "answer")
