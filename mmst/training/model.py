"""Models before they have a strategy: without memory, with adapters, in blocks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from transformers import AutoModelForCausalLM, PreTrainedModel

from mmst.errors import ConfigError, MissingExtraError, first_line


def empty_model(config: Any, dtype: str, attention: str | None = None) -> PreTrainedModel:
    """A model whose parameters have shapes and no memory; buffers, which no checkpoint holds, are real."""
    from accelerate import init_empty_weights

    chosen = {} if attention is None else {"attn_implementation": attention}
    with init_empty_weights(include_buffers=False):
        model: PreTrainedModel = AutoModelForCausalLM.from_config(config, dtype=getattr(torch, dtype), **chosen)
    model.tie_weights()
    return model


def with_adapters(model: PreTrainedModel, lora: int | Mapping[str, Any]) -> Any:
    """A model with low-rank adapters on its linear layers; nothing else is trained.

    Raises:
        MissingExtraError: peft is not installed.
        ConfigError: peft refuses the settings.
    """
    try:
        from peft import LoraConfig, get_peft_model
    except ImportError as error:
        raise MissingExtraError("model.lora", 'pip install -c constraints.txt -e ".[lora]"') from error
    settings = {"r": lora, "lora_alpha": 2 * lora} if isinstance(lora, int) else dict(lora)
    try:
        return get_peft_model(model, LoraConfig(**{"target_modules": "all-linear", "task_type": "CAUSAL_LM", **settings}))
    except (TypeError, ValueError) as error:
        raise ConfigError(f"model.lora={settings}: {first_line(error)}") from error


def refuse_tied(config: Any, lora: int | Mapping[str, Any]) -> None:
    """Refuse adapters of an embedding that is the output layer as well: merged into one, they would change the other.

    Raises:
        ConfigError: names the layers.
    """
    if isinstance(lora, int) or not config.get_text_config().tie_word_embeddings:
        return
    model = empty_model(config, "float32")
    shared = {id(model.get_input_embeddings()), id(model.get_output_embeddings())}
    adapted = with_adapters(model, lora)
    wrong = [
        name.removeprefix("base_model.model.")
        for name, part in adapted.named_modules()
        if id(part.get_base_layer() if hasattr(part, "lora_A") else getattr(part, "original_module", None)) in shared
    ]
    if wrong:
        raise ConfigError(
            f"model.lora: {', '.join(wrong)} and the other embedding of this model are one matrix (tie_word_embeddings), so "
            "what is trained of one cannot be merged; leave it out, or start from a model whose embeddings are untied."
        )


def adapter_parameters(config: Any, lora: int | Mapping[str, Any]) -> int:
    """How many parameters the adapters of a model have; nothing of it is made."""
    model = with_adapters(empty_model(config, "float32"), lora)
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


def blocks(model: PreTrainedModel) -> list[nn.Module]:
    """The transformer blocks: what transformers itself never splits over devices, without blocks inside of blocks."""
    names = set(model._no_split_modules or ())
    found = [(place, part) for place, part in model.named_modules() if type(part).__name__ in names]
    places = tuple(f"{place}." for place, _ in found)
    return [part for place, part in found if not place.startswith(places)]
