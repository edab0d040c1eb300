"""Which completions of a batch stand beside which, for objectives that compare them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from mmst.training.batches import Batch, TokenRow


def compares(batch: Batch) -> bool:
    """Whether a batch's examples stand beside others."""
    return any(part.beside is not None for row in batch.rows for part in row)


def units_of(rows: Sequence[Sequence[TokenRow]], batch: Batch) -> dict[str, Any]:
    """Of rows in the order in which they are computed, with S completions that are U units and have N labelled tokens in all.

    `completions`: the S ids. `completion`: which of them each labelled token is of, (N,). `solution` and `beside`: which of
    them are each unit's, (U,). `right`: whether its solution is, bool (U,). `unit_weights`: (U,). `token_share`.
    """
    parts = [part for row in rows for part in row]
    place = {part.id: number for number, part in enumerate(parts)}
    units = [(part, part.beside) for part in parts if part.beside is not None]
    counts = torch.tensor([len(part.tokens) - part.prompt_length for part in parts])
    return {
        "completions": [part.id for part in parts],
        "completion": torch.repeat_interleave(torch.arange(len(parts)), counts),
        "solution": torch.tensor([place[part.id] for part, _ in units]),
        "beside": torch.tensor([place[other.id] for _, other in units]),
        "right": torch.tensor([part.right for part, _ in units]),
        "unit_weights": torch.tensor([part.weight for part, _ in units]),
        "token_share": batch.token_share,
    }


def whole_logprobs(losses: Tensor, completion: Tensor, count: int) -> Tensor:
    """Log-probabilities of whole completions, (S,), from the losses of their tokens, (N,)."""
    return -losses.new_zeros(count).index_add(0, completion, losses)
