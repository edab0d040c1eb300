import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmst.training.batches import (
    FEWEST_SHARING,
    IGNORED,
    PREFIX,
    SHORTEST_SHARED_PREFIX,
    TokenRow,
    collate,
    tokenize,
    with_shared_prefixes,
)
from mmst.training.checkpoint import load_tokenizer
from mmst.types import DropReason, Example


@pytest.fixture(scope="module")
def tokenizer(nano):
    return load_tokenizer(nano)


def test_a_row_is_prompt_completion_and_end(tokenizer):
    rows, dropped = tokenize([Example("e", "text -> text", "p", "Question: 1?\nAnswer:", " The answer is 1.")], tokenizer, 64)
    assert tokenizer.decode(rows[0].tokens[: rows[0].prompt_length]) == "Question: 1?\nAnswer:"
    assert rows[0].tokens[-1] == tokenizer.eos_token_id
    assert not dropped


def test_a_long_example_is_dropped_and_named_never_cut(tokenizer):
    rows, dropped = tokenize([Example("e", "text -> text", "p", "Question:", " 1 2 3 4 5 6 7 8 9")], tokenizer, 5)
    assert rows == []
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


def exemplified(exemplars, count, own=(7, 8), completion=(9,)):
    """Rows whose prompts begin with equal exemplars and end in a question of their own."""
    return [
        TokenRow(f"{exemplars[0]}-{n}", "e", (*exemplars, 100 + n, *own, *completion), len(exemplars) + 1 + len(own))
        for n in range(count)
    ]


def test_rows_share_the_exemplars_of_their_method_and_nothing_of_their_questions():
    text, code = tuple(range(200, 300)), tuple(range(300, 380))
    few = exemplified(tuple(range(400, 500)), FEWEST_SHARING - 1)
    rows = [*exemplified(text, 40), *few, *exemplified(code, 40), A]
    shared = with_shared_prefixes(rows)
    assert [row.id for row in shared] == [row.id for row in rows]
    assert {row.prefix for row in shared} == {text, code, ()}
    assert [row.shared for row in shared] == [100] * 40 + [0] * len(few) + [80] * 40 + [0]


@given(st.integers(0, 3), st.integers(SHORTEST_SHARED_PREFIX, 90))
def test_a_prompt_keeps_a_token_of_its_own_also_where_all_are_equal(own, length):
    tokens = tuple(range(length))
    rows = [TokenRow(str(n), "e", (*tokens, *range(own), 5), length + own) for n in range(FEWEST_SHARING)]
    for row in with_shared_prefixes(rows):
        assert row.shared == (length + own - 1 if length + own > SHORTEST_SHARED_PREFIX else 0)


def test_a_shared_prefix_stands_in_a_packed_row_once():
    rows = [TokenRow("a", "e", (5, 6, 7, 9), 3, shared=2), TokenRow("b", "f", (5, 6, 8, 4, 9), 4, shared=2)]
    batch = collate([rows], pad_id=0, edges=["e", "f"], packed=True)
    assert batch["input_ids"].tolist() == [[5, 6, 7, 9, 8, 4, 9]]
    assert batch["segments"].tolist() == [[PREFIX, PREFIX, 1, 1, 2, 2, 2]]
    assert batch["position_ids"].tolist() == [[0, 1, 2, 3, 2, 3, 4]]
    assert batch["labels"].tolist() == [[IGNORED, IGNORED, IGNORED, 9, IGNORED, IGNORED, 9]]
