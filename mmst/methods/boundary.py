"""Where a prompt ends, so that what a model is sampled from and what it is trained on are the same tokens.

Many tokenizers have a token for a cue's last character with the line break after it (of cl100k, Qwen and Llama 3).
A prompt that ends in `Program:` would take that token away from such a model, which then goes on as it never would.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Protocol

from mmst.methods.prompt import Boundary

BEFORE = "Question: 1 + 1?\n"
BEGINNINGS = ("def f", "The", "import", "1 + 1", "x = 1", "$5", "(3", "\u00e9t\u00e9", "# a", "So,", "```", "\u7b54")
"""How solutions begin."""


class Encoder(Protocol):
    """What is asked of a tokenizer."""

    def encode(self, text: str, *, add_special_tokens: bool) -> Sequence[int]:
        """A text's tokens."""


def boundary_of(tokenizer: Encoder) -> Boundary:
    """How much of a lead belongs to the prompt, for no token to straddle its end; none where each end is straddled."""

    @cache
    def taken(cue: str, lead: str) -> int:
        return next((count for count in range(len(lead) + 1) if _is_clean(tokenizer, cue + lead[:count], lead[count:])), 0)

    return taken


def line_breaks(cue: str, lead: str) -> int:
    """The boundary where a server's tokenizer is not known: a line break after a cue is the prompt's, a space is not."""
    return len(lead) - len(lead.lstrip("\n"))


def _is_clean(tokenizer: Encoder, prompt: str, lead: str) -> bool:
    """Whether the prompt's tokens are the first ones of every text that goes on from it."""
    tokens = list(tokenizer.encode(BEFORE + prompt, add_special_tokens=False))
    wholes = (tokenizer.encode(BEFORE + prompt + lead + begun, add_special_tokens=False) for begun in BEGINNINGS)
    return all(list(whole[: len(tokens)]) == tokens for whole in wholes)
