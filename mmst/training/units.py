"""Which completions of a batch stand beside which, for objectives that compare them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Any

import torch
from torch import Tensor

from mmst.training.batches import Batch, TokenRow


class Units(StrEnum):
    """How units, a solution and what stands beside it, are laid into rows."""

    APART = "apart"
    """Each completion behind a prompt of its own."""
    FORKED = "forked"
    """Both behind what they begin with, which is computed once; neither sees the other from where they part."""
    UNGRADED = "ungraded"
    """Each behind a prompt of its own, and no gradient goes through what stands beside a solution."""


def compares(batch: Batch) -> bool:
    """Whether a batch's examples stand beside others."""
    return any(part.beside is not None for row in batch.rows for part in row)


def units_of(rows: Sequence[Sequence[TokenRow]], batch: Batch, edges: Sequence[str]) -> dict[str, Any]:
    """Of rows in the order in which they are computed, with S completions that are U units and have N labelled tokens in all.

    `completions`: the S ids. `completion`: which of them a token is of, (M,), and `token`: which labelled one it is, (M,): one
    that stands once for two completions is counted for both, so M is at least N. `edge`: the number of each completion's edge,
    (S,). `solution` and `beside`: which completions are each unit's, (U,). `right`: whether its solution is, bool (U,).
    `unit_weights`: (U,). `token_share`.
    """
    parts = [part for row in rows for part in row]
    place = {part.id: number for number, part in enumerate(parts)}
    units = [(part, part.beside) for part in parts if part.beside is not None]
    counts = torch.tensor([len(part.tokens) - part.prompt_length for part in parts])
    number = {edge: i for i, edge in enumerate(edges)}
    return {
        "completions": [part.id for part in parts],
        "completion": torch.repeat_interleave(torch.arange(len(parts)), counts),
        "token": torch.cat(list(_tokens(rows))),
        "edge": torch.tensor([number.get(part.edge, 0) for part in parts]),
        "solution": torch.tensor([place[part.id] for part, _ in units]),
        "beside": torch.tensor([place[other.id] for _, other in units]),
        "right": torch.tensor([part.right for part, _ in units]),
        "unit_weights": torch.tensor([part.weight for part, _ in units]),
        "token_share": batch.token_share,
    }


def _tokens(rows: Sequence[Sequence[TokenRow]]) -> Iterator[Tensor]:
    """Of each completion, which of all labelled tokens are its own; what its row has once stands in front of the first's."""
    start = 0
    for row in rows:
        end = begun = start
        for part in row:
            own = len(part.tokens) - (part.prompt_length if part is row[0] else part.labelled_from)
            once = len(part.tokens) - part.prompt_length - own
            yield torch.cat([torch.arange(begun, begun + once), torch.arange(end, end + own)])
            end += own
        start = end


def whole_logprobs(losses: Tensor, completion: Tensor, count: int) -> Tensor:
    """Log-probabilities of whole completions, (S,), from the losses of their tokens, (N,)."""
    return -losses.new_zeros(count).index_add(0, completion, losses)
