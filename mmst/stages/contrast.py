"""Examples and wrong samples -> Contrasted: what stands beside what, for objectives that compare.

1. In: the examples of an arm, and the wrong samples of the methods that it trains.
2. Pairs: a problem's examples by a method, each beside a wrong solution by the same method, in turn. `within`: the method's own
   right samples; `across`: what was translated into it from another method (a program's verified translation beside the
   method's own wrong text); `both`.
3. Alone: the examples are the right solutions, and the wrong ones join them; each stands beside the solution of another
   problem, by which is measured what is likely by chance.
4. Out: in the examples' order. Nothing here is random, and no sample is cut or run on.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from mmst.methods.edge import ARROW, Contrast, Edge
from mmst.methods.method import Method
from mmst.methods.prompt import PromptWriter
from mmst.stages.assemble import completion_text
from mmst.types import Contrasted, Example, FinishReason, GradedSample, Problem

Wrong = Mapping[tuple[str, str], Mapping[str, Example]]
"""(method, problem) -> the wrong solution's text -> an example of it."""


def wrong_solutions(
    rows: Mapping[str, Iterable[GradedSample]],
    is_wrong: Callable[[GradedSample], bool],
    problems: Mapping[str, Problem],
    methods: Mapping[str, Method],
    writer: PromptWriter,
    most: int,
) -> Wrong:
    """The distinct wrong solutions by method and problem, the first `most`, as they would be trained on.

    rows: method -> its samples.
    """
    found: dict[tuple[str, str], dict[str, Example]] = defaultdict(dict)
    for name, samples in rows.items():
        method = methods[name]
        for row in samples:
            sample = row.sample
            if sample.finish is not FinishReason.STOP or not is_wrong(row):
                continue
            asked = writer.solution(problems[sample.problem_id], method.format)
            text = completion_text(sample.completion, method, asked)
            made = Example(sample.id, str(Edge(name, name)), sample.problem_id, asked.text, text, asked.messages, asked.chat)
            if len(solutions := found[name, sample.problem_id]) < most:
                solutions.setdefault(text, made)
    return found


def pairs(examples: Sequence[Example], wrong: Wrong, how: Contrast, most: int) -> list[Contrasted]:
    """Right beside wrong, `most` of a problem and method at most."""
    chosen: dict[tuple[str, str], list[Example]] = defaultdict(list)
    for example in examples:
        source, target = _methods(example)
        if how is Contrast.BOTH or (how is Contrast.WITHIN) == (source == target):
            chosen[target, example.problem_id].append(example)
    found: list[Contrasted] = []
    for place, right in chosen.items():
        others = list(wrong.get(place, {}).values())
        for n in range(min(most, max(len(right), len(others))) if others else 0):
            other = others[n % len(others)]
            found.append(Contrasted(right[n % len(right)], other.completion, other.id))
    return found


def each_alone(examples: Sequence[Example], wrong: Wrong, most: int) -> list[Contrasted]:
    """Right and wrong solutions, `most` wrong ones of a problem and method at most, each beside another problem's solution."""
    targets = {_methods(example)[1] for example in examples}
    refused = [
        (example, False)
        for (method, _), solutions in wrong.items()
        if method in targets
        for example in list(solutions.values())[:most]
    ]
    rows = [*((example, True) for example in examples), *refused]
    beside = _of_others([example for example, _ in rows])
    return [
        Contrasted(example, other.completion, other.id, right)
        for (example, right), other in zip(rows, beside, strict=True)
        if other is not None
    ]


def _of_others(examples: Sequence[Example]) -> list[Example | None]:
    """For each example one by the same method of another problem; None where there is none."""
    found: dict[int, Example] = {}
    by_method: dict[str, list[int]] = defaultdict(list)
    for number, example in enumerate(examples):
        by_method[_methods(example)[1]].append(number)
    for numbers in by_method.values():
        ring = sorted(numbers, key=lambda number: (_place(examples[number].problem_id), number))
        for position, number in enumerate(ring):
            ahead = (ring[(position + step) % len(ring)] for step in range(1, len(ring)))
            other = next((n for n in ahead if examples[n].problem_id != examples[number].problem_id), None)
            if other is not None:
                found[number] = examples[other]
    return [found.get(number) for number in range(len(examples))]


def _place(problem: str) -> bytes:
    return hashlib.sha256(problem.encode()).digest()


def _methods(example: Example) -> tuple[str, str]:
    source, _, target = example.edge.partition(f" {ARROW} ")
    return source, target
