"""The loss of completion tokens, for any causal language model of transformers.

The output layer sees only the hidden states that predict a labelled token: on prompts and padding it would compute, and keep
for the backward pass, logits that no loss reads. With `chunk`, the logits of that many tokens exist at a time; the backward
pass computes them again. Both are hooks on the output layer, so that sharded models gather its weights as ever.

Examples of a packed row must not see each other. transformers builds such a mask from position ids alone only where no
attention mask is given and its cache is off, and leaks in silence otherwise; here the mask is explicit, except for attention
implementations that take the boundaries from position ids.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint
from transformers import PreTrainedModel

from mmst.errors import ConfigError
from mmst.training.batches import IGNORED, PREFIX, TokenRow, collate
from mmst.training.options import BY_POSITION

LEAK = {torch.float32: 1e-3}
"""Logits of an example that differ by more than this share of the greatest, beside another one, depend on it; by dtype."""
COARSE_LEAK = 0.1
"""The same in any other dtype."""


class CompletionLoss:
    """Negative log-likelihoods of labelled tokens.

    Args:
        model: any causal language model; its output layer gets hooks.
        chunk: tokens whose logits are held at once; None: all.

    Raises:
        ConfigError: `chunk` is given, and the model changes its logits after its output layer (soft caps, scales).
    """

    def __init__(self, model: PreTrainedModel, chunk: int | None = None) -> None:
        self.model = model
        self.chunk = chunk
        self._labels: Tensor | None = None
        self._hidden: Tensor | None = None
        head: nn.Module = model.get_output_embeddings()
        if chunk is not None and _logits_change(model.config.to_dict()):
            raise ConfigError(
                f"trainer.options.loss_chunk: {model.config.model_type} changes its logits after its output layer; "
                "set it to null."
            )
        if chunk is not None and hasattr(head, "base_layer"):
            raise ConfigError("trainer.options.loss_chunk: it would go past the adapters of the output layer; set it to null.")
        head.register_forward_pre_hook(self._select)
        if chunk is not None:
            head.register_forward_hook(self._losses)

    def __call__(self, batch: dict[str, Any], packed: bool = False) -> Tensor:
        """The loss of each labelled token, (N,), in the order of `labelled(batch)`. Batch tensors are (B, T)."""
        self._labels = next_labels(batch)
        try:
            output = self.model(input_ids=batch["input_ids"], use_cache=False, **attention(self.model, batch, packed))
        finally:
            labels, self._labels, self._hidden = self._labels, None, None
        if self.chunk is not None:
            losses: Tensor = output.logits.squeeze(-1)
            return losses
        return functional.cross_entropy(output.logits.float(), labels[labels != IGNORED], reduction="none")

    def _select(self, head: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        if self._labels is None:
            return inputs
        hidden = inputs[0][self._labels != IGNORED]
        if self.chunk is None:
            return (hidden, *inputs[1:])
        self._hidden = hidden
        return (hidden[:0], *inputs[1:])

    def _losses(self, head: nn.Module, inputs: tuple[Tensor, ...], logits: Tensor) -> Tensor:
        if self._labels is None or self._hidden is None:
            return logits
        assert self.chunk is not None
        targets = self._labels[self._labels != IGNORED]
        parts = zip(torch.split(self._hidden, self.chunk), torch.split(targets, self.chunk), strict=True)
        losses = [checkpoint(_chunk_loss, head, hidden, target, use_reentrant=False) for hidden, target in parts]
        return torch.cat(losses)[:, None]


def next_labels(batch: dict[str, Any]) -> Tensor:
    """The label that each position predicts, (B, T): the next token's, and none at the end of a row.

    The first token of an example has no label (it is part of a prompt), so no example of a packed row predicts another's.
    """
    return functional.pad(batch["labels"][:, 1:], (0, 1), value=IGNORED)


def labelled(batch: dict[str, Any], key: str) -> Tensor:
    """What a tensor of the batch says about each labelled token, (N,)."""
    values: Tensor = batch[key]
    return values[:, 1:][batch["labels"][:, 1:] != IGNORED]


def attention(model: PreTrainedModel, batch: dict[str, Any], packed: bool) -> dict[str, Tensor]:
    """The arguments of a model's forward pass that keep padding, and other examples of the same row, out of sight."""
    if not packed:
        return {"attention_mask": (batch["segments"] > 0).long()}
    if model.config._attn_implementation in BY_POSITION:
        if bool((batch["segments"] == PREFIX).any()):
            raise RuntimeError("a shared prefix needs a mask, and this attention takes none")
        return {"position_ids": batch["position_ids"]}
    mask = block_mask(batch["segments"])
    if model.config._attn_implementation == "eager":
        added = torch.zeros(mask.shape, dtype=model.dtype, device=mask.device)
        mask = added.masked_fill(~mask, torch.finfo(model.dtype).min)
    return {"attention_mask": mask, "position_ids": batch["position_ids"]}


def block_mask(segments: Tensor) -> Tensor:
    """Who may look at whom: tokens of the same segment and of the row's prefix, and none that come later.

    (B, T) -> bool (B, 1, T, T).
    """
    seen = (segments[:, :, None] == segments[:, None, :]) | (segments == PREFIX)[:, None, :]
    return (seen & torch.ones_like(seen).tril())[:, None]


def check_window(config: Any, longest: int) -> None:
    """Refuse to pack examples that are longer than a sliding window of attention: the mask of packed rows has none.

    Raises:
        ConfigError: names the model's type and its window.
    """
    text = config.get_text_config()
    window = getattr(text, "sliding_window", None)
    if window and getattr(text, "use_sliding_window", True) and longest > window:
        raise _unpackable(config, f"its attention sees {window} tokens, and examples may have {longest}")


@torch.no_grad()
def check_isolation(model: PreTrainedModel) -> None:
    """Refuse a model whose examples would see each other in packed rows, or would know where in the row they are.

    Raises:
        ConfigError: names the model's type.
    """
    tokens = list(range(2, 17))
    prefix, first, last = tokens[:3], tokens[3:10], tokens[10:]
    if model.config._attn_implementation in BY_POSITION:
        prefix = []
    try:
        found = [_logits_beside(model, prefix, beside, last) for beside in (first, first[::-1])]
    except (TypeError, ValueError, RuntimeError) as error:
        raise _unpackable(model.config, "it takes no mask of blocks") from error
    alone = model(input_ids=torch.tensor([prefix + last], device=model.device), use_cache=False).logits[0, -len(last) :]
    worst = max(float((logits - alone).abs().max()) for logits in found)
    if not worst <= LEAK.get(alone.dtype, COARSE_LEAK) * float(alone.abs().max()):
        raise _unpackable(model.config, f"the logits of an example change by {worst:.2g} beside another one")


def _logits_beside(model: PreTrainedModel, prefix: list[int], beside: list[int], last: list[int]) -> Tensor:
    """Logits of an example, (its tokens, V), in a row that another example, and a prefix of both, stand before it in."""
    rows = [TokenRow("", "", (*prefix, *own), len(prefix), shared=len(prefix)) for own in (beside, last)]
    batch = {name: tensor.to(model.device) for name, tensor in collate([rows], 0, packed=True).items()}
    logits: Tensor = model(input_ids=batch["input_ids"], use_cache=False, **attention(model, batch, True)).logits
    return logits[0, -len(last) :]


def _unpackable(config: Any, why: str) -> ConfigError:
    return ConfigError(f"trainer.options.layout=packed does not work for {config.model_type}: {why}; use bucketed.")


def _chunk_loss(head: nn.Module, hidden: Tensor, targets: Tensor) -> Tensor:
    assert isinstance(head.weight, Tensor)
    bias = getattr(head, "bias", None)
    return functional.cross_entropy(functional.linear(hidden, head.weight, bias).float(), targets, reduction="none")


def _logits_change(config: dict[str, Any]) -> bool:
    """Whether a configuration names something that is done to logits (Gemma's soft cap, Cohere's and Granite's scales)."""
    scales = ("logit_scale", "logits_scaling", "final_logit_softcapping")
    return any(config.get(key) not in (None, 1, 1.0) for key in scales)
