"""Attention over a prefix that a whole batch shares: its keys and values are kept once, not once a row.

Few-shot prompts share most of their tokens. With a copy of their cache in every row, each step would move all of it through
memory; here the prefix is one matrix product for all rows together, and the cache of a row holds only its own tokens
(Hydragen, arXiv 2402.05099; Juravsky et al.).

Shapes: `B` rows, `H` query heads in `G` per key head (`N` of them), `Q` query tokens, `P` prefix tokens, `S` tokens of a row's
own in the cache, `D` width of a head.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.masking_utils import eager_mask

NAME = "shared_prefix"
Prefix = list[tuple[Tensor, Tensor]]
"""Keys and values of the prefix by layer, each (N, P, D)."""


def supports(model: Any) -> bool:
    """Whether a model lets its attention be replaced, and attends to all that came before (no sliding window, no sinks)."""
    config = model.config.get_text_config()
    windowed = getattr(config, "sliding_window", None) or getattr(config, "attn_logit_softcapping", None)
    kinds = set(getattr(config, "layer_types", None) or ["full_attention"])
    return bool(getattr(model, "_supports_attention_backend", False)) and not windowed and kinds == {"full_attention"}


def prefix_of(cache: Any) -> Prefix:
    """The prefix that a cache of one row holds."""
    return [(layer.keys[0], layer.values[0]) for layer in cache.layers]


def shared_prefix_attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float,
    dropout: float = 0.0,
    shared_prefix: Prefix | None = None,
    **kwargs: Any,
) -> tuple[Tensor, None]:
    """Softmax attention over prefix and own tokens. query: (B, H, Q, D); key, value: (B, N, S, D); mask: (B, 1, Q, S).

    Returns (B, Q, H, D). Products of queries and keys are fp32 in every precision, as in the models' own attention: in bf16
    a score of some hundreds, which biases of keys make (Qwen2), would be off by one.
    """
    assert shared_prefix is not None
    prefix_key, prefix_value = shared_prefix[int(module.layer_idx)]  # type: ignore[arg-type]
    b, h, q, d = query.shape
    n, p, _ = prefix_key.shape
    grouped = query.float().reshape(b, n, h // n, q, d)
    flat = grouped.transpose(0, 1).reshape(n, -1, d)
    to_prefix = (flat @ prefix_key.float().transpose(1, 2)).view(n, b, h // n, q, p).transpose(0, 1)
    to_own = (grouped.reshape(b, n, -1, d) @ key.float().transpose(2, 3)).view(b, n, h // n, q, -1)
    if attention_mask is not None:
        to_own = to_own + attention_mask[:, :, None] / scaling
    weights = torch.softmax(torch.cat([to_prefix, to_own], dim=-1) * scaling, dim=-1).to(query.dtype)
    from_prefix = weights[..., :p].transpose(0, 1).reshape(n, -1, p) @ prefix_value
    from_own = weights[..., p:].reshape(b, n, (h // n) * q, -1) @ value
    out = from_prefix.view(n, b, h // n, q, d).transpose(0, 1) + from_own.view(b, n, h // n, q, d)
    return out.reshape(b, h, q, d).transpose(1, 2).contiguous(), None


AttentionInterface.register(NAME, shared_prefix_attention)
AttentionMaskInterface.register(NAME, eager_mask)
