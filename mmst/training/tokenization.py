"""Texts as tokens, in one way for what is sampled from and what is trained on.

1. A text's tokens are those of its characters: a special token's name in a question is no special token. In what a chat
   template wrote, those outside of the messages' contents are.
2. The first special tokens (beginning of sequence) stand once, whether the template writes them or the tokenizer adds them.
   What a tokenizer adds at the end (end of sequence) stands after completions alone.
3. An example is one text. Its prompt is exactly what is sampled from, its completion what follows in the whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from mmst.answers.thinking import BEGINS, CHANNELS, ENDS
from mmst.errors import ModelError
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
    said = (*example.messages, *_between_marks(tokenizer, example.completion))
    whole = encode_prompt(tokenizer, example.prompt + example.completion, example.chat, said)
    if whole[: len(prompt)] != prompt:  # a token would straddle the end of the prompt, from which no model could be sampled
        whole = [*prompt, *_following(tokenizer, example.completion)]
    end = turn_end(tokenizer) if example.chat else None
    return [*whole, tokenizer.eos_token_id if end is None else end], len(prompt)


def completion_text(tokenizer: PreTrainedTokenizerBase, tokens: Sequence[int]) -> str:
    """What a model wrote: without special tokens, but for those that mark its reasoning."""
    marks = reasoning_marks(tokenizer)
    if not marks.intersection(tokens):
        return str(tokenizer.decode(list(tokens), skip_special_tokens=True))
    special = _ids(tokenizer, special_names(tokenizer)) - marks
    return str(tokenizer.decode([token for token in tokens if token not in special], skip_special_tokens=False))


@lru_cache(maxsize=8)
def reasoning_marks(tokenizer: PreTrainedTokenizerBase) -> frozenset[int]:
    """The special tokens that mark reasoning, such as Magistral's `[THINK]` and gpt-oss's channels; most models' are none."""
    names = special_names(tokenizer)
    told = [name for name in names if BEGINS.fullmatch(name) or ENDS.fullmatch(name)]
    told += [name for marks in CHANNELS for name in marks if marks[0] in names and name in names]
    return _ids(tokenizer, told)


def _ids(tokenizer: PreTrainedTokenizerBase, names: Iterable[str]) -> frozenset[int]:
    found: Any = tokenizer.convert_tokens_to_ids(list(names))
    return frozenset(found)


def encode_prompt(
    tokenizer: PreTrainedTokenizerBase, text: str, chat: bool | None = None, messages: Sequence[Message] = ()
) -> list[int]:
    """A prompt's tokens.

    `chat`: whether a template wrote it; None: where it begins with a special token. `messages`: what it was written of.
    """
    first, start = _added_first(tokenizer), text.lstrip()
    if not (start.startswith(special_names(tokenizer)) if chat is None else chat):
        return [*first, *_characters(tokenizer, text)]
    begun = bool(first) and start.startswith(str(tokenizer.convert_ids_to_tokens(first[0])))
    return [*(() if begun else first), *_written(tokenizer, text, messages)]


@lru_cache(maxsize=8)
def special_names(tokenizer: PreTrainedTokenizerBase) -> tuple[str, ...]:
    """The names of all special tokens: those with a role, such as EOS, and those that are so by their flag alone, as the turns'
    marks of Gemma 3, Phi 3 and Llama 3 are.
    """
    flagged = (str(token) for token in tokenizer.added_tokens_decoder.values() if token.special)
    return tuple(dict.fromkeys((*tokenizer.all_special_tokens, *flagged)))


@lru_cache(maxsize=8)
def turn_end(tokenizer: PreTrainedTokenizerBase) -> int | None:
    """The one token that a chat template ends a reply with; None where there is no template, or it does with none."""
    if not tokenizer.chat_template:
        return None
    for turns in _probes():
        try:
            text = str(tokenizer.apply_chat_template(turns, tokenize=False))
        except Exception:  # a template of anyone's making: what it cannot take is told where prompts are written
            continue
        tail = text.rpartition(REPLY)[2].lstrip()
        names = (*special_names(tokenizer), *map(str, tokenizer.added_tokens_decoder.values()))
        ends = [token for token in names if token and tail.startswith(token)]
        if ends:
            found: Any = tokenizer.convert_tokens_to_ids(max(ends, key=len))
            return int(found)
    return None


def _probes() -> Iterator[list[dict[str, Any]]]:
    """Conversations with a reply: alone, after a system message that some templates ask for, before a further question."""
    for text in (lambda said: said, lambda said: [{"type": "text", "text": said}]):
        system, user, reply = ({"role": role, "content": text(REPLY)} for role in ("system", "user", "assistant"))
        last = {"role": "user", "content": text("probe-last")}
        yield from ([user, reply], [system, user, reply], [user, reply, last], [system, user, reply, last])


@lru_cache(maxsize=8)
def _added_first(tokenizer: PreTrainedTokenizerBase) -> tuple[int, ...]:
    """The special tokens that a tokenizer adds before a text."""
    bare = list(tokenizer.encode("a", add_special_tokens=False))
    full = list(tokenizer.encode("a", add_special_tokens=True))
    places = (n for n in range(len(full) - len(bare) + 1) if full[n : n + len(bare)] == bare)
    return tuple(full[: next(places, 0)])


def refuse_unknown(tokenizer: PreTrainedTokenizerBase, rows: Iterable[Sequence[int]], known: int) -> None:
    """Refuse tokens that a model has no embeddings of. A tokenizer may have more than its model, as Gemma 3's, if no text does.

    `known`: how many it has embeddings of.

    Raises:
        ModelError: names the first.
    """
    found = next((token for row in rows for token in row if token >= known), None)
    if found is not None:
        raise ModelError(
            f"model: the tokenizer's {tokenizer.convert_ids_to_tokens(found)!r} is token {found}, and the model has embeddings "
            f"of {known}; take the tokenizer that the model was trained with."
        )


def _between_marks(tokenizer: PreTrainedTokenizerBase, completion: str) -> list[Message]:
    """A completion as contents, between which its marks of reasoning are tokens: a template wrote them, or the model did."""
    marks = [str(tokenizer.convert_ids_to_tokens(mark)) for mark in reasoning_marks(tokenizer)]
    parts = re.split("|".join(map(re.escape, marks)), completion) if marks else [completion]
    return [Message("assistant", part) for part in parts]


def _characters(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    return list(tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True))


def _written(tokenizer: PreTrainedTokenizerBase, text: str, messages: Sequence[Message]) -> list[int]:
    """The tokens of what a template wrote; names of special tokens in the messages are characters."""
    names = re.compile("|".join(map(re.escape, sorted(special_names(tokenizer), key=len, reverse=True))) or r"(?!)")
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
    if follows:
        return _following(tokenizer, text, split=False)
    return list(tokenizer.encode(text, add_special_tokens=False, split_special_tokens=False))


def _spans(text: str, messages: Sequence[Message]) -> list[tuple[int, int]]:
    """Where the messages' contents stand in what a template wrote of them; one that it changed is nowhere.

    Most stand in their order; Mistral's templates put the system message into the last turn.
    """
    said = [message.content.strip() for message in messages if message.content.strip()]
    spans = list(_in_order(text, said))
    if len(spans) < len(said) and messages[0].role == "system":
        spans = list(_in_order(text, said[1:]))
        low = text.find(said[0])
        high = low + len(said[0])
        if low >= 0 and all(high <= start or end <= low for start, end in spans):
            spans.append((low, high))
    return sorted(spans)


def _in_order(text: str, contents: Sequence[str]) -> Iterator[tuple[int, int]]:
    start = 0
    for content in contents:
        place = text.find(content, start)
        if place >= 0:
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
