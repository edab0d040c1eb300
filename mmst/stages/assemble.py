"""Pseudo-labels and translations -> Examples: the training set of one arm.

1. In: the kept rows of each edge of a recipe.
2. A solution that two edges bring to the same problem counts once, for the edge named first.
3. Out: examples (prompt and completion), edges in the recipe's order, each with the id of the row it came from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mmst.methods.edge import Edge
from mmst.methods.method import Method
from mmst.methods.prompt import PromptWriter
from mmst.types import Dropped, DropReason, Example, GradedSample, Problem

VERSION = 1


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
            prompt = writer.solve(problems[row.sample.problem_id], target.format)
            completion = target.format.lead + target.clean(row.sample.completion)
            if (prompt, completion) in seen:
                dropped.append(Dropped(row.sample.id, str(edge), DropReason.DUPLICATE))
                continue
            seen.add((prompt, completion))
            examples.append(Example(row.sample.id, str(edge), row.sample.problem_id, prompt, completion))
    return examples, dropped
