"""Models, built the way each strategy wants them: whole, or a shard on each process without the whole ever being anywhere.

one device, DDP, ZeRO-1, ZeRO-2    every process loads the whole model
FSDP (1)                           the same, and keeps its shard of each block
FSDP2 (`FullyShardStrategy`)       parameters are made without memory, sharded, and each process reads its shard alone
ZeRO-3                             transformers and DeepSpeed split each tensor as it is read
"""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.strategies import DeepSpeedStrategy, FSDPStrategy, ModelParallelStrategy, Strategy
from transformers import AutoModelForCausalLM, PreTrainedModel

from mmst.errors import ConfigError
from mmst.training.checkpoint import adapted_base, load_config, load_model
from mmst.training.loss import check_isolation, check_window
from mmst.training.model import blocks, empty_model, refuse_tied, with_adapters
from mmst.training.module import CausalLanguageModule
from mmst.training.options import BY_POSITION
from mmst.training.quantized import refuse_untrainable
from mmst.training.stored import conversions, fill


class FullyShardStrategy(ModelParallelStrategy):
    """FSDP2 over all processes (torch's `fully_shard`): Lightning's own default shards over nodes alone."""

    def __init__(self, **options: Any) -> None:
        super().__init__(data_parallel_size=int(os.environ.get("WORLD_SIZE", "1")), tensor_parallel_size=1, **options)


@dataclass(frozen=True)
class ModelBuilder:
    """Builds the model of one training from a folder in Hugging Face format."""

    start: Path
    packed: int | None = None
    """Tokens of the longest example, where rows hold several; None: they do not."""
    shared: int | None = None
    """The same, where completions of one prompt are to stand behind it wherever the model takes a mask for that."""
    attention: str | None = None
    """An attention implementation of transformers; None: its own choice."""
    recompute: bool = False
    """Keep the activations of block boundaries alone, and compute the rest again in the backward pass."""
    compile: bool = False
    """torch.compile."""
    lora: int | Mapping[str, Any] | None = None
    """Low-rank adapters (Hu et al., arXiv 2106.09685): their rank, or what peft.LoraConfig takes."""

    def __call__(self, module: lightning.LightningModule) -> PreTrainedModel:
        """The model, in the parameters' dtype that the trainer's precision asks for."""
        strategy = module.trainer.strategy
        dtype = "bfloat16" if module.trainer.precision == "bf16-true" else "float32"
        if isinstance(strategy, ModelParallelStrategy):
            model = self._shard(dtype, strategy)
        elif _is_zero3(strategy):
            from transformers.integrations.deepspeed import HfDeepSpeedConfig

            settings: Any = strategy
            seen = HfDeepSpeedConfig(settings.config)  # by transformers, as long as it is referenced
            model = self._whole(dtype)
            del seen
        else:
            model = self._whole(dtype)
        if not _is_zero3(strategy):
            self._check_packing(model)
            if isinstance(module, CausalLanguageModule):
                module.shares_prompts = self._shares_prompts(model)
        if self.lora is not None:
            model = with_adapters(model, self.lora)
        if isinstance(strategy, FSDPStrategy):
            _shard_by_block(strategy, model)
        if self.compile:
            model.compile(dynamic=True)
        trained: PreTrainedModel = model.train()
        return trained

    def _whole(self, dtype: str) -> PreTrainedModel:
        model = load_model(self.start, dtype, self.attention)
        self._prepare(model)
        return model

    def _prepare(self, model: PreTrainedModel) -> None:
        if self.recompute:
            model.gradient_checkpointing_enable({"use_reentrant": False})
            if self.lora is not None:
                model.enable_input_require_grads()

    def check(self, strategy: Strategy) -> None:
        """Refuse what can be refused before a strategy is set up: ZeRO-3 could not run its model before training starts.

        Raises:
            ConfigError: adapters are to be sharded, or started from, or examples cannot be packed.
        """
        config = load_config(adapted_base(self.start) or self.start)
        refuse_untrainable(config, self.start)
        if self.lora is not None:
            refuse_tied(config, self.lora)
        sharded = isinstance(strategy, ModelParallelStrategy) or _is_zero3(strategy)
        if self.lora is not None and (sharded or isinstance(strategy, FSDPStrategy)):
            raise ConfigError(
                "model.lora works with one device, ddp, deepspeed_zero1 and deepspeed_zero2; choose one of these."
            )
        if sharded and adapted_base(self.start) is not None:
            raise ConfigError(
                f"model: {self.start} holds adapters alone, which sharded trainings cannot start from; merge them."
            )
        if self.packed is not None and _is_zero3(strategy):
            self._check_packing(_shallow(load_config(self.start), self.attention))

    def _check_packing(self, model: PreTrainedModel) -> None:
        if self.packed is None or model.config._attn_implementation in BY_POSITION:
            return
        check_window(model.config, self.packed)
        check_isolation(model.eval())

    def _shares_prompts(self, model: PreTrainedModel) -> bool:
        """Whether completions can stand behind one prompt: by a mask, and without a window of attention that ends in it."""
        if self.shared is None or model.config._attn_implementation in BY_POSITION:
            return False
        try:
            check_window(model.config, self.shared)
            check_isolation(model.eval())
        except ConfigError:
            return False
        return True

    def _shard(self, dtype: str, strategy: ModelParallelStrategy) -> PreTrainedModel:
        from torch.distributed.fsdp import fully_shard

        model = empty_model(load_config(self.start), dtype, self.attention)
        self._prepare(model)
        how = conversions(model)
        mesh = strategy.device_mesh["data_parallel"]
        for block in blocks(model):
            fully_shard(block, mesh=mesh)
        fully_shard(model, mesh=mesh)
        buffers = {name: buffer.clone() for name, buffer in model.named_buffers()}
        model.to_empty(device=strategy.root_device)
        model.tie_weights()
        for name, buffer in model.named_buffers():
            buffer.copy_(buffers[name])
        fill(model, self.start, strategy.root_device, how)
        model.tie_weights()
        return model


def _shallow(config: Any, attention: str | None) -> PreTrainedModel:
    """A random model with one layer of each kind that a configuration names."""
    small = copy.deepcopy(config)
    kinds = list(dict.fromkeys(getattr(config, "layer_types", None) or ["any"]))
    small.num_hidden_layers = len(kinds)
    if getattr(config, "layer_types", None):
        small.layer_types = kinds
    chosen = {} if attention is None else {"attn_implementation": attention}
    model: PreTrainedModel = AutoModelForCausalLM.from_config(small, dtype=torch.float32, **chosen)
    return model


def _shard_by_block(strategy: FSDPStrategy, model: PreTrainedModel) -> None:
    """Let Lightning wrap each block on its own: where a model wraps its own, Lightning leaves the rest of it unsharded."""
    from torch.distributed.fsdp.wrap import ModuleWrapPolicy

    strategy.kwargs["auto_wrap_policy"] = ModuleWrapPolicy({type(block) for block in blocks(model)})


def _is_zero3(strategy: object) -> bool:
    return isinstance(strategy, DeepSpeedStrategy) and bool(strategy.zero_stage_3)
