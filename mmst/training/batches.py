"""Examples as token rows, rows as batches, batches as tensors.

Shapes: `B` rows in a batch, `T` tokens of its longest row.

  1. `tokenize` turns examples into rows: prompt tokens, completion tokens, end-of-sequence.
  2. `batch_schedule` fixes, for a whole run, which rows are in which batch: a list of lists of row numbers. It depends on
     the seed and the lengths alone, so a resumed run meets the same batches in the same order.
  3. `collate` pads one batch to its longest row.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from mmst.types import Dropped, DropReason, Example

IGNORED = -100
"""The label of a token without a loss (PyTorch's own convention)."""
POOL_BATCHES = 32
"""How many batches' worth of shuffled rows are sorted by length together: little padding, still random."""


@dataclass(frozen=True, slots=True)
class TokenRow:
    """One example in tokens."""

    id: str
    edge: str
    tokens: tuple[int, ...]
    prompt_length: int


def tokenize(
    examples: Sequence[Example], tokenizer: PreTrainedTokenizerBase, longest: int
) -> tuple[list[TokenRow], list[Dropped]]:
    """Tokenize examples; one that is longer than `longest` tokens is dropped and named, never cut."""
    rows, dropped = [], []
    for example in examples:
        prompt = encode_prompt(tokenizer, example.prompt)
        completion = tokenizer.encode(example.completion, add_special_tokens=False)
        tokens = (*prompt, *completion, tokenizer.eos_token_id)
        if len(tokens) > longest:
            dropped.append(Dropped(example.id, example.edge, DropReason.TOO_LONG))
        else:
            rows.append(TokenRow(example.id, example.edge, tokens, len(prompt)))
    return rows, dropped


def encode_prompt(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    """A prompt's tokens. A chat template writes the first special token itself; the tokenizer must not write it again."""
    first = tokenizer.bos_token
    return list(tokenizer.encode(text, add_special_tokens=not (first and text.startswith(str(first)))))


def batch_schedule(lengths: Sequence[int], batch_size: int, steps: int, seed: int) -> list[list[int]]:
    """The row numbers of `steps` batches of `batch_size` rows. Over a run, rows come equally often, or once more.

    Rows of like length share a batch: on a CPU that is as fast as packing. Epochs are shuffled one by one, and then sorted by
    length in pools of `POOL_BATCHES` batches that may reach from one epoch into the next: with few rows, a row may come
    again before another came.
    """
    rng = random.Random(seed)
    order: list[int] = []
    while len(order) < steps * batch_size:
        epoch = list(range(len(lengths)))
        rng.shuffle(epoch)
        order += epoch
    batches: list[list[int]] = []
    pool_size = POOL_BATCHES * batch_size
    for start in range(0, steps * batch_size, pool_size):
        pool = order[start : min(start + pool_size, steps * batch_size)]
        pool.sort(key=lambda row: lengths[row])
        cut = [pool[i : i + batch_size] for i in range(0, len(pool), batch_size)]
        rng.shuffle(cut)
        batches += cut
    return batches


def collate(rows: Sequence[TokenRow], pad_id: int) -> dict[str, Tensor]:
    """Pad rows on the right: `input_ids`, `attention_mask` and `labels`, each (B, T).

    Labels are `IGNORED` on prompt and padding, by position and not by token: the end-of-sequence token is learned also where
    it is the padding token as well.
    """
    width = max(len(row.tokens) for row in rows)
    ids = torch.full((len(rows), width), pad_id)
    mask = torch.zeros((len(rows), width), dtype=torch.long)
    labels = torch.full((len(rows), width), IGNORED)
    for i, row in enumerate(rows):
        tokens = torch.tensor(row.tokens)
        ids[i, : len(tokens)] = tokens
        mask[i, : len(tokens)] = 1
        labels[i, row.prompt_length : len(tokens)] = tokens[row.prompt_length :]
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}
