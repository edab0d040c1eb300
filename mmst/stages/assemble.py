"""Pseudo-labels and translations -> Examples: the training set of one arm.

1. In: the kept rows of each edge of a recipe.
2. A solution that two edges bring to the same problem counts once, for the edge named first.
3. Out: examples (prompt and completion), edges in the recipe's order, each with the id of the row it came from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mmst.methods.edge import Edge
from mmst.methods.method import Method
from mmst.methods.prompt import PromptWriter, Rendering
from mmst.methods.reasoning import split_reasoning
from mmst.types import Dropped, DropReason, Example, GradedSample, Problem

VERSION = 4


def assemble(
    kept: Mapping[Edge, Sequence[GradedSample]],
    problems: Mapping[str, Problem],
    methods: Mapping[str, Method],
    writer: PromptWriter,
) -> tuple[list[Example], list[Dropped]]:
    """Examples of all edges, without repetition."""
    examples: list[Example] = []
    dropped: list[Dropped] = []
    seen: set[tuple[str, str]] = set()
    for edge, rows in kept.items():
        target = methods[edge.target]
        for row in rows:
            asked = writer.solution(problems[row.sample.problem_id], target.format)
            completion = completion_text(row.sample.completion, target, asked)
            if (asked.text, completion) in seen:
                dropped.append(Dropped(row.sample.id, str(edge), DropReason.DUPLICATE))
                continue
            seen.add((asked.text, completion))
            problem = row.sample.problem_id
            examples.append(Example(row.sample.id, str(edge), problem, asked.text, completion, asked.messages, asked.chat))
    return examples, dropped


def completion_text(sampled: str, method: Method, asked: Rendering) -> str:
    """What is trained on of what was sampled: the solution where the prompt leads up to one, and before it the reasoning, where
    the method wants that.
    """
    reasoning, solution = split_reasoning(sampled)
    if reasoning and method.format.train_reasoning:
        return f"{reasoning}\n\n{method.clean(solution)}"
    return asked.lead + method.clean(solution)
