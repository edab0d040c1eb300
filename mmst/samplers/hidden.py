"""What a model makes of a text before it goes on with it, and of a solution once it is written: its last hidden states."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch

from mmst.samplers.lengths import positions
from mmst.training.tokenization import example_tokens, prompt_tokens
from mmst.types import Example, Prompt

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
    for n, states in _last_states(model, tokens):
        found[n] = states.mean(dim=0).tolist()
    return found


@torch.inference_mode()
def solution_states(model: Any, tokenizer: Any, solutions: Sequence[Example]) -> list[list[float]]:
    """What the model holds of each solution after its prompt: P x 2H.

    First the mean of the last hidden states over the solution's tokens, then that of its end, which has seen all of it. Of what
    is longer than the model has positions, the last tokens count.
    """
    most = positions(model.config) or 0
    found: list[list[float]] = [[] for _ in solutions]
    whole = [example_tokens(tokenizer, solution) for solution in solutions]
    own = [len(tokens) - begin for tokens, begin in whole]
    for n, states in _last_states(model, [tokens[-most:] for tokens, _ in whole]):
        found[n] = torch.cat([states[-own[n] :].mean(dim=0), states[-1]]).tolist()
    return found


def _last_states(model: Any, tokens: Sequence[Sequence[int]]) -> Iterator[tuple[int, torch.Tensor]]:
    """(place of a text, its last hidden states: L x H); texts of equally many tokens share a batch."""
    order = sorted(range(len(tokens)), key=lambda n: len(tokens[n]))
    for start in range(0, len(order), ROWS):
        for length in dict.fromkeys(len(tokens[n]) for n in order[start : start + ROWS]):
            places = [n for n in order[start : start + ROWS] if len(tokens[n]) == length]
            ids = torch.tensor([tokens[n] for n in places], device=model.device)
            states = model.base_model(input_ids=ids, use_cache=False).last_hidden_state.float()
            yield from zip(places, states, strict=True)
