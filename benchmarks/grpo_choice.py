"""How a policy chooses its method: the prompt stops where the methods' prompts part, and the model's next token decides.

    Question: Ana has 3 bags of 4 nuts. How many nuts is that?     <- the head, which all methods share
    Program:                                                       <- a method's tail: its first token is drawn, the rest put in
    def solution(): ...                                            <- sampled

Among the vocabulary, only the first tokens of the tails can be drawn, by the model's own likelihood of them. A base that was
never trained to write tails, as nano, has hardly any probability there, and what it has is no choice that it was taught: so
fixed offsets may be added which make its choice even on average before training starts.

Training sees the drawn token as one more sampled token. Its log-probability is among the whole vocabulary, and without offsets:
that has the same gradient, since normalizers depend on the prompt alone and the advantages of a prompt's group sum to 0 (with
one update for each sampling, and a loss whose tokens count alike over the batch, as trl's `dapo`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from mmst.errors import ConfigError
from mmst.training.batches import common_length

PROBE = 256
"""Problems by which offsets are found."""
TURNS = 100
"""Of the search for offsets, which gets a digit nearer in every few."""
BATCH = 64


@dataclass(frozen=True, slots=True)
class Fork:
    """The prompts of one problem, by what they share and where they part."""

    head: str
    tails: Mapping[str, str]
    """Method -> what follows, up to the end of its prompt."""


def fork(prompts: Mapping[str, str]) -> Fork:
    """Where the prompts of one problem part: at the last line break that all share. prompts: by method.

    Raises:
        ConfigError: they share no line, or more than a line stands after it: with exemplars they part too early.
    """
    texts = list(prompts.values())
    shared = texts[0][: common_length(texts)]
    head = shared[: shared.rfind("\n") + 1]
    tails = {name: text[len(head) :] for name, text in prompts.items()}
    if not head or any(not tail or "\n" in tail.strip("\n") for tail in tails.values()):
        raise ConfigError(
            "grpo: the methods' prompts part before the end of the question, so that a policy could not choose after it; use "
            "--settings both, or a run with model.shots=0 and model.bare=true."
        )
    return Fork(head, tails)


@dataclass
class Choice:
    """Draws a method for each prompt by the model's own likelihood."""

    tokenizer: Any
    tails: Mapping[str, str]
    temperature: float = 1.0
    offsets: Tensor | None = None
    """Added to the log-odds of each method (M); None: nothing is."""

    def __post_init__(self) -> None:
        self.tokens = {name: self.encoded(tail) for name, tail in self.tails.items()}
        self.firsts = [tokens[0] for tokens in self.tokens.values()]
        if len(set(self.firsts)) < len(self.firsts):
            raise ConfigError(
                f"grpo: some of {', '.join(map(repr, self.tails.values()))} begin with the same token, by which a policy could "
                "not choose; use --settings both, or solvers whose cues differ from their first letter on."
            )

    def encoded(self, text: str) -> list[int]:
        """A text's tokens."""
        return list(self.tokenizer.encode(text, add_special_tokens=False))

    def chances(self, model: Any, heads: Sequence[str]) -> Tensor:
        """The probability of each method for each head (B, M)."""
        logits = self.logits(model, heads)[:, self.firsts] / self.temperature
        return (logits if self.offsets is None else logits + self.offsets).softmax(-1)

    @torch.no_grad()
    def logits(self, model: Any, heads: Sequence[str]) -> Tensor:
        """The model's logits of the next token after each head (B, V)."""
        found = []
        for start in range(0, len(heads), BATCH):
            rows = [torch.tensor(self.encoded(head)) for head in heads[start : start + BATCH]]
            ids = pad_sequence(rows, batch_first=True).to(model.device)  # on the right, where no token looks
            last = torch.tensor([len(row) - 1 for row in rows], device=model.device)
            logits = model(input_ids=ids).logits[torch.arange(len(rows), device=model.device), last]
            found.append(logits.float().cpu())
        return torch.cat(found)

    def mass(self, model: Any, heads: Sequence[str]) -> float:
        """The mean probability, among all tokens, that the model writes one of the methods' first tokens by itself."""
        return float(self.logits(model, heads).softmax(-1)[:, self.firsts].sum(-1).mean())

    def rollout(self, prompts: Sequence[str], trainer: Any) -> dict[str, Any]:
        """A completion for each prompt (as often as it stands there): trl's `rollout_func`.

        Only the drawn token and the solution count as the policy's (`env_mask` 1).
        """
        model = trainer.accelerator.unwrap_model(trainer.model)
        distinct = list(dict.fromkeys(prompts))
        by_head = dict(zip(distinct, self.chances(model, distinct), strict=True))
        drawn = torch.multinomial(torch.stack([by_head[prompt] for prompt in prompts]), 1).squeeze(1).tolist()
        names = [list(self.tails)[place] for place in drawn]
        heads = [self.encoded(prompt) for prompt in prompts]
        asked = [head + self.tokens[name] for head, name in zip(heads, names, strict=True)]
        written, _ = trainer._generate_single_turn(asked, None, {}, trainer.num_generations)  # as trl samples by itself
        put_in = [[1] + [0] * (len(self.tokens[name]) - 1) for name in names]
        return {
            "prompt_ids": heads,
            "completion_ids": [self.tokens[name] + own for name, own in zip(names, written, strict=True)],
            "logprobs": None,
            "env_mask": [mask + [1] * len(own) for mask, own in zip(put_in, written, strict=True)],
            "method": names,
        }


def even_offsets(chances: Tensor) -> Tensor:
    """Offsets (M) by which each method is drawn as often as the others, on average over prompts. chances: (B, M) without."""
    logits, offsets = chances.log(), torch.zeros(chances.shape[1])
    for _ in range(TURNS):
        offsets = offsets - (logits + offsets).softmax(-1).mean(0).log()
    return offsets - offsets.mean()
