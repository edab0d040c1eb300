"""What a model makes of a text before it goes on with it: the mean of its last hidden states."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from mmst.samplers.lengths import positions
from mmst.training.tokenization import prompt_tokens
from mmst.types import Prompt

ROWS = 32
"""The most texts at once."""


@torch.inference_mode()
def mean_hidden_states(model: Any, tokenizer: Any, texts: Sequence[str]) -> list[list[float]]:
    """The mean over a text's tokens of its last hidden states, after the last norm: P x H.

    Texts of equally many tokens share a batch, so that nothing is padded. Of a text that is longer than the model has
    positions, the last ones count.
    """
    most = positions(model.config) or 0
    tokens = [prompt_tokens(tokenizer, Prompt("", text, ()))[-most:] or [0] for text in texts]
    found: list[list[float]] = [[] for _ in texts]
    order = sorted(range(len(texts)), key=lambda n: len(tokens[n]))
    for start in range(0, len(order), ROWS):
        for length in dict.fromkeys(len(tokens[n]) for n in order[start : start + ROWS]):
            places = [n for n in order[start : start + ROWS] if len(tokens[n]) == length]
            ids = torch.tensor([tokens[n] for n in places], device=model.device)
            states = model.base_model(input_ids=ids, use_cache=False).last_hidden_state
            for n, row in zip(places, states.float().mean(dim=1).tolist(), strict=True):
                found[n] = row
    return found
