"""Floating-point operations: what a training needs of them, and what the machine can do, measured."""

from __future__ import annotations

import time
from functools import cache
from typing import Any

import torch

SIZE = {"cpu": 1024, "cuda": 8192}
"""Rows and columns of the measured matrices: large enough that more would not be faster."""
LEAST_SECONDS = 0.25


def flops_per_token(config: Any, parameters: int, length: float) -> float:
    """Operations of forward and backward for one token of a sequence of `length` tokens.

    6 N + 6 L H T: two operations a weight forward and four backward, and attention's two products, causal, so half of
    12 L H T (arXiv 2204.02311, appendix B). `parameters` N without the input embedding, which is looked up.
    """
    text = config.get_text_config()
    return 6.0 * parameters + 6.0 * float(text.num_hidden_layers) * float(text.hidden_size) * length


def multiplied_parameters(model: torch.nn.Module) -> int:
    """Parameters that take part in products: all but the input embedding, unless it is the output layer as well."""
    whole: Any = model
    total = sum(getattr(p, "ds_numel", p.numel()) for p in whole.parameters())
    if whole.config.get_text_config().tie_word_embeddings:
        return int(total)
    embedding = whole.get_input_embeddings().weight
    return int(total - getattr(embedding, "ds_numel", embedding.numel()))


@cache
def matmul_rate(device: str = "cpu", dtype: torch.dtype = torch.float32) -> float:
    """Floating-point operations a second of square matrix products, with the threads that this process has.

    The best of several: other work on the machine can only slow one down.
    """
    size = SIZE[torch.device(device).type]
    left, right = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))
    torch.mm(left, right)
    best, begun = float("inf"), time.perf_counter()
    while time.perf_counter() - begun < LEAST_SECONDS or best == float("inf"):
        _wait(device)
        start = time.perf_counter()
        torch.mm(left, right)
        _wait(device)
        best = min(best, time.perf_counter() - start)
    return 2 * size**3 / best


def _wait(device: str) -> None:
    if torch.device(device).type == "cuda":
        torch.cuda.synchronize(device)
