"""Pseudo-labels and translations -> Examples: the training set of one arm.

1. In: the kept rows of each edge of a recipe.
2. A solution that two edges bring to the same problem counts once, for the edge named first.
3. Out: examples (prompt and completion), edges in the recipe's order, each with the id of the row it came from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path

from mmst.ledger.hashes import Seen, text_hash
from mmst.ledger.spooled import Spooled
from mmst.methods.edge import Edge
from mmst.methods.method import Method
from mmst.methods.prompt import PromptWriter, Rendering
from mmst.methods.reasoning import split_reasoning
from mmst.types import Dropped, DropReason, Example, GradedSample, Problem

VERSION = 4
TOGETHER = 1_000
"""Examples that are looked up at once among those before them."""


def assemble(
    kept: Mapping[Edge, Iterable[GradedSample]],
    problems: Mapping[str, Problem],
    methods: Mapping[str, Method],
    writer: PromptWriter,
    folder: Path | None = None,
) -> tuple[Spooled[Example], Spooled[Dropped]]:
    """Examples of all edges, without repetition. folder: see `Spooled`."""
    examples, dropped = Spooled(Example, folder), Spooled(Dropped, folder)
    seen = Seen()
    for edge, rows in kept.items():
        made = _examples(edge, rows, problems, methods[edge.target], writer)
        while part := list(islice(made, TOGETHER)):
            new = seen.new([text_hash(f"{example.prompt}\0{example.completion}") for example in part])
            for example, is_new in zip(part, new, strict=True):
                if is_new:
                    examples.append(example)
                else:
                    dropped.append(Dropped(example.id, example.edge, DropReason.DUPLICATE))
    return examples, dropped


def _examples(
    edge: Edge, rows: Iterable[GradedSample], problems: Mapping[str, Problem], target: Method, writer: PromptWriter
) -> Iterator[Example]:
    """One of each row. Rows of one problem come together, mostly: it is asked once."""
    name, problem = str(edge), None
    asked: Rendering | None = None
    for row in rows:
        if asked is None or row.sample.problem_id != problem:
            problem = row.sample.problem_id
            asked = writer.solution(problems[problem], target.format)
        completion = completion_text(row.sample.completion, target, asked)
        yield Example(row.sample.id, name, problem, asked.text, completion, asked.messages, asked.chat)


def completion_text(sampled: str, method: Method, asked: Rendering) -> str:
    """What is trained on of what was sampled: the solution where the prompt leads up to one, and before it the reasoning, where
    the method wants that.
    """
    reasoning, solution = split_reasoning(sampled)
    if reasoning and method.format.train_reasoning:
        return f"{reasoning}\n\n{method.clean(solution)}"
    return asked.lead + method.clean(solution)
