"""What a model's cache can do, found by trying it on a few tokens: whichever architecture it is, its rows are right.

Each short cut of `mmst.samplers.hf` is taken where the model, asked both ways, gives the same logits. Compressed caches, states
instead of keys and values, layers that do not hand a prefix on, or positions that padding moves: what does not agree, or
raises, is not used.

Shapes: `B` rows, `S` tokens in the cache, `V` vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import Cache, GenerationConfig

from mmst.samplers.cache import RowCache, joined_masks, numbers_a_token
from mmst.samplers.prefix import NAME, Prefix, prefix_of, supports

LENGTHS = (9, 5)
"""Tokens of the two rows that are tried; they differ, so that one is padded."""
PREFIX = 6
"""Tokens of the prefix that is tried."""
CLOSE = {torch.float32: 1e-3, torch.float64: 1e-3}
ROUGHLY = 0.25
"""Largest difference of a logit, in standard deviations of the logits: of a model in fp32, and in coarser numbers."""


@dataclass(frozen=True, slots=True)
class Abilities:
    """Which short cuts a model allows."""

    rows: bool
    """Rows can come and go: all that a row leaves behind are keys and values, which `RowCache` keeps."""
    batches: bool
    """Padded rows share a batch, and leave it, with the model's own cache."""
    prefix: bool
    """A prefix can be shared without a copy a row."""
    numbers: float
    """What one token leaves in the cache."""
    together: bool = True
    """Rows whose prompts have one length share a batch in `generate`."""


def abilities_of(model: Any) -> Abilities:
    """Try a model, whose mode is evaluation; a few short forward passes."""
    tries = _Tries(model)
    unlimited = attends_to_all(model.config)
    measured: list[float] = []
    rows = unlimited and tries.agree(lambda: tries.with_rows(measured))
    batches = rows or tries.agree(tries.with_batches)
    prefix = rows and supports(model) and tries.agree(tries.with_prefix)
    together = batches or tries.agree(tries.with_equals)
    return Abilities(rows, batches, prefix, measured[0] if rows else numbers_a_token(model.config), together)


def attends_to_all(config: Any) -> bool:
    """Whether no layer forgets by its configuration: windows are too long to be tried."""
    text = config.get_text_config()
    kinds = set(getattr(text, "layer_types", None) or ["full_attention"])
    windowed = getattr(text, "sliding_window", None) and getattr(text, "use_sliding_window", True)
    return kinds == {"full_attention"} and not windowed and not getattr(text, "attention_chunk_size", None)


def step(model: Any, ids: Tensor, mask: Tensor, cache: Any, prefix: Prefix | None = None) -> tuple[Tensor, Any]:
    """Logits at the last token (B, V) and the cache. ids: (B, new tokens); mask: (B, S), the prefix left out of both."""
    positions = (mask.cumsum(dim=1) - 1).clamp(min=0)[:, -ids.shape[1] :]
    extra: dict[str, Any] = {}
    if prefix:
        positions = positions + prefix[0][0].shape[1]
        extra["shared_prefix"] = prefix
    output = model(
        input_ids=ids,
        attention_mask=mask,
        position_ids=positions,
        past_key_values=cache,
        use_cache=True,
        logits_to_keep=1,
        **extra,
    )
    return output.logits[:, -1], output.past_key_values


class _Tries:
    """One model, and what it says of two rows without any short cut."""

    def __init__(self, model: Any) -> None:
        self.model = model
        text = model.config.get_text_config()
        special = {text.pad_token_id, model.config.pad_token_id}  # some models tell padding by its token
        usable = [token for token in range(min(int(text.vocab_size), 64)) if token not in special]
        drawn = torch.randint(len(usable), (3, sum(LENGTHS) + PREFIX), generator=torch.Generator().manual_seed(0)).tolist()
        self.tokens = [[usable[place] for place in row] for row in drawn]
        self.known: dict[tuple[int, ...], Tensor] = {}
        """Logits after each token of a sequence, which every beginning of it has as well."""
        self.close = CLOSE.get(model.dtype, ROUGHLY)

    def agree(self, attempt: Callable[[], bool]) -> bool:
        """Whether an attempt works, and gives what it should."""
        try:
            return attempt()
        except torch.OutOfMemoryError:
            raise
        except Exception:  # whatever a model raises at a call that it does not know, it does not know it
            return False

    def with_rows(self, measured: list[float]) -> bool:
        """Rows of two lengths that are computed apart, joined, and thinned."""
        layers = self.model.config.get_text_config().num_hidden_layers
        rows, caches, masks = self.tokens[:2], [], []
        for row, length in zip(rows, LENGTHS, strict=True):
            masks.append(self._ones(1, length))
            logits, cache = step(self.model, self._ids([row[:length]]), masks[-1], RowCache(layers))
            if not isinstance(cache, RowCache) or any(part.get_seq_length() != length for part in cache.roomy):
                return False
            if not self._same(logits, [row[:length]]):
                return False
            caches.append(cache)
        measured.append(_numbers(caches[0]) / LENGTHS[0])
        caches[0].join(caches[1])
        mask = joined_masks(masks[0], masks[1])
        return self._goes_on(caches[0], mask, lambda cache, index: cache.keep(index))

    def with_batches(self) -> bool:
        """Rows of two lengths, padded on the left, with the cache that the model makes."""
        width = max(LENGTHS)
        padded = [[self.tokens[2][0]] * (width - n) + row[:n] for n, row in zip(LENGTHS, self.tokens, strict=False)]
        mask = self._ones(2, width)
        for place, length in enumerate(LENGTHS):
            mask[place, : width - length] = 0
        logits, cache = step(self.model, self._ids(padded), mask, None)
        if not isinstance(cache, Cache):
            return False
        starts = [row[:n] for n, row in zip(LENGTHS, self.tokens, strict=False)]
        return self._same(logits, starts) and self._goes_on(cache, mask, lambda c, index: c.batch_select_indices(index))

    def with_equals(self) -> bool:
        """Two rows of one length, by `generate`."""
        rows = [row[: LENGTHS[0]] for row in self.tokens[:2]]
        both = self._generated(rows)
        return all(self._near(both[:, place], self._generated([row])[:, 0]) for place, row in enumerate(rows))

    def _generated(self, rows: Sequence[Sequence[int]]) -> Tensor:
        """Logits (2, B, V) of two tokens that are generated."""
        ids = self._ids(rows)
        config = GenerationConfig(max_new_tokens=2, do_sample=False, output_logits=True, return_dict_in_generate=True)
        made = self.model.generate(ids, attention_mask=torch.ones_like(ids), generation_config=config)
        return torch.stack(made.logits)

    def with_prefix(self) -> bool:
        """Two rows behind one prefix, which each layer must ask for."""
        layers = self.model.config.get_text_config().num_hidden_layers
        first = self.tokens[0][:PREFIX]
        cache = self.model(input_ids=self._ids([first]), use_cache=True, logits_to_keep=1).past_key_values
        seen = _Seen(prefix_of(cache))
        own = [self.tokens[0][PREFIX : LENGTHS[0] + 2], self.tokens[1][: LENGTHS[0] + 2 - PREFIX]]
        usual = self.model.config._attn_implementation
        self.model.set_attn_implementation(NAME)
        try:
            logits, _ = step(self.model, self._ids(own), self._ones(2, len(own[0])), RowCache(layers), seen)
        finally:
            self.model.set_attn_implementation(usual)
        return seen.asked == set(range(layers)) and self._same(logits, [first + row for row in own])

    def _goes_on(self, cache: Any, mask: Tensor, keep: Callable[[Any, Tensor], None]) -> bool:
        """A token for both rows, then one for the second alone."""
        sequences = [row[: length + 1] for row, length in zip(self.tokens, LENGTHS, strict=False)]
        mask = torch.cat([mask, mask.new_ones((2, 1))], dim=1)
        logits, cache = step(self.model, self._ids([[row[-1]] for row in sequences]), mask, cache)
        if not self._same(logits, sequences):
            return False
        keep(cache, torch.tensor([1], device=self.model.device))
        last = self.tokens[1][: LENGTHS[1] + 2]
        mask = torch.cat([mask[1:], mask.new_ones((1, 1))], dim=1)
        logits, _ = step(self.model, self._ids([last[-1:]]), mask, cache)
        return self._same(logits, [last])

    def _same(self, found: Tensor, sequences: Sequence[Sequence[int]]) -> bool:
        return self._near(found, torch.stack([self._expected(row) for row in sequences]))

    def _expected(self, sequence: Sequence[int]) -> Tensor:
        """The logits after a sequence; those of a row that it begins are computed once for all its beginnings."""
        rows = [row[: LENGTHS[0] + 2] for row in self.tokens[:2]]
        whole = next((row for row in rows if row[: len(sequence)] == list(sequence)), sequence)
        if tuple(whole) not in self.known:
            self.known[tuple(whole)] = self.model(input_ids=self._ids([whole]), use_cache=False).logits[0]
        return self.known[tuple(whole)][len(sequence) - 1]

    def _near(self, found: Tensor, expected: Tensor) -> bool:
        apart = (found.float() - expected.float()).abs().max()
        return bool(apart <= self.close * expected.float().std())

    def _ids(self, rows: Sequence[Sequence[int]]) -> Tensor:
        return torch.tensor(rows, device=self.model.device)

    def _ones(self, rows: int, columns: int) -> Tensor:
        return torch.ones((rows, columns), dtype=torch.long, device=self.model.device)


class _Seen(list[tuple[Tensor, Tensor]]):
    """A prefix that knows for which layers it was asked."""

    def __init__(self, layers: Prefix) -> None:
        super().__init__(layers)
        self.asked: set[Any] = set()

    def __getitem__(self, place: Any) -> Any:
        self.asked.add(place)
        return super().__getitem__(place)


def _numbers(cache: RowCache) -> int:
    """Keys and values in a cache."""
    return sum(part.numel() for layer in cache.roomy for part in (layer.keys, layer.values) if part is not None)
