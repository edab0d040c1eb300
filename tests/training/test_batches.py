import pytest

from mmst.training.batches import (
    IGNORED,
    PREFIX,
    TokenRow,
    collate,
    tokenize,
)
from mmst.training.checkpoint import load_tokenizer
from mmst.types import DropReason, Example


@pytest.fixture(scope="module")
def tokenizer(nano):
    return load_tokenizer(nano)


def test_a_row_is_prompt_completion_and_end(tokenizer):
    dropped = []
    example = Example("e", "text -> text", "p", "Question: 1?\nAnswer:", " The answer is 1.")
    rows = list(tokenize([example], tokenizer, 64, dropped))
    assert tokenizer.decode(rows[0].tokens[: rows[0].prompt_length]) == "Question: 1?\nAnswer:"
    assert rows[0].tokens[-1] == tokenizer.eos_token_id
    assert not dropped


def test_a_long_example_is_dropped_and_named_never_cut(tokenizer):
    dropped = []
    assert list(tokenize([Example("e", "text -> text", "p", "Question:", " 1 2 3 4 5 6 7 8 9")], tokenizer, 5, dropped)) == []
    assert [(d.id, d.reason) for d in dropped] == [("e", DropReason.TOO_LONG)]


A, B = TokenRow("a", "e", (5, 6, 7, 9), 2), TokenRow("b", "f", (5, 6, 7, 8, 7, 9), 1, weight=2.0)


@pytest.mark.parametrize("pad", [0, 9])
def test_the_end_is_learned_also_where_it_is_the_padding_token(pad):
    end = 9
    batch = collate([[A], [B]], pad_id=pad)
    assert batch["labels"][0].tolist() == [IGNORED, IGNORED, 7, end, IGNORED, IGNORED]
    assert batch["labels"][1].tolist() == [IGNORED, 6, 7, 8, 7, end]
    assert batch["segments"].tolist() == [[1, 1, 1, 1, 0, 0], [1] * 6]
    assert batch["input_ids"][0].tolist() == [5, 6, 7, end, pad, pad]


def test_examples_of_a_packed_row_keep_their_own_positions_weights_and_edges():
    batch = collate([[A, B]], pad_id=0, edges=["e", "f"], packed=True)
    assert batch["segments"].tolist() == [[1] * 4 + [2] * 6]
    assert batch["position_ids"].tolist() == [[0, 1, 2, 3, 0, 1, 2, 3, 4, 5]]
    assert batch["weights"].tolist() == [[0, 0, 1, 1, 0, 2, 2, 2, 2, 2]]
    assert batch["edges"].tolist() == [[0] * 4 + [1] * 6]
    assert (A.loss_weight, B.loss_weight) == (2.0, 10.0)


def test_a_shared_prefix_stands_in_a_packed_row_once():
    rows = [TokenRow("a", "e", (5, 6, 7, 9), 3, shared=2), TokenRow("b", "f", (5, 6, 8, 4, 9), 4, shared=2)]
    batch = collate([rows], pad_id=0, edges=["e", "f"], packed=True)
    assert batch["input_ids"].tolist() == [[5, 6, 7, 9, 8, 4, 9]]
    assert batch["segments"].tolist() == [[PREFIX, PREFIX, 1, 1, 2, 2, 2]]
    assert batch["position_ids"].tolist() == [[0, 1, 2, 3, 2, 3, 4]]
    assert batch["labels"].tolist() == [[IGNORED, IGNORED, IGNORED, 9, IGNORED, IGNORED, 9]]
