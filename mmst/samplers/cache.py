"""Keys and values of a batch whose rows come and go.

Shapes: `B` rows, `N` key heads, `S` tokens in the cache, `D` width of a head. Rows are aligned at their last token: a row that
is shorter than the widest has padding on its left, which the attention mask hides.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from transformers import Cache
from transformers.cache_utils import DynamicLayer

ROOM = 32
"""Columns that are allocated ahead."""


class RoomyLayer(DynamicLayer):
    """One layer's keys and values, with room ahead: a step writes one column, where `DynamicLayer` copies all that is there."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._buffers: list[Tensor] = []
        """Keys and values, each (B, N, S and room, D)."""

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        """Write new columns; returns all. key_states, value_states: (B, N, new, D)."""
        states = (key_states, value_states)
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
            self._buffers = [_with_room(part[:, :, :0], part.shape[2]) for part in states]
        start = self.get_seq_length()
        stop = start + key_states.shape[2]
        if stop > self._buffers[0].shape[2]:
            self._buffers = [_with_room(part, stop - start) for part in self._shown(start)]
        for buffer, part in zip(self._buffers, states, strict=True):
            buffer[:, :, start:stop] = part
        return self._shown(stop)

    def keep(self, rows: Tensor) -> None:
        """Drop all rows but these. rows: (B kept) indices."""
        self._buffers = [buffer[rows] for buffer in self._buffers]
        self._shown(self.get_seq_length())

    def join(self, other: RoomyLayer) -> None:
        """Put another layer's rows under these."""
        mine, theirs = self.get_seq_length(), other.get_seq_length()
        pairs = zip(self._shown(mine), other._shown(theirs), strict=True)
        self._buffers = [_stacked(upper, lower, max(mine, theirs)) for upper, lower in pairs]
        self._shown(max(mine, theirs))

    def trim(self, columns: int) -> None:
        """Forget the first columns."""
        length = self.get_seq_length() - columns
        self._buffers = [buffer[:, :, columns:] for buffer in self._buffers]
        self._shown(length)

    def _shown(self, length: int) -> tuple[Tensor, Tensor]:
        keys, values = (buffer[:, :, :length] for buffer in self._buffers)
        self.keys, self.values = keys, values
        return keys, values


class RowCache(Cache):
    """The cache of all layers. For models in which every layer attends to all that came before."""

    def __init__(self, layers: int) -> None:
        self.roomy = [RoomyLayer() for _ in range(layers)]
        super().__init__(layers=list(self.roomy))

    def keep(self, rows: Tensor) -> None:
        """See `RoomyLayer.keep`."""
        for layer in self.roomy:
            layer.keep(rows)

    def join(self, other: RowCache) -> None:
        """See `RoomyLayer.join`."""
        for layer, more in zip(self.roomy, other.roomy, strict=True):
            layer.join(more)

    def trim(self, columns: int) -> None:
        """See `RoomyLayer.trim`."""
        for layer in self.roomy:
            layer.trim(columns)


def joined_masks(mask: Tensor, other: Tensor) -> Tensor:
    """Two masks (B, S) under each other, aligned at their last column."""
    width = max(mask.shape[1], other.shape[1])
    return torch.cat([torch.nn.functional.pad(m, (width - m.shape[1], 0)) for m in (mask, other)])


def _with_room(states: Tensor, more: int) -> Tensor:
    """A copy of (B, N, S, D) in (B, N, S + more + ROOM, D)."""
    b, n, s, d = states.shape
    buffer = states.new_empty((b, n, s + more + ROOM, d))
    buffer[:, :, :s] = states
    return buffer


def _stacked(upper: Tensor, lower: Tensor, length: int) -> Tensor:
    """Rows under rows, aligned at column `length`; padding is 0, since even what is masked must be a number."""
    b, n, _, d = upper.shape
    buffer = upper.new_empty((b + lower.shape[0], n, length + ROOM, d))
    for rows, states in ((slice(0, b), upper), (slice(b, None), lower)):
        start = length - states.shape[2]
        buffer[rows, :, :start] = 0
        buffer[rows, :, start:length] = states
    return buffer


def numbers_a_token(config: Any) -> int:
    """Keys and values that one token leaves in the cache (Pope et al., arXiv 2211.05102, section 3)."""
    text = config.get_text_config()
    asked = getattr(text, "num_attention_heads", None)
    if not isinstance(asked, int):  # no attention, or another number in each layer: as much as the widest would leave
        return int(2 * text.num_hidden_layers * text.hidden_size)
    heads = getattr(text, "num_key_value_heads", None)
    width = getattr(text, "head_dim", None) or text.hidden_size // asked
    return int(2 * text.num_hidden_layers * (heads if isinstance(heads, int) else asked) * width)


def rows_that_fit(room: float, token: float, tokens: float, most: int) -> int:
    """Rows of so many tokens whose keys and values have room, at most `most`. room, token: bytes, of all and of one token."""
    return max(1, min(most, int(room // (token * tokens))))
