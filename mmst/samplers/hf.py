"""Sampling by transformers on a CPU or a GPU, in this process.

What makes it faster than `model.generate` over padded batches:
  1. The token prefix that all prompts share (few-shot exemplars) is computed once, and attended to without a copy a row.
  2. The K samples of a prompt share its prefill.
  3. Prompts of like length share a batch, and are computed in groups of liker ones yet; finished rows leave it, waiting ones
     enter.
  4. Keys and values lie in buffers with room ahead: a step copies nothing.

Shapes: `B` rows in a batch, `S` suffix tokens (the prompt after the shared prefix), `V` vocabulary, `T` most new tokens.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import Tensor

from mmst.errors import ConfigError, ModelError
from mmst.samplers.cache import RowCache, joined_masks, numbers_a_token, rows_that_fit
from mmst.samplers.prefix import NAME, Prefix, prefix_of, supports
from mmst.samplers.rows import Endings, Row, draw, uniforms
from mmst.samplers.sampler import SamplingParams, Watch, nobody
from mmst.training.batches import common_length
from mmst.training.checkpoint import load_model, load_tokenizer
from mmst.training.schedule import like_lengths
from mmst.training.tokenization import prompt_tokens, turn_end
from mmst.types import Completion, Prompt

COMPACT_BELOW = 0.75
"""Finished rows leave the batch once less than this share of it is still running."""
REFILL_BELOW = {"cpu": 0.0, "cuda": 0.5}
"""Waiting rows enter once less than this share of the batch's room is running. On a CPU small batches cost little, and joining
them costs more than it gains (docs/sampling.md); on a GPU the share is a guess that no run has measured yet."""
DTYPES = ("auto", "float32", "bfloat16", "float16")
PREFILL_GROUPS = 8
"""Groups of like length that the prompts of a batch are computed in."""
OWN_TOKENS = 1
"""Tokens of each prompt that stay out of the shared prefix: logits are needed at its last token."""
SHORTEST_SHARED_PREFIX = 16
"""Tokens; for fewer, attention over all at once is faster."""


@dataclass(slots=True)
class _Batch:
    """Rows that are sampled together. Those that have ended stay until many have."""

    rows: list[Row]
    logits: Tensor
    """(B, V), at each row's last token."""
    mask: Tensor
    """(B, tokens in the cache), the shared prefix left out."""
    chances: Tensor
    """(B, T), see `uniforms`."""
    cache: Any
    chosen: Tensor
    """(B), the tokens drawn last."""

    @property
    def refillable(self) -> bool:
        """Whether rows may enter."""
        return isinstance(self.cache, RowCache)

    def chances_now(self) -> Tensor:
        """(B), what each row's next token is drawn by."""
        if not self.chances.shape[1]:
            return self.chances.new_zeros(len(self.rows))
        at = torch.tensor([len(row.tokens) for row in self.rows], device=self.chances.device)
        return self.chances.gather(1, at.clamp(max=self.chances.shape[1] - 1)[:, None])[:, 0]

    def drop_ended(self, below: float) -> None:
        """Drop ended rows, and the columns that only they used, once less than this share of the rows is still running."""
        places = [n for n, row in enumerate(self.rows) if row.finish is None]
        if len(places) >= below * len(self.rows):
            return
        index = torch.tensor(places, device=self.mask.device)
        self.rows = [self.rows[n] for n in places]
        self.mask, self.chances, self.chosen = self.mask[index], self.chances[index], self.chosen[index]
        self.logits = self.logits[index]
        _keep(self.cache, index)
        unused = int(self.mask.any(dim=0).int().argmax())
        if unused and self.refillable:
            self.cache.trim(unused)
            self.mask = self.mask[:, unused:]

    def joined(self, other: _Batch) -> _Batch:
        """This batch with another's rows under its own."""
        self.drop_ended(1.0)
        self.rows += other.rows
        self.logits = torch.cat([self.logits, other.logits])
        self.mask = joined_masks(self.mask, other.mask)
        self.chances = torch.cat([self.chances, other.chances])
        self.chosen = torch.cat([self.chosen, other.chosen])
        self.cache.join(other.cache)
        return self


class HFSampler:
    """A batch whose rows come and go, with a shared prefix and shared prefills. Out of memory halves it and goes on."""

    def __init__(
        self,
        batch_size: int = 256,
        cache_gib: float = 2.0,
        device: str = "auto",
        dtype: str = "auto",
        refill_below: float | None = None,
    ) -> None:
        if batch_size < 1 or cache_gib <= 0:
            raise ConfigError(f"sampler: batch_size={batch_size} and cache_gib={cache_gib} must be above 0.")
        if refill_below is not None and not 0 <= refill_below < 1:
            raise ConfigError(
                f"sampler.refill_below={refill_below} must be null, or a share of the batch: 0 or above, below 1."
            )
        self.batch_size = batch_size
        self.cache_bytes = cache_gib * 2**30
        self.device = _device(device)
        if dtype not in DTYPES:
            raise ConfigError(f"sampler.dtype={dtype} must be one of {', '.join(DTYPES)}.")
        self.refill_below = REFILL_BELOW.get(self.device.type, 0.0) if refill_below is None else refill_below
        self.dtype = "float32" if dtype == "auto" and self.device.type == "cpu" else dtype
        self._checkpoint: Path | None = None
        self._model: Any = None
        self._tokenizer: Any = None
        self._endings: Any = None

    @property
    def engine(self) -> str:
        """`hf`, the version of transformers, and what the numbers depend on."""
        return f"hf-{transformers.__version__}-{self.device.type}-{self.dtype}"

    @property
    def loads(self) -> bool:
        """Any checkpoint."""
        return True

    @property
    def takes_adapters(self) -> bool:
        """They are merged when they are loaded."""
        return True

    def load(self, checkpoint: Path) -> None:
        """Load a checkpoint unless it is the one that is loaded."""
        if checkpoint != self._checkpoint:
            self._tokenizer = load_tokenizer(checkpoint)
            model: Any = load_model(checkpoint, self.dtype)
            self._model = model.to(self.device).eval()
            self._endings = Endings(self._tokenizer, _end_tokens(self._model, self._tokenizer))
            self._checkpoint = checkpoint

    def close(self) -> None:
        """Drop the model."""
        self._model = self._tokenizer = self._checkpoint = self._endings = None
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    @torch.inference_mode()
    def complete(self, prompts: Sequence[Prompt], params: SamplingParams, watch: Watch = nobody) -> list[list[Completion]]:
        """See `Sampler.complete`."""
        if not prompts:
            return []
        tokens = [prompt_tokens(self._tokenizer, prompt) for prompt in prompts]
        self._check_lengths(tokens, params)
        shared = _shared_prefix(tokens) if supports(self._model) else 0
        prefix = self._prefill_prefix(tokens[0][:shared]) if shared else []
        completions: list[dict[int, Completion]] = [{} for _ in prompts]
        with self._attention(prefix):
            for rows in self._run(_waiting(prompts, tokens), [row[shared:] for row in tokens], prefix, params):
                for row in rows:
                    completions[row.number][row.index] = row.completion
                watch(len(rows), sum(len(row.tokens) for row in rows))
        return [[group[index] for index in range(len(group))] for group in completions]

    def _check_lengths(self, tokens: Sequence[Sequence[int]], params: SamplingParams) -> None:
        most = getattr(self._model.config.get_text_config(), "max_position_embeddings", None)
        longest = max(map(len, tokens))
        if most is not None and longest + params.max_tokens > most:
            raise ModelError(
                f"model: a prompt of {longest} tokens and max_tokens={params.max_tokens} are more than the {most} positions of "
                "the model; lower model.max_tokens or model.shots."
            )

    def _room(self, tokens: int) -> int:
        """Rows of this many tokens whose keys and values fit: on a CPU, running out of memory is no error but the end."""
        token = numbers_a_token(self._model.config) * self._model.dtype.itemsize
        return rows_that_fit(self.cache_bytes, token, tokens, self.batch_size)

    def _run(
        self, waiting: deque[Row], suffixes: Sequence[Sequence[int]], prefix: Prefix, params: SamplingParams
    ) -> Iterator[list[Row]]:
        """Lists of rows as they end."""
        longest = max(map(len, suffixes)) + params.max_tokens
        batch: _Batch | None = None
        running: list[Row] = []
        while waiting or running:
            ended: list[Row] = []
            try:
                room = self._room(longest)
                if batch is None or (waiting and batch.refillable and len(running) < self.refill_below * room):
                    entering = [waiting.popleft() for _ in range(min(room - len(running), len(waiting)))]
                    running += entering
                    batch = self._entered(batch, entering, suffixes, prefix, params)
                ended = self._extended(batch, params)
                running = [row for row in running if row.finish is None]
                batch = self._advanced(batch, prefix) if running else None
            except torch.OutOfMemoryError:
                batch = None
                self._halve(len(running))
                waiting.extendleft(row.anew() for row in reversed(running))
                running = []
            yield ended

    def _halve(self, rows: int) -> None:
        if rows <= 1:
            raise ModelError("sampler: memory is too small for one completion; lower model.shots or model.max_tokens.")
        self.batch_size = rows // 2
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def _like_lengths(self, rows: Sequence[Row], suffixes: Sequence[Sequence[int]]) -> list[list[Row]]:
        """The rows in groups of like length, whose prompts are computed one group after the other: less of it is padding."""
        if not _attends_to_all(self._model):
            return [list(rows)]
        numbers = list(dict.fromkeys(row.number for row in rows))
        lengths = [len(suffixes[number]) for number in numbers]
        groups = like_lengths(lengths, min(PREFILL_GROUPS, len(set(lengths))))
        owner = {numbers[place]: group for group, places in enumerate(groups) for place in places}
        return [[row for row in rows if owner[row.number] == group] for group in range(len(groups))]

    def _entered(
        self,
        running: _Batch | None,
        rows: Sequence[Row],
        suffixes: Sequence[Sequence[int]],
        prefix: Prefix,
        params: SamplingParams,
    ) -> _Batch:
        """The running batch with new rows. No cache of a group outlives its joining."""
        groups = self._like_lengths(rows, suffixes)
        fresh = self._prefilled(groups[0], suffixes, prefix, params)
        for group in groups[1:]:
            fresh = fresh.joined(self._prefilled(group, suffixes, prefix, params))
        return fresh if running is None else running.joined(fresh)

    def _prefilled(
        self, rows: Sequence[Row], suffixes: Sequence[Sequence[int]], prefix: Prefix, params: SamplingParams
    ) -> _Batch:
        """A batch of new rows; rows of one prompt share its prefill. Suffixes are padded on the left."""
        numbers = list(dict.fromkeys(row.number for row in rows))
        width = max(len(suffixes[number]) for number in numbers)
        ids = torch.zeros((len(numbers), width), dtype=torch.long)
        mask = torch.zeros((len(numbers), width), dtype=torch.long)
        for i, number in enumerate(numbers):
            start = width - len(suffixes[number])
            ids[i, start:] = torch.tensor(suffixes[number])
            mask[i, start:] = 1
        mask = mask.to(self.device)
        cache: Any = RowCache(self._model.config.get_text_config().num_hidden_layers) if _attends_to_all(self._model) else None
        logits, cache = self._forward(ids.to(self.device), mask, cache, prefix)
        chances = uniforms([row.prompt.seeds[row.index] for row in rows], params).to(self.device)
        if len(numbers) < len(rows):
            places = {number: i for i, number in enumerate(numbers)}
            owners = torch.tensor([places[row.number] for row in rows], device=self.device)
            logits, mask = logits[owners], mask[owners]
            _keep(cache, owners)
        return _Batch(list(rows), logits, mask, chances, cache, logits.argmax(dim=-1))

    def _extended(self, batch: _Batch, params: SamplingParams) -> list[Row]:
        """Draw a token for every row; returns the rows that ended by it."""
        chosen, logprobs = draw(batch.logits, batch.chances_now(), params)
        batch.chosen = chosen
        drawn = [
            (row, token, logprob)
            for row, token, logprob in zip(batch.rows, chosen.tolist(), logprobs.tolist(), strict=True)
            if row.finish is None
        ]
        for row, token, logprob in drawn:
            self._endings.extend(row, token, logprob, params.max_tokens)
        return [row for row, _, _ in drawn if row.finish is not None]

    def _advanced(self, batch: _Batch, prefix: Prefix) -> _Batch:
        """The batch after its drawn tokens; without its ended rows, once these are many."""
        batch.drop_ended(COMPACT_BELOW)
        batch.mask = torch.cat([batch.mask, batch.mask.new_ones((len(batch.rows), 1))], dim=1)
        batch.logits, batch.cache = self._forward(batch.chosen[:, None], batch.mask, batch.cache, prefix)
        return batch

    def _prefill_prefix(self, tokens: Sequence[int]) -> Prefix:
        """Keys and values of the tokens that all prompts begin with."""
        ids = torch.tensor([list(tokens)], device=self.device)
        return prefix_of(self._model(input_ids=ids, use_cache=True, logits_to_keep=1).past_key_values)

    @contextmanager
    def _attention(self, prefix: Prefix) -> Iterator[None]:
        """Attention that knows the prefix, while the block runs."""
        usual = self._model.config._attn_implementation
        if prefix:
            self._model.set_attn_implementation(NAME)
        try:
            yield
        finally:
            if prefix:
                self._model.set_attn_implementation(usual)

    def _forward(self, ids: Tensor, mask: Tensor, cache: Any, prefix: Prefix) -> tuple[Tensor, Any]:
        """Logits at the last token (B, V) and the cache. ids: (B, new tokens); mask: (B, S), the prefix left out of both."""
        positions = (mask.cumsum(dim=1) - 1).clamp(min=0)[:, -ids.shape[1] :]
        extra: dict[str, Any] = {}
        if prefix:
            positions = positions + prefix[0][0].shape[1]
            extra["shared_prefix"] = prefix
        output = self._model(
            input_ids=ids,
            attention_mask=mask,
            position_ids=positions,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
            **extra,
        )
        return output.logits[:, -1], output.past_key_values


def _keep(cache: Any, rows: Tensor) -> None:
    cache.keep(rows) if isinstance(cache, RowCache) else cache.batch_select_indices(rows)


def _end_tokens(model: Any, tokenizer: Any) -> frozenset[int]:
    """The tokens that end a completion: the tokenizer's, its chat template's, and those that the model's
    generation config lists.
    """
    ends = model.generation_config.eos_token_id
    listed = ends if isinstance(ends, list) else [ends]
    return frozenset(end for end in [*listed, tokenizer.eos_token_id, turn_end(tokenizer)] if end is not None)


def _attends_to_all(model: Any) -> bool:
    """Whether every layer attends to all that came before, by keys and values alone: then rows can come and go."""
    config = model.config.get_text_config()
    kinds = set(getattr(config, "layer_types", None) or ["full_attention"])
    windowed = getattr(config, "sliding_window", None) and getattr(config, "use_sliding_window", True)
    return kinds == {"full_attention"} and not windowed and not getattr(model, "_is_stateful", False)


def _shared_prefix(tokens: Sequence[Sequence[int]]) -> int:
    """How many first tokens all prompts share, leaving each at least one of its own; 0 where it is not worth the while."""
    if len(tokens) == 1:
        return 0
    usable = min(common_length(tokens), min(map(len, tokens)) - OWN_TOKENS)
    return usable if usable >= SHORTEST_SHARED_PREFIX else 0


def _waiting(prompts: Sequence[Prompt], tokens: Sequence[Sequence[int]]) -> deque[Row]:
    """A row for every completion: like lengths together, the longest first, so that the last to end are short."""
    order = sorted(range(len(prompts)), key=lambda n: -len(tokens[n]))
    return deque(Row(n, k, prompts[n], len(tokens[n])) for n in order for k in range(len(prompts[n].seeds)))


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
