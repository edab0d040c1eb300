"""Prompts as an engine gets them, for reading: `prompts=3`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from rich.text import Text

from mmst.methods.edge import Edge
from mmst.methods.method import Method
from mmst.methods.prompt import PromptWriter, Rendering
from mmst.reporting.progress import CONSOLE
from mmst.stages.translate import hinted
from mmst.training.tokenization import prompt_tokens
from mmst.types import Problem, Prompt

SPECIAL = "bold reverse"
"""How special tokens look."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One prompt under its title."""

    title: str
    prompt: Prompt


def prompts_to_show(
    writer: PromptWriter,
    methods: Mapping[str, Method],
    edges: Sequence[Edge],
    problems: Sequence[Problem],
    hints: bool = False,
) -> Iterator[Shown]:
    """The prompts of some problems: by each method, with a hint where recipes give one, and on each edge that translates."""
    for name, method in methods.items() if hints else ():
        for problem in problems:
            yield _shown(f"{name}, with a hint", problem, writer.solution(hinted(problem, problem.answer), method.format))
    for name, method in methods.items():
        for problem in problems:
            yield _shown(name, problem, writer.solution(problem, method.format))
    for edge in edges:
        if edge.crosses:
            source, target = methods[edge.source], methods[edge.target]
            for problem in problems:
                asked = writer.translation(problem, _solution(problem, source), source.format, target.format)
                yield _shown(str(edge), problem, asked)


def print_prompts(shown: Sequence[Shown], tokenizer: Any | None) -> None:
    """Print prompts whole; their tokens are counted where there is a tokenizer, else they are shown as messages or text."""
    for row in shown:
        text, facts = _served(row.prompt) if tokenizer is None else _tokenized(row.prompt, tokenizer)
        if row.prompt.stop:
            facts = f"{facts}; stops at {', '.join(map(repr, row.prompt.stop))}"
        CONSOLE.print(Text(f"── {row.title} ({facts})"), soft_wrap=True)
        CONSOLE.print(text, soft_wrap=True)


def _shown(title: str, problem: Problem, asked: Rendering) -> Shown:
    return Shown(f"{title}: {problem.id}", asked.prompt(problem.id, ()))


def _solution(problem: Problem, method: Method) -> str:
    """What stands for the solution that a model is going to write."""
    return method.render(problem.derivation) if problem.derivation else f"[a solution by {method.name}]"


def _tokenized(prompt: Prompt, tokenizer: Any) -> tuple[Text, str]:
    """The text of the prompt's tokens, and what is told of them."""
    tokens = prompt_tokens(tokenizer, prompt)
    special = set(tokenizer.all_special_ids) | {
        number for number, token in tokenizer.added_tokens_decoder.items() if token.special
    }
    text = Text()
    for is_special, run in groupby(tokens, special.__contains__):
        said = tokenizer.decode(list(run), skip_special_tokens=False, clean_up_tokenization_spaces=False)
        text.append(said, style=SPECIAL if is_special else "")
    count = sum(token in special for token in tokens)
    ends = tokenizer.decode(tokens[-1:], skip_special_tokens=False, clean_up_tokenization_spaces=False)
    return text, f"{len(tokens)} tokens, {count} of them special; the last is {ends!r}"


def _served(prompt: Prompt) -> tuple[Text, str]:
    if not prompt.chat:
        return Text(prompt.text), f"{len(prompt.text)} characters, by a server"
    turns = [f"<{turn.role}>\n{turn.content}" for turn in prompt.messages]
    return Text("\n".join(turns)), f"{len(turns)} messages, by a server"
