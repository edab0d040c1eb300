"""How large a model is, and what its training keeps: from its configuration alone, without its weights.

The model is built on the meta device. What a forward pass keeps for the backward pass is not computed by a formula, but
counted: models of one and of two layers are run on tensors without data, and the difference is one layer's.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from transformers import AutoModelForCausalLM, PreTrainedModel

from mmst.samplers.cache import numbers_a_token
from mmst.training.flops import multiplied_parameters
from mmst.training.model import blocks, empty_model


@dataclass(frozen=True, slots=True)
class ModelSize:
    """A model in numbers. Numbers of parameters, unless said otherwise."""

    parameters: int
    multiplied: int
    """Those that take part in products: all but an input embedding that is looked up only."""
    block: int
    """Of one transformer block."""
    layers: int
    hidden: int
    vocabulary: int
    cached: int
    """Keys and values that one token leaves in the cache (Pope et al., arXiv 2211.05102, section 3)."""

    @property
    def outside(self) -> int:
        """Parameters outside the blocks."""
        return self.parameters - self.layers * self.block


def model_size(config: Any) -> ModelSize:
    """Build a configuration's model without memory, and count."""
    text = config.get_text_config()
    model = empty_model(config, "float32")
    return ModelSize(
        parameters=sum(p.numel() for p in model.parameters()),
        multiplied=multiplied_parameters(model),
        block=sum(p.numel() for p in blocks(model)[0].parameters()),
        layers=text.num_hidden_layers,
        hidden=text.hidden_size,
        vocabulary=text.vocab_size,
        cached=numbers_a_token(config),
    )


@dataclass(frozen=True, slots=True)
class Activations:
    """What a forward pass keeps for the backward pass, in bytes, without the logits."""

    outside: float
    layer: float
    copied: float
    """Of one layer: casts of its weights, which mixed precision keeps as well."""

    def kept(self, layers: int, boundary: float, recompute: bool) -> float:
        """Of a whole model; with `recompute`, each block keeps its input (`boundary` bytes), and one block all at a time."""
        if recompute:
            return self.outside + layers * boundary + self.layer
        return self.outside + layers * self.layer


def activations(config: Any, rows: int, length: int, dtype: torch.dtype, mixed: bool = False) -> Activations:
    """Count what a batch of `rows` rows of `length` tokens keeps; `mixed`: under autocast to bfloat16."""

    def kept(layers: int, many: int) -> float:
        return _kept_bytes(shallow(config, layers), many, length, dtype, mixed)

    if not mixed:
        one, two = kept(1, rows), kept(2, rows)
        return Activations(one - (two - one), two - one, 0.0)
    one, two = kept(1, rows), kept(2, rows)
    more_one, more_two = kept(1, 2 * rows), kept(2, 2 * rows)  # what does not grow with the rows are casts of weights
    layer = (more_two - more_one) - (two - one)
    outside = (more_one - one) - layer
    return Activations(outside, layer, (two - one) - layer)


def shallow(config: Any, layers: int) -> Any:
    """The same configuration with fewer layers."""
    less = copy.deepcopy(config)
    text = less.get_text_config()
    text.num_hidden_layers = layers
    if getattr(text, "layer_types", None):
        text.layer_types = text.layer_types[:layers]
    return less


def _kept_bytes(config: Any, rows: int, length: int, dtype: torch.dtype, mixed: bool) -> float:
    with FakeTensorMode():
        model: PreTrainedModel = AutoModelForCausalLM.from_config(config, dtype=dtype).train()
        weights = {p.untyped_storage()._cdata for p in model.parameters()}
        kept: dict[int, torch.Tensor] = {}

        def keep(tensor: torch.Tensor) -> torch.Tensor:
            if (key := tensor.untyped_storage()._cdata) not in weights:
                kept[key] = tensor  # referenced, or its key would be given to another
            return tensor

        tokens = torch.ones(rows, length, dtype=torch.long)
        positions = torch.arange(length)[None].expand(rows, -1)
        hooks = torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor)
        with hooks, torch.autocast("cpu", torch.bfloat16, enabled=mixed):
            model.base_model(input_ids=tokens, position_ids=positions, use_cache=False)
        return float(sum(tensor.untyped_storage().nbytes() for tensor in kept.values()))
