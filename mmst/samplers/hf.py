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
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import Tensor

from mmst.errors import ConfigError, ModelError
from mmst.samplers.abilities import abilities_of, step
from mmst.samplers.batch import Batch, keep_rows
from mmst.samplers.cache import RowCache, rows_that_fit
from mmst.samplers.hidden import mean_hidden_states, solution_states
from mmst.samplers.int8 import put_int8
from mmst.samplers.lengths import Fitting, positions, put_back
from mmst.samplers.plain import complete_plainly, like_rows
from mmst.samplers.prefix import NAME, Prefix, prefix_of
from mmst.samplers.rows import Endings, Row, draw, uniforms
from mmst.samplers.sampler import SamplingParams, Watch, nobody
from mmst.training.batches import common_length
from mmst.training.checkpoint import load_model, load_tokenizer
from mmst.training.schedule import like_lengths
from mmst.training.tokenization import prompt_tokens, refuse_unknown, turn_end
from mmst.types import Completion, Example, Prompt

COMPACT_BELOW = 0.75
"""Finished rows leave the batch once less than this share of it is still running."""
REFILL_BELOW = {"cpu": 0.0, "cuda": 0.5}
"""Waiting rows enter once less than this share of the batch's room is running. On a CPU small batches cost little, and joining
them costs more than it gains (docs/sampling.md); on a GPU the share is a guess that no run has measured yet."""
INT8 = "int8"
DTYPES = ("auto", "float32", "bfloat16", "float16", INT8)
COARSE = 2
"""Version of the numbers in bf16 and fp16, where rounding makes rows: since 2 a shared prefix is attended to by fp32 scores."""
PREFILL_GROUPS = 8
"""Groups of like length that the prompts of a batch are computed in."""
OWN_TOKENS = 1
"""Tokens of each prompt that stay out of the shared prefix: logits are needed at its last token."""
SHORTEST_SHARED_PREFIX = 16
"""Tokens; for fewer, attention over all at once is faster."""


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
        if dtype == INT8 and self.device.type != "cpu":
            raise ConfigError(f"sampler.dtype={dtype} is for a CPU; on sampler.device={self.device} take auto or bfloat16.")
        self.refill_below = REFILL_BELOW.get(self.device.type, 0.0) if refill_below is None else refill_below
        self.dtype = "float32" if dtype == "auto" and self.device.type == "cpu" else dtype
        self._checkpoint: Path | None = None
        self._model: Any = None
        self._tokenizer: Any = None
        self._endings: Any = None
        self._abilities: Any = None
        self._fitting = Fitting(None)

    @property
    def engine(self) -> str:
        """`hf`, the version of transformers, and what the numbers depend on."""
        numbers = self.dtype if self.dtype in ("float32", INT8) else f"{self.dtype}.{COARSE}"
        return f"hf-{transformers.__version__}-{self.device.type}-{numbers}"

    @property
    def waits(self) -> bool:
        """Whether another device computes."""
        return self.device.type != "cpu"

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
            model: Any = load_model(checkpoint, "float32" if self.dtype == INT8 else self.dtype)
            self._model = model.to(self.device).eval()
            with torch.inference_mode():
                self._abilities = abilities_of(self._model)
            if self.dtype == INT8:
                put_int8(self._model)
            self._fitting = Fitting(positions(self._model.config))
            self._endings = Endings(self._tokenizer, _end_tokens(self._model, self._tokenizer))
            self._checkpoint = checkpoint

    def close(self) -> None:
        """Drop the model."""
        self._model = self._tokenizer = self._checkpoint = self._endings = self._abilities = None
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    @torch.inference_mode()
    def complete(self, prompts: Sequence[Prompt], params: SamplingParams, watch: Watch = nobody) -> list[list[Completion]]:
        """See `Sampler.complete`."""
        if not prompts:
            return []
        tokens = [prompt_tokens(self._tokenizer, prompt) for prompt in prompts]
        refuse_unknown(self._tokenizer, tokens, int(self._model.config.get_text_config().vocab_size))
        lengths = [len(row) for row in tokens]
        places = self._fitting.places(prompts, lengths, params.max_tokens)
        made = self._completed([prompts[n] for n in places], [tokens[n] for n in places], params, watch) if places else []
        return put_back(prompts, lengths, places, made, watch)

    def hidden(self, texts: Sequence[str]) -> list[list[float]]:
        """See `mmst.samplers.hidden`; by the model that is loaded."""
        return mean_hidden_states(self._model, self._tokenizer, texts)

    def hidden_solutions(self, solutions: Sequence[Example]) -> list[list[float]]:
        """See `mmst.samplers.hidden`; by the model that is loaded."""
        return solution_states(self._model, self._tokenizer, solutions)

    def _completed(
        self, prompts: Sequence[Prompt], tokens: Sequence[Sequence[int]], params: SamplingParams, watch: Watch
    ) -> list[list[Completion]]:
        completions: list[dict[int, Completion]] = [{} for _ in prompts]
        for rows in self._ended(_waiting(prompts, tokens), tokens, params):
            for row in rows:
                completions[row.number][row.index] = row.completion
            watch(len(rows), sum(len(row.tokens) for row in rows))
        return [[group[index] for index in range(len(group))] for group in completions]

    def _ended(self, waiting: deque[Row], tokens: Sequence[Sequence[int]], params: SamplingParams) -> Iterator[list[Row]]:
        """Lists of rows as they end, by what the model allows."""
        if not self._abilities.batches:
            yield from self._run_plainly(waiting, tokens, params)
            return
        shared = _shared_prefix(tokens) if self._abilities.prefix else 0
        prefix = self._prefill_prefix(tokens[0][:shared]) if shared else []
        with self._attention(prefix):
            yield from self._run(waiting, [row[shared:] for row in tokens], prefix, params)

    def _run_plainly(self, waiting: deque[Row], tokens: Sequence[Sequence[int]], params: SamplingParams) -> Iterator[list[Row]]:
        """The same by `model.generate`, a batch of equally long prompts at a time."""
        while waiting:
            room = self._room(waiting[0].prompt_tokens + params.max_tokens) if self._abilities.together else 1
            batch = like_rows(waiting, room)
            try:
                complete_plainly(self._model, batch, tokens, self._endings, params)
            except torch.OutOfMemoryError:
                self._halve(len(batch))
                for n, row in enumerate(batch):
                    waiting[n] = row.anew()
                continue
            for _ in batch:
                waiting.popleft()
            yield batch

    def _room(self, tokens: int) -> int:
        """Rows of this many tokens whose keys and values fit: on a CPU, running out of memory is no error but the end."""
        token = self._abilities.numbers * self._model.dtype.itemsize
        return rows_that_fit(self.cache_bytes, token, tokens, self.batch_size)

    def _run(
        self, waiting: deque[Row], suffixes: Sequence[Sequence[int]], prefix: Prefix, params: SamplingParams
    ) -> Iterator[list[Row]]:
        """Lists of rows as they end."""
        longest = max(map(len, suffixes)) + params.max_tokens
        batch: Batch | None = None
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
        if not self._abilities.rows:
            return [list(rows)]
        numbers = list(dict.fromkeys(row.number for row in rows))
        lengths = [len(suffixes[number]) for number in numbers]
        groups = like_lengths(lengths, min(PREFILL_GROUPS, len(set(lengths))))
        owner = {numbers[place]: group for group, places in enumerate(groups) for place in places}
        return [[row for row in rows if owner[row.number] == group] for group in range(len(groups))]

    def _entered(
        self,
        running: Batch | None,
        rows: Sequence[Row],
        suffixes: Sequence[Sequence[int]],
        prefix: Prefix,
        params: SamplingParams,
    ) -> Batch:
        """The running batch with new rows. No cache of a group outlives its joining."""
        groups = self._like_lengths(rows, suffixes)
        fresh = self._prefilled(groups[0], suffixes, prefix, params)
        for group in groups[1:]:
            fresh = fresh.joined(self._prefilled(group, suffixes, prefix, params))
        return fresh if running is None else running.joined(fresh)

    def _prefilled(
        self, rows: Sequence[Row], suffixes: Sequence[Sequence[int]], prefix: Prefix, params: SamplingParams
    ) -> Batch:
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
        cache: Any = RowCache(self._model.config.get_text_config().num_hidden_layers) if self._abilities.rows else None
        logits, cache = self._forward(ids.to(self.device), mask, cache, prefix)
        chances = uniforms([row.prompt.seeds[row.index] for row in rows], params).to(self.device)
        if len(numbers) < len(rows):
            places = {number: i for i, number in enumerate(numbers)}
            owners = torch.tensor([places[row.number] for row in rows], device=self.device)
            logits, mask = logits[owners], mask[owners]
            keep_rows(cache, owners)
        return Batch(list(rows), logits, mask, chances, cache, logits.argmax(dim=-1))

    def _extended(self, batch: Batch, params: SamplingParams) -> list[Row]:
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

    def _advanced(self, batch: Batch, prefix: Prefix) -> Batch:
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
        """See `step`."""
        return step(self._model, ids, mask, cache, prefix)


def _end_tokens(model: Any, tokenizer: Any) -> frozenset[int]:
    """The tokens that end a completion: the tokenizer's, its chat template's, and those that the model's
    generation config lists.
    """
    ends = model.generation_config.eos_token_id
    listed = ends if isinstance(ends, list) else [ends]
    return frozenset(end for end in [*listed, tokenizer.eos_token_id, turn_end(tokenizer)] if end is not None)


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
