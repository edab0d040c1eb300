"""Rows that are sampled together, with their cache.

Shapes: `B` rows in a batch, `V` vocabulary, `T` most new tokens.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from mmst.samplers.cache import RowCache, joined_masks
from mmst.samplers.rows import Row


@dataclass(slots=True)
class Batch:
    """Rows that are sampled together. Those that have ended stay until many have."""

    rows: list[Row]
    logits: Tensor
    """(B, V), at each row's last token."""
    mask: Tensor
    """(B, tokens in the cache), the shared prefix left out."""
    chances: Tensor
    """(B, T), see `uniforms`."""
    cache: Any
    chosen: Tensor
    """(B), the tokens drawn last."""

    @property
    def refillable(self) -> bool:
        """Whether rows may enter."""
        return isinstance(self.cache, RowCache)

    def chances_now(self) -> Tensor:
        """(B), what each row's next token is drawn by."""
        if not self.chances.shape[1]:
            return self.chances.new_zeros(len(self.rows))
        at = torch.tensor([len(row.tokens) for row in self.rows], device=self.chances.device)
        return self.chances.gather(1, at.clamp(max=self.chances.shape[1] - 1)[:, None])[:, 0]

    def drop_ended(self, below: float) -> None:
        """Drop ended rows, and the columns that only they used, once less than this share of the rows is still running."""
        places = [n for n, row in enumerate(self.rows) if row.finish is None]
        if len(places) >= below * len(self.rows):
            return
        index = torch.tensor(places, device=self.mask.device)
        self.rows = [self.rows[n] for n in places]
        self.mask, self.chances, self.chosen = self.mask[index], self.chances[index], self.chosen[index]
        self.logits = self.logits[index]
        keep_rows(self.cache, index)
        unused = int(self.mask.any(dim=0).int().argmax())
        if unused and self.refillable:
            self.cache.trim(unused)
            self.mask = self.mask[:, unused:]

    def joined(self, other: Batch) -> Batch:
        """This batch with another's rows under its own."""
        self.drop_ended(1.0)
        self.rows += other.rows
        self.logits = torch.cat([self.logits, other.logits])
        self.mask = joined_masks(self.mask, other.mask)
        self.chances = torch.cat([self.chances, other.chances])
        self.chosen = torch.cat([self.chosen, other.chosen])
        self.cache.join(other.cache)
        return self


def keep_rows(cache: Any, rows: Tensor) -> None:
    """Drop all rows of a cache but these. rows: (B kept) indices."""
    cache.keep(rows) if isinstance(cache, RowCache) else cache.batch_select_indices(rows)
