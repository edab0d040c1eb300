"""Sampling as `model.generate` does it, for models whose caches allow no short cut: states, compressed caches, what is new.

Rows that share a batch have prompts of one length: there is no padding, which a model without an attention mask would take for
text. All else is the model's own business.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby, islice
from typing import Any

import torch
from torch import Tensor
from transformers import GenerationConfig, LogitsProcessor, LogitsProcessorList, StoppingCriteria, StoppingCriteriaList

from mmst.samplers.rows import Endings, Row, draw, uniforms
from mmst.samplers.sampler import SamplingParams


def like_rows(waiting: Iterable[Row], room: int) -> list[Row]:
    """The first rows, at most `room`, whose prompts have one length."""
    same = next((rows for _, rows in groupby(waiting, key=lambda row: row.prompt_tokens)), iter(()))
    return list(islice(same, room))


def complete_plainly(
    model: Any, rows: Sequence[Row], tokens: Sequence[Sequence[int]], endings: Endings, params: SamplingParams
) -> None:
    """Complete rows whose prompts have one length, together. tokens: of all prompts, by their number."""
    ids = torch.tensor([list(tokens[row.number]) for row in rows], device=model.device)
    drawing = _Drawing(rows, endings, params, ids.device)
    usual = model.generation_config
    model.generation_config = GenerationConfig()  # penalties and limits that a model brings along are not asked for
    try:
        model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            generation_config=GenerationConfig(max_new_tokens=params.max_tokens, do_sample=False, use_cache=True),
            logits_processor=LogitsProcessorList([drawing]),
            stopping_criteria=StoppingCriteriaList([_Ended(rows)]),
        )
    finally:
        model.generation_config = usual


class _Drawing(LogitsProcessor):
    """Draws each row's token by the row's own chances, and leaves `generate` no other."""

    def __init__(self, rows: Sequence[Row], endings: Endings, params: SamplingParams, device: torch.device) -> None:
        self.rows, self.endings, self.params = rows, endings, params
        self.chances = uniforms([row.prompt.seeds[row.index] for row in rows], params).to(device)
        self.drawn = 0

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """scores: (B, V), the logits."""
        width = self.chances.shape[1]
        chances = self.chances[:, self.drawn] if self.drawn < width else scores.new_zeros(len(self.rows))
        self.drawn += 1
        chosen, logprobs = draw(scores, chances, self.params)
        for row, token, logprob in zip(self.rows, chosen.tolist(), logprobs.tolist(), strict=True):
            if row.finish is None:
                self.endings.extend(row, token, logprob, self.params.max_tokens)
        return torch.full_like(scores, -torch.inf).scatter(1, chosen[:, None], 0.0)


class _Ended(StoppingCriteria):
    """Knows which rows have ended."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = rows

    def __call__(self, input_ids: Tensor, scores: Tensor, **kwargs: Any) -> Tensor:
        """(B) whether each row is done."""
        return torch.tensor([row.finish is not None for row in self.rows], device=input_ids.device)
