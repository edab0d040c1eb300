"""How models mark what they think before they answer: one list for all that read completions."""

from __future__ import annotations

import re

TAGS = r"think|thinking|thought|thoughts|seed:think|reasoning|scratchpad|reflection"
"""Names of tags, as alternatives of a pattern."""
_ENDS = (
    rf"</(?:{TAGS}|analysis)>|\[/THINK\]|<\|end_of_thought\|>(?:\s*<\|begin_of_solution\|>)?|\u25c1/think\u25b7"
    r"|<\|END_THINKING\|>|<\|channel\|>final<\|message\|>|<channel\|>"
)
_BEGINS = (
    rf"<(?:{TAGS})>|\[THINK\]|<\|begin_of_thought\|>|\u25c1think\u25b7"
    r"|<\|START_THINKING\|>|<\|channel\|>analysis<\|message\|>|<\|channel>thought"
)
ENDS = re.compile(_ENDS, re.IGNORECASE)
BEGINS = re.compile(_BEGINS, re.IGNORECASE)
SIGNS = ("</", "<t", "<T", "<r", "<R", "<s", "<S", "<|", "<channel|>", "THINK]", "\u25c1")
"""Without any of these there is no thinking."""
CHANNELS = (("<|channel|>", "<|message|>", "<|start|>", "<|end|>"), ("<|channel>", "<channel|>"))
"""What gpt-oss and Gemma 4 say each part of a reply by: special tokens, of which the first is no other model's."""
CLOSED_BY = {
    "[THINK]": "[/THINK]",
    "<|begin_of_thought|>": "<|end_of_thought|>",
    "\u25c1think\u25b7": "\u25c1/think\u25b7",
    "<|START_THINKING|>": "<|END_THINKING|>",
    "<|channel>thought": "<channel|>",
    "<|channel|>analysis<|message|>": "<|end|><|start|>assistant<|channel|>final<|message|>",
}
"""What ends a block, where that is no tag of the same name."""


def without_thinking(text: str) -> str:
    """What is said after the thinking; nothing where it never ends."""
    if not any(map(text.__contains__, SIGNS)):
        return text
    text = text[thinking_ends(text) :]
    begun = BEGINS.search(text)
    return text if begun is None else text[: begun.start()]


def thinking_ends(text: str) -> int:
    """The place after the last end of thinking; 0 where there is none."""
    if not any(map(text.__contains__, SIGNS)):
        return 0
    return max((found.end() for found in ENDS.finditer(text)), default=0)


def closing(opening: str) -> str:
    """What ends a block that begins so."""
    return CLOSED_BY.get(opening, f"</{opening[1:]}")
