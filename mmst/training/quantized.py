"""Models in a quantized format: which can be made plain, and what becomes of their configuration."""

from __future__ import annotations

import copy
from typing import Any

from mmst.errors import ModelError

PLAIN_AGAIN = ("mxfp4", "fp8")
"""Formats that transformers makes plain while it loads them, on any device."""


def is_quantized(config: Any) -> bool:
    """Whether the weights beside a configuration are in a quantized format."""
    return getattr(config, "quantization_config", None) is not None


def plain(config: Any) -> Any:
    """The configuration of the same model with plain weights."""
    if not is_quantized(config):
        return config
    made = copy.deepcopy(config)
    del made.quantization_config
    return made


def method_of(config: Any) -> str:
    """The name of a quantized format."""
    found = config.quantization_config
    name = found.get("quant_method") if isinstance(found, dict) else getattr(found, "quant_method", None)
    return str(getattr(name, "value", name))


def made_plain(config: Any) -> Any:
    """What tells transformers to make weights plain while it loads them; None where nothing is to be told."""
    if not is_quantized(config):
        return None
    from transformers.utils.quantization_config import FineGrainedFP8Config, Mxfp4Config

    kinds: dict[str, Any] = {"mxfp4": Mxfp4Config, "fp8": FineGrainedFP8Config}
    kind = kinds.get(method_of(config))
    return None if kind is None else kind(dequantize=True)


def refuse_untrainable(config: Any, where: object) -> None:
    """Refuse a start whose format cannot be made plain.

    Raises:
        ModelError: names the format.
    """
    if is_quantized(config) and method_of(config) not in PLAIN_AGAIN:
        raise ModelError(
            f"model: the weights in {where} are quantized ({method_of(config)}), which cannot be trained; start from the model "
            "in bf16 or fp32 that they were made of."
        )
