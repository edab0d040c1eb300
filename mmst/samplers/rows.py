"""Completions in the making: which token each row takes next, and when it has ended.

A sample depends on its own seed alone, whichever rows share its batch, up to floating-point ties: each row draws its uniforms
from a counter-based generator and inverts the cumulative distribution.

Shapes: `B` rows, `V` vocabulary, `T` the most tokens of a completion.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmst.samplers.sampler import SamplingParams
from mmst.training.tokenization import completion_text
from mmst.types import Completion, FinishReason, Prompt

TOKENS_A_CHARACTER = 4
"""At most: a byte each."""
CACHED = 2**17
"""Logits that are drawn from at once on a CPU: their float64 sums are 1 MiB, what a core's own cache holds."""


@dataclass(slots=True)
class Row:
    """One completion in the making."""

    number: int
    """Its prompt's place among the prompts."""
    index: int
    """Its place among its prompt's completions."""
    prompt: Prompt
    prompt_tokens: int
    tokens: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    finish: FinishReason | None = None
    text: str = ""

    def anew(self) -> Row:
        """The same row before its first token."""
        return Row(self.number, self.index, self.prompt, self.prompt_tokens)

    @property
    def completion(self) -> Completion:
        """What the sampler returns for it."""
        assert self.finish is not None
        mean = round(sum(self.logprobs) / len(self.logprobs), 6)
        return Completion(self.text, self.finish, self.prompt_tokens, len(self.tokens), mean)


class Endings:
    """Knows where completions end, for one tokenizer: end-of-sequence tokens, stop strings, the token limit."""

    def __init__(self, tokenizer: Any, ends: frozenset[int]) -> None:
        self.tokenizer = tokenizer
        self.ends = ends
        self._closing: dict[tuple[str, ...], frozenset[int]] = {}

    def extend(self, row: Row, token: int, logprob: float, most: int) -> None:
        """Give a running row its next token, and end it where it ends."""
        row.tokens.append(token)
        row.logprobs.append(logprob)
        if token in self.ends:
            row.finish, row.text = FinishReason.STOP, self._text(row.tokens[:-1])
            return
        if row.prompt.stop and token in self._closing_tokens(row.prompt.stop):
            self._stop_at_string(row)
        if row.finish is None and len(row.tokens) >= most:
            row.finish, row.text = FinishReason.LENGTH, self._text(row.tokens)

    @cached_property
    def _pieces(self) -> list[str]:
        return [self.tokenizer.decode([token]) for token in range(len(self.tokenizer))]

    def _closing_tokens(self, stops: tuple[str, ...]) -> frozenset[int]:
        """Tokens that can complete a stop string: those that hold its last character."""
        if stops not in self._closing:
            last = {stop[-1] for stop in stops}
            # A character may be made of several tokens, and tokenizers strip the space of a lone one.
            all_may = any(not char.isascii() or char == " " for char in last)
            self._closing[stops] = frozenset(
                token for token, piece in enumerate(self._pieces) if all_may or any(char in piece for char in last)
            )
        return self._closing[stops]

    def _stop_at_string(self, row: Row) -> None:
        longest = max(map(len, row.prompt.stop))
        tail = self.tokenizer.decode(row.tokens[-TOKENS_A_CHARACTER * (longest + 1) :])
        if any(stop in tail for stop in row.prompt.stop):
            text = self._text(row.tokens)
            if (shown := before_stop(text, row.prompt.stop)) is not None:
                row.finish, row.text = FinishReason.STOP, shown

    def _text(self, tokens: Sequence[int]) -> str:
        return completion_text(self.tokenizer, tokens)


def before_stop(text: str, stops: Sequence[str]) -> str | None:
    """What a completion shows whose last token completed stop strings: what stands before the one that begins first.

    None where there is none. A text ends at the token that completes any of them, as in vLLM and transformers: one that begins
    earlier, but is longer, is not waited for.
    """
    starts = [text.index(stop) for stop in stops if stop in text]
    return text[: min(starts)] if starts else None


def before_completed_stop(text: str, stops: Sequence[str]) -> str | None:
    """The same of a text whose tokens are not known, and that may go on: as if each character were a token."""
    ends = [text.index(stop) + len(stop) for stop in stops if stop in text]
    return before_stop(text[: min(ends)], stops) if ends else None


def uniforms(seeds: Sequence[int], params: SamplingParams) -> Tensor:
    """What each row's draws are made of: (B, T) in [0, 1), float64; (B, 0) for greedy rows."""
    if params.temperature == 0:
        return torch.zeros((len(seeds), 0), dtype=torch.float64)
    drawn = [np.random.Generator(np.random.Philox(key=seed)).random(params.max_tokens) for seed in seeds]
    return torch.from_numpy(np.stack(drawn))


def draw(logits: Tensor, chances: Tensor, params: SamplingParams) -> tuple[Tensor, Tensor]:
    """One token and its log-probability at temperature 1 for each row. logits: (B, V); chances: (B) in [0, 1).

    Temperature 0 takes the likeliest token, and looks at no chance. On a CPU a few rows are drawn at a time, so that what is
    made of their logits stays in its cache; no row's numbers depend on which others are drawn with it.
    """
    at_once = len(logits) if logits.device.type != "cpu" else max(1, CACHED // logits.shape[-1])
    if len(logits) <= at_once:
        return _drawn(logits, chances, params)
    parts = zip(logits.split(at_once), chances.split(at_once), strict=True)
    chosen, logprobs = zip(*(_drawn(*part, params) for part in parts), strict=True)
    return torch.cat(chosen), torch.cat(logprobs)


def _drawn(logits: Tensor, chances: Tensor, params: SamplingParams) -> tuple[Tensor, Tensor]:
    logprobs = torch.log_softmax(logits.float(), dim=-1)
    if params.temperature == 0:
        chosen = _likeliest(logprobs)
    else:
        probabilities = torch.softmax(logits.float() / params.temperature, dim=-1)
        if params.top_p < 1:
            probabilities = _nucleus(probabilities, params.top_p)
        cumulative = probabilities.double().cumsum(dim=-1)
        chosen = torch.searchsorted(cumulative, chances[:, None] * cumulative[:, -1:], right=True)[:, 0]
        chosen = chosen.clamp(max=logits.shape[-1] - 1)
    return chosen, logprobs.gather(1, chosen[:, None])[:, 0]


def _likeliest(logprobs: Tensor) -> Tensor:
    """The first of the likeliest tokens (B); numpy's search is ten times as fast as torch's on a CPU. logprobs: (B, V)."""
    if logprobs.device.type == "cpu":
        return torch.from_numpy(logprobs.numpy().argmax(axis=-1))
    return logprobs.argmax(dim=-1)


def _nucleus(probabilities: Tensor, top_p: float) -> Tensor:
    """The smallest set of tokens that holds `top_p` of the mass (Holtzman et al., arXiv 1904.09751); (B, V)."""
    ordered, order = probabilities.sort(dim=-1, descending=True)
    outside = ordered.cumsum(dim=-1) - ordered >= top_p
    return torch.zeros_like(probabilities).scatter(1, order, ordered.masked_fill(outside, 0.0))
