"""What can be doubted of a model without its weights, in the second before a run: nothing is said where all is well."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mmst.methods.prompt import PromptFormat, PromptWriter, Rendering
from mmst.samplers.lengths import positions
from mmst.training.tokenization import encode_prompt, prompt_tokens, turn_end
from mmst.types import Message, Problem

READ = 8
"""Of each method, so many of the longest prompts are tokenized."""
SOLUTIONS = ("def solution():\n    return 12", "The answer is 12.", "x = 12\n\nanswer = x")


def doubts(
    tokenizer: Any,
    config: Any,
    writer: PromptWriter,
    formats: Mapping[str, PromptFormat],
    problems: Sequence[Problem],
    max_tokens: int,
) -> Iterator[str]:
    """A sentence for each thing that is not as it should be. `formats`: of each method, by its name."""
    if not problems:
        return
    asked = {name: _longest(writer, form, problems) for name, form in formats.items()}
    yield from _ends(tokenizer, config, writer.chat is not None)
    for name, renderings in asked.items():
        yield from _boundary(tokenizer, name, renderings[0])
        yield from _stops(tokenizer, name, renderings[0].stop)
        yield from _begun(tokenizer, name, renderings[0])
    yield from _changes(tokenizer)
    yield from _positions(config, tokenizer, asked, max_tokens)


def _longest(writer: PromptWriter, form: PromptFormat, problems: Sequence[Problem]) -> list[Rendering]:
    by_length = sorted(problems, key=lambda problem: len(problem.statement), reverse=True)
    return [writer.solution(problem, form) for problem in by_length[:READ]]


def _ends(tokenizer: Any, config: Any, chat: bool) -> Iterator[str]:
    known = int(config.get_text_config().vocab_size)
    for token in (tokenizer.bos_token_id, tokenizer.eos_token_id, turn_end(tokenizer) if chat else None):
        if token is not None and token >= known:
            yield (
                f"the tokenizer's {tokenizer.convert_ids_to_tokens(token)!r} is token {token}, and the model has embeddings of "
                f"{known}; take the tokenizer that the model was trained with"
            )
    if chat and turn_end(tokenizer) is None:
        yield (
            "the chat template ends a reply with no special token, so replies may go on to the limit of tokens; "
            "mend the template, or set model.chat=false"
        )


def _boundary(tokenizer: Any, name: str, rendering: Rendering) -> Iterator[str]:
    """What is sampled from must be the beginning of what is trained on."""
    prompt = prompt_tokens(tokenizer, rendering.prompt("", (0,)))
    for solution in SOLUTIONS:
        said = (*rendering.messages, Message("assistant", solution))
        whole = encode_prompt(tokenizer, rendering.text + rendering.lead + solution, rendering.chat, said)
        if whole[: len(prompt)] != prompt:
            yield (
                f"prompts by {name} end within a token of what follows ({rendering.text[-12:]!r} and {solution[:3]!r}); "
                "what is sampled may begin oddly"
            )
            return


def _stops(tokenizer: Any, name: str, stops: Sequence[str]) -> Iterator[str]:
    """A tokenizer that cannot write a stop string never ends there."""
    lost = [stop for stop in stops if stop not in tokenizer.decode(encode_prompt(tokenizer, f"a{stop} b"))]
    if lost:
        yield (
            f"the tokenizer cannot write {', '.join(map(repr, lost))}, where completions by {name} stop, so they go on to the "
            "limit of tokens; choose a model whose tokenizer keeps line breaks"
        )


def _begun(tokenizer: Any, name: str, rendering: Rendering) -> Iterator[str]:
    """A prompt that ends a text is gone on with by another text."""
    last = prompt_tokens(tokenizer, rendering.prompt("", (0,)))[-1:]
    if last == [tokenizer.eos_token_id]:
        yield (
            f"prompts by {name} end in {tokenizer.eos_token!r}, the end of a text, so what follows is another text; mend the "
            "template, or set model.chat=false"
        )


def _changes(tokenizer: Any) -> Iterator[str]:
    """Letters that a tokenizer cannot write are in no completion."""
    for solution in SOLUTIONS:
        written = tokenizer.decode(tokenizer.encode(solution, add_special_tokens=False))
        if "".join(solution.split()) not in "".join(written.split()):
            yield (
                f"the tokenizer makes {written[:24]!r} of {solution[:24]!r}, so no completion is written as it should be; "
                "choose a model whose tokenizer keeps all characters"
            )
            return


def _positions(config: Any, tokenizer: Any, asked: Mapping[str, Sequence[Rendering]], max_tokens: int) -> Iterator[str]:
    most = positions(config)
    if most is None:
        return
    lengths = {
        name: max(len(prompt_tokens(tokenizer, rendering.prompt("", (0,)))) for rendering in renderings)
        for name, renderings in asked.items()
    }
    name = max(lengths, key=lengths.__getitem__)
    if lengths[name] + max_tokens > most:
        yield (
            f"the longest prompt, by {name}, has {lengths[name]} tokens, with {max_tokens} to come, and the model has {most} "
            "positions; lower model.shots or model.max_tokens"
        )
