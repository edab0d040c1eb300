"""What the machine can do, measured: the rate of its matrix multiplications."""

from __future__ import annotations

import time
from functools import cache

import torch

SIZE = {"cpu": 1024, "cuda": 8192}
"""Rows and columns of the measured matrices: large enough that more would not be faster."""
LEAST_SECONDS = 0.25


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
