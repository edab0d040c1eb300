"""Sampling by transformers on a CPU or a GPU, in this process.

What makes it faster than `model.generate` over padded batches:
  1. The token prefix that all prompts share (few-shot exemplars) is computed once, and attended to without a copy a row.
  2. The K samples of a prompt share its prefill.
  3. Prompts of like length share a batch, and finished rows leave it.
A sample depends on its own seed alone, whichever rows share its batch, up to floating-point ties: each row draws its
uniforms from a counter-based generator and inverts the cumulative distribution.

Shapes: `B` rows in a batch, `S` suffix tokens (the prompt after the shared prefix), `V` vocabulary.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from torch import Tensor

from mmst.errors import ConfigError, ModelError
from mmst.samplers.prefix import NAME, Prefix, prefix_of, supports
from mmst.samplers.sampler import SamplingParams
from mmst.training.batches import encode_prompt
from mmst.training.checkpoint import load_model, load_tokenizer
from mmst.types import Completion, FinishReason, Prompt

COMPACT_BELOW = 0.75
"""Finished rows leave the batch once less than this share of it is still running."""
DTYPES = ("auto", "float32", "bfloat16", "float16")
OWN_TOKENS = 1
"""Tokens of each prompt that stay out of the shared prefix: logits are needed at its last token."""
SHORTEST_SHARED_PREFIX = 16
"""Tokens; for fewer, attention over all at once is faster."""


@dataclass(slots=True)
class _Row:
    """One completion in the making."""

    slot: int
    prompt: Prompt
    prompt_tokens: int
    uniforms: np.ndarray[Any, np.dtype[np.float64]]
    tokens: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    finish: FinishReason | None = None
    text: str = ""


class HFSampler:
    """Static batches with a shared prefix and shared prefills. Out of memory halves the batch and goes on."""

    def __init__(self, batch_size: int = 256, cache_gib: float = 2.0, device: str = "auto", dtype: str = "auto") -> None:
        if batch_size < 1 or cache_gib <= 0:
            raise ConfigError(f"sampler: batch_size={batch_size} and cache_gib={cache_gib} must be above 0.")
        self.batch_size = batch_size
        self.cache_bytes = cache_gib * 2**30
        self.device = _device(device)
        if dtype not in DTYPES:
            raise ConfigError(f"sampler.dtype={dtype} must be one of {', '.join(DTYPES)}.")
        self.dtype = "float32" if dtype == "auto" and self.device.type == "cpu" else dtype
        self._checkpoint: Path | None = None
        self._model: Any = None
        self._tokenizer: Any = None
        self._ends: frozenset[int] = frozenset()

    @property
    def engine(self) -> str:
        """`hf`, the version of transformers, and what the numbers depend on."""
        return f"hf-{transformers.__version__}-{self.device.type}-{self.dtype}"

    def load(self, checkpoint: Path) -> None:
        """Load a checkpoint unless it is the one that is loaded."""
        if checkpoint != self._checkpoint:
            self._tokenizer = load_tokenizer(checkpoint)
            model: Any = load_model(checkpoint, self.dtype)
            self._model = model.to(self.device).eval()
            self._ends = _end_tokens(self._model, self._tokenizer)
            self._checkpoint = checkpoint

    def close(self) -> None:
        """Drop the model."""
        self._model = self._tokenizer = self._checkpoint = None
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    @torch.inference_mode()
    def complete(self, prompts: Sequence[Prompt], params: SamplingParams) -> list[list[Completion]]:
        """See `Sampler.complete`."""
        if not prompts:
            return []
        tokens = [encode_prompt(self._tokenizer, prompt.text) for prompt in prompts]
        self._check_lengths(tokens, params)
        shared = _shared_prefix(tokens) if supports(self._model) else 0
        prefix = self._prefill_prefix(tokens[0][:shared]) if shared else []
        completions: list[list[Completion]] = [[] for _ in prompts]
        for batch in _batches(prompts, tokens, self._most_rows(max(map(len, tokens)) - shared + params.max_tokens)):
            for number, row in self._run(batch, prompts, tokens, shared, prefix, params):
                completions[number].append(_completion(row))
        return completions

    def _check_lengths(self, tokens: Sequence[Sequence[int]], params: SamplingParams) -> None:
        most = getattr(self._model.config.get_text_config(), "max_position_embeddings", None)
        longest = max(map(len, tokens))
        if most is not None and longest + params.max_tokens > most:
            raise ModelError(
                f"model: a prompt of {longest} tokens and max_tokens={params.max_tokens} are more than the {most} positions of "
                "the model; lower model.max_tokens or model.shots."
            )

    def _most_rows(self, tokens: int) -> int:
        """Completions at a time whose keys and values fit: on a CPU, running out of memory is no error but the end."""
        config = self._model.config.get_text_config()
        heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
        width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
        row_bytes = 2 * config.num_hidden_layers * heads * width * self._model.dtype.itemsize * tokens
        return max(1, min(self.batch_size, int(self.cache_bytes // row_bytes)))

    def _run(
        self,
        batch: list[int],
        prompts: Sequence[Prompt],
        tokens: Sequence[Sequence[int]],
        shared: int,
        prefix: Prefix,
        params: SamplingParams,
    ) -> Iterator[tuple[int, _Row]]:
        try:
            rows = self._complete_batch([prompts[i] for i in batch], [tokens[i] for i in batch], shared, prefix, params)
        except torch.OutOfMemoryError:
            if len(batch) == 1:
                raise
            half = len(batch) // 2
            self.batch_size = max(1, self.batch_size // 2)
            yield from self._run(batch[:half], prompts, tokens, shared, prefix, params)
            yield from self._run(batch[half:], prompts, tokens, shared, prefix, params)
            return
        for row in rows:
            yield batch[row.slot], row

    def _complete_batch(
        self, prompts: list[Prompt], tokens: list[Sequence[int]], shared: int, prefix: Prefix, params: SamplingParams
    ) -> list[_Row]:
        suffixes = [row[shared:] for row in tokens]
        logits, cache, mask = self._prefill(suffixes, prefix)
        counts = torch.tensor([len(prompt.seeds) for prompt in prompts], device=self.device)
        owner = torch.repeat_interleave(torch.arange(len(prompts), device=self.device), counts)
        if not torch.equal(counts, torch.ones_like(counts)):
            cache.batch_select_indices(owner)
        logits, mask = logits[owner], mask[owner]
        rows = [
            _Row(slot, prompt, len(tokens[slot]), _uniforms(seed, params))
            for slot, prompt in enumerate(prompts)
            for seed in prompt.seeds
        ]
        self._decode(rows, logits, cache, mask, prefix, params)
        return rows

    def _decode(
        self, rows: list[_Row], logits: Tensor, cache: Any, mask: Tensor, prefix: Prefix, params: SamplingParams
    ) -> None:
        """Draw tokens until every row has finished. logits: (B, V); mask: (B, tokens in the cache)."""
        active = list(range(len(rows)))
        for position in range(params.max_tokens):
            chosen, logprobs = _draw(logits, [rows[i] for i in active], position, params)
            self._extend([rows[i] for i in active], chosen.tolist(), logprobs.tolist(), params)
            keep = [n for n, i in enumerate(active) if rows[i].finish is None]
            if not keep:
                return
            if len(keep) < COMPACT_BELOW * len(active):
                index = torch.tensor(keep, device=self.device)
                cache.batch_select_indices(index)
                mask, chosen = mask[index], chosen[index]
                active = [active[n] for n in keep]
            mask = torch.cat([mask, mask.new_ones((len(active), 1))], dim=1)
            logits, cache = self._forward(chosen[:, None], mask, cache, prefix)

    def _extend(self, rows: list[_Row], chosen: list[int], logprobs: list[float], params: SamplingParams) -> None:
        for row, token, logprob in zip(rows, chosen, logprobs, strict=True):
            if row.finish is not None:
                continue
            row.logprobs.append(logprob)
            if token in self._ends:
                row.finish, row.text = FinishReason.STOP, self._text(row)
                row.tokens.append(token)
                continue
            row.tokens.append(token)
            if row.prompt.stop:
                self._stop_at_string(row)
            if row.finish is None and len(row.tokens) >= params.max_tokens:
                row.finish, row.text = FinishReason.LENGTH, self._text(row)

    def _stop_at_string(self, row: _Row) -> None:
        longest = max(map(len, row.prompt.stop))
        tail = self._tokenizer.decode(row.tokens[-longest - 1 :])
        if any(stop in tail for stop in row.prompt.stop):
            text = self._text(row)
            cuts = [text.index(stop) for stop in row.prompt.stop if stop in text]
            if cuts:
                row.finish, row.text = FinishReason.STOP, text[: min(cuts)]

    def _text(self, row: _Row) -> str:
        return str(self._tokenizer.decode(row.tokens, skip_special_tokens=True))

    def _prefill_prefix(self, tokens: Sequence[int]) -> Prefix:
        """Keys and values of the tokens that all prompts begin with."""
        ids = torch.tensor([list(tokens)], device=self.device)
        return prefix_of(self._model(input_ids=ids, use_cache=True, logits_to_keep=1).past_key_values)

    def _prefill(self, suffixes: Sequence[Sequence[int]], prefix: Prefix) -> tuple[Tensor, Any, Tensor]:
        """Logits at the last token (B, V), the cache, and the mask (B, S); suffixes are padded on the left."""
        width = max(map(len, suffixes))
        ids = torch.zeros((len(suffixes), width), dtype=torch.long)
        mask = torch.zeros((len(suffixes), width), dtype=torch.long)
        for i, suffix in enumerate(suffixes):
            ids[i, width - len(suffix) :] = torch.tensor(suffix)
            mask[i, width - len(suffix) :] = 1
        mask = mask.to(self.device)
        logits, cache = self._forward(ids.to(self.device), mask, None, prefix)
        return logits, cache, mask

    def _forward(self, ids: Tensor, mask: Tensor, cache: Any, prefix: Prefix) -> tuple[Tensor, Any]:
        """Logits at the last token (B, V) and the cache. ids: (B, new tokens); mask: (B, S), the prefix left out of both."""
        positions = (mask.cumsum(dim=1) - 1).clamp(min=0)[:, -ids.shape[1] :]
        extra: dict[str, Any] = {}
        if prefix:
            positions = positions + prefix[0][0].shape[1]
            extra["shared_prefix"] = prefix
        usual = self._model.config._attn_implementation
        if prefix:
            self._model.set_attn_implementation(NAME)
        try:
            output = self._model(
                input_ids=ids,
                attention_mask=mask,
                position_ids=positions,
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=1,
                **extra,
            )
        finally:
            if prefix:
                self._model.set_attn_implementation(usual)
        return output.logits[:, -1], output.past_key_values


def _end_tokens(model: Any, tokenizer: Any) -> frozenset[int]:
    """The tokens that end a completion: the tokenizer's, and those that the model's generation config lists."""
    ends = model.generation_config.eos_token_id
    listed = ends if isinstance(ends, list) else [ends]
    return frozenset(end for end in [*listed, tokenizer.eos_token_id] if end is not None)


def _draw(logits: Tensor, rows: Sequence[_Row], position: int, params: SamplingParams) -> tuple[Tensor, Tensor]:
    """One token and its log-probability for each row; logits: (B, V)."""
    logprobs = torch.log_softmax(logits.float(), dim=-1)
    if params.temperature == 0:
        chosen = logprobs.argmax(dim=-1)
    else:
        probabilities = torch.softmax(logits.float() / params.temperature, dim=-1)
        if params.top_p < 1:
            probabilities = _nucleus(probabilities, params.top_p)
        uniforms = torch.tensor([row.uniforms[position] for row in rows], dtype=torch.float64, device=logits.device)
        cumulative = probabilities.double().cumsum(dim=-1)
        chosen = torch.searchsorted(cumulative, uniforms[:, None] * cumulative[:, -1:], right=True)[:, 0]
        chosen = chosen.clamp(max=logits.shape[-1] - 1)
    return chosen, logprobs.gather(1, chosen[:, None])[:, 0]


def _nucleus(probabilities: Tensor, top_p: float) -> Tensor:
    """The smallest set of tokens that holds `top_p` of the mass (Holtzman et al., arXiv 1904.09751); (B, V)."""
    ordered, order = probabilities.sort(dim=-1, descending=True)
    outside = ordered.cumsum(dim=-1) - ordered >= top_p
    return torch.zeros_like(probabilities).scatter(1, order, ordered.masked_fill(outside, 0.0))


def _uniforms(seed: int, params: SamplingParams) -> np.ndarray[Any, np.dtype[np.float64]]:
    if params.temperature == 0:
        return np.zeros(0)
    return np.random.Generator(np.random.Philox(key=seed)).random(params.max_tokens)


def _shared_prefix(tokens: Sequence[Sequence[int]]) -> int:
    """How many first tokens all prompts share, leaving each at least one of its own; 0 where it is not worth the while."""
    if len(tokens) == 1:
        return 0
    first, last = min(map(tuple, tokens)), max(map(tuple, tokens))
    shared = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    usable = min(shared, min(map(len, tokens)) - OWN_TOKENS)
    return usable if usable >= SHORTEST_SHARED_PREFIX else 0


def _batches(prompts: Sequence[Prompt], tokens: Sequence[Sequence[int]], rows: int) -> Iterator[list[int]]:
    """Numbers of prompts by batch: like lengths together, at most `rows` completions a batch (one prompt at least)."""
    batch: list[int] = []
    filled = 0
    for number in sorted(range(len(prompts)), key=lambda n: len(tokens[n])):
        count = len(prompts[number].seeds)
        if batch and filled + count > rows:
            yield batch
            batch, filled = [], 0
        batch.append(number)
        filled += count
    if batch:
        yield batch


def _completion(row: _Row) -> Completion:
    assert row.finish is not None
    mean = round(sum(row.logprobs) / len(row.logprobs), 6) if row.logprobs else None
    return Completion(row.text, row.finish, row.prompt_tokens, len(row.tokens), mean)


def _device(name: str) -> torch.device:
    chosen = name
    if name == "auto":
        chosen = f"cuda:{os.environ.get('LOCAL_RANK', '0')}" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(chosen)
        torch.zeros(1, device=device).cpu()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ConfigError(f"sampler.device={name} is not there: {str(error).splitlines()[0]}") from error
    return device
