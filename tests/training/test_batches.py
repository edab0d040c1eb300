from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmst.training.batches import IGNORED, TokenRow, batch_schedule, collate, encode_prompt, tokenize
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


def test_a_first_token_that_the_prompt_holds_is_not_written_twice():
    class Tokenizer:
        bos_token = "<s>"

        def encode(self, text, add_special_tokens=True):
            return [0] * add_special_tokens + [1] * text.count("<s>") + [7]

    assert encode_prompt(Tokenizer(), "Question") == [0, 7]
    assert encode_prompt(Tokenizer(), "<s>Question") == [1, 7]


def test_a_long_example_is_dropped_and_named_never_cut(tokenizer):
    rows, dropped = tokenize([Example("e", "text -> text", "p", "Question:", " 1 2 3 4 5 6 7 8 9")], tokenizer, 5)
    assert rows == []
    assert [(d.id, d.reason) for d in dropped] == [("e", DropReason.TOO_LONG)]


@given(st.lists(st.integers(1, 50), min_size=1, max_size=60), st.integers(1, 8), st.integers(1, 30), st.integers(0, 99))
def test_a_schedule_is_fair_and_seeded(lengths, batch_size, steps, seed):
    schedule = batch_schedule(lengths, batch_size, steps, seed)
    assert len(schedule) == steps
    assert all(len(batch) == batch_size for batch in schedule)
    counts = Counter(row for batch in schedule for row in batch)
    seen = [counts.get(row, 0) for row in range(len(lengths))]
    assert max(seen) - min(seen) <= 1
    assert schedule == batch_schedule(lengths, batch_size, steps, seed)


def test_batches_hold_rows_of_like_length():
    lengths = list(range(320))
    schedule = batch_schedule(lengths, 10, 32, 0)
    assert max(max(batch) - min(batch) for batch in schedule) < 40


@pytest.mark.parametrize("pad", [0, 9])
def test_the_end_is_learned_also_where_it_is_the_padding_token(pad):
    end = 9
    batch = collate([TokenRow("a", "e", (5, 6, 7, end), 2), TokenRow("b", "e", (5, 6, 7, 8, 7, end), 1)], pad_id=pad)
    assert batch["labels"][0].tolist() == [IGNORED, IGNORED, 7, end, IGNORED, IGNORED]
    assert batch["labels"][1].tolist() == [IGNORED, 6, 7, 8, 7, end]
    assert batch["attention_mask"].tolist() == [[1, 1, 1, 1, 0, 0], [1] * 6]
    assert batch["input_ids"][0].tolist() == [5, 6, 7, end, pad, pad]
