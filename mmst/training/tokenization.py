"""Texts as tokens, in one way for what is sampled from and what is trained on.

1. A text's tokens are those of its characters: a special token's name in a question is no special token. In what a chat
   template wrote, those outside of the messages' contents are.
2. The first special tokens (beginning of sequence) stand once, whether the template writes them or the tokenizer adds them.
   What a tokenizer adds at the end (end of sequence) stands after completions alone.
3. An example is one text. Its prompt is exactly what is sampled from, its completion what follows in the whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from mmst.types import Example, Message, Prompt

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

ANCHORS = ("\n", ".", "a", "1")
"""What may stand before a text that is no beginning: some tokenizers write a space of their own before a beginning."""
REPLY = "probe-reply"


def prompt_tokens(tokenizer: PreTrainedTokenizerBase, prompt: Prompt) -> list[int]:
    """What an engine is given of a prompt."""
    return encode_prompt(tokenizer, prompt.text, prompt.chat, prompt.messages)


def example_tokens(tokenizer: PreTrainedTokenizerBase, example: Example) -> tuple[list[int], int]:
    """(the tokens of prompt, completion and end, how many of them are the prompt's)."""
    prompt = encode_prompt(tokenizer, example.prompt, example.chat, example.messages)
    said = (*example.messages, Message("assistant", example.completion))
    whole = encode_prompt(tokenizer, example.prompt + example.completion, example.chat, said)
    if whole[: len(prompt)] != prompt:  # a token would straddle the end of the prompt, from which no model could be sampled
        whole = [*prompt, *_following(tokenizer, example.completion)]
    end = turn_end(tokenizer) if example.chat else None
    return [*whole, tokenizer.eos_token_id if end is None else end], len(prompt)


def encode_prompt(
    tokenizer: PreTrainedTokenizerBase, text: str, chat: bool | None = None, messages: Sequence[Message] = ()
) -> list[int]:
    """A prompt's tokens.

    `chat`: whether a template wrote it; None: where it begins with a special token. `messages`: what it was written of.
    """
    first, start = _added_first(tokenizer), text.lstrip()
    if not (start.startswith(tuple(tokenizer.all_special_tokens)) if chat is None else chat):
        return [*first, *_characters(tokenizer, text)]
    begun = bool(first) and start.startswith(str(tokenizer.convert_ids_to_tokens(first[0])))
    return [*(() if begun else first), *_written(tokenizer, text, messages)]


@lru_cache(maxsize=8)
def turn_end(tokenizer: PreTrainedTokenizerBase) -> int | None:
    """The special token that a chat template ends a reply with; None where there is no template, or it does with none."""
    if not tokenizer.chat_template:
        return None
    for content in (REPLY, [{"type": "text", "text": REPLY}]):
        turns: list[dict[str, Any]] = [{"role": "user", "content": content}, {"role": "assistant", "content": content}]
        try:
            text = str(tokenizer.apply_chat_template(turns, tokenize=False))
        except Exception:  # a template of anyone's making: what it cannot take is told where prompts are written
            continue
        tail = text.rpartition(REPLY)[2].lstrip()
        ends = [token for token in tokenizer.all_special_tokens if tail.startswith(token)]
        if ends:
            found: Any = tokenizer.convert_tokens_to_ids(max(ends, key=len))
            return int(found)
    return None


@lru_cache(maxsize=8)
def _added_first(tokenizer: PreTrainedTokenizerBase) -> tuple[int, ...]:
    """The special tokens that a tokenizer adds before a text."""
    bare = list(tokenizer.encode("a", add_special_tokens=False))
    full = list(tokenizer.encode("a", add_special_tokens=True))
    places = (n for n in range(len(full) - len(bare) + 1) if full[n : n + len(bare)] == bare)
    return tuple(full[: next(places, 0)])


def _characters(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    return list(tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True))


def _written(tokenizer: PreTrainedTokenizerBase, text: str, messages: Sequence[Message]) -> list[int]:
    """The tokens of what a template wrote; names of special tokens in the messages are characters."""
    names = re.compile("|".join(map(re.escape, sorted(tokenizer.all_special_tokens, key=len, reverse=True))) or r"(?!)")
    tokens: list[int] = []
    start = 0
    for low, high in _spans(text, messages):
        for found in names.finditer(text, low, high):
            tokens += _piece(tokenizer, text[start : found.start()], start > 0)
            tokens += _following(tokenizer, found.group())
            start = found.end()
    return tokens + _piece(tokenizer, text[start:], start > 0)


def _piece(tokenizer: PreTrainedTokenizerBase, text: str, follows: bool) -> list[int]:
    if not text:
        return []
    return _following(tokenizer, text, split=False) if follows else list(tokenizer.encode(text, add_special_tokens=False))


def _spans(text: str, messages: Sequence[Message]) -> Iterator[tuple[int, int]]:
    """Where the messages' contents stand in what a template wrote of them; one that it changed is nowhere."""
    start = 0
    for message in messages:
        content = message.content.strip()
        place = text.find(content, start)
        if content and place >= 0:
            start = place + len(content)
            yield place, start


def _following(tokenizer: PreTrainedTokenizerBase, text: str, split: bool = True) -> list[int]:
    """The tokens of a text that is no beginning, without a space that it does not have."""

    def encoded(text: str) -> list[int]:
        return list(tokenizer.encode(text, add_special_tokens=False, split_special_tokens=split))

    for anchor in ANCHORS:
        before, whole = encoded(anchor), encoded(anchor + text)
        if whole[: len(before)] == before:
            return whole[len(before) :]
    return encoded(text)
