"""The few-shot exemplars that many examples begin with: in a packed row they stand once, for all its examples."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Sequence

from mmst.training.batches import TokenRow, common_length
from mmst.training.token_rows import ChosenRows

SHORTEST_SHARED_PREFIX = 64
"""Tokens. Prompts with equal exemplars agree in more, and others hardly ever in so many."""
FEWEST_SHARING = 8
"""Examples: a row is filled from those that share its prefix, and few of them fill no rows."""


def with_shared_prefixes(rows: Sequence[TokenRow]) -> Sequence[TokenRow]:
    """The rows, each with how many first tokens it shares with all that begin as it does; in their order.

    At least one token of every prompt is its own: a label is predicted by the token before it.
    """
    alike: dict[bytes, array[int]] = defaultdict(lambda: array("q"))
    for number, row in enumerate(rows):
        starts = {part.tokens[:SHORTEST_SHARED_PREFIX] for part in row.parts}
        if len(starts) == 1 and min(part.prompt_length for part in row.parts) > SHORTEST_SHARED_PREFIX:
            alike[array("q", starts.pop()).tobytes()].append(number)
    shared = array("q", bytes(8 * len(rows)))
    for numbers in alike.values():
        if len(numbers) >= FEWEST_SHARING:
            length = _shared_by(rows, numbers)
            for number in numbers:
                shared[number] = length
    return ChosenRows(rows, range(len(rows)), shared=shared) if any(shared) else rows


def _shared_by(rows: Sequence[TokenRow], numbers: Sequence[int]) -> int:
    """How many first tokens all of these rows have in common; a row at a time."""
    first = last = rows[numbers[0]].tokens
    shortest = len(first)
    for number in numbers:
        for part in rows[number].parts:
            first, last = min(first, part.tokens), max(last, part.tokens)
            shortest = min(shortest, part.prompt_length)
    return min(common_length([first, last]), shortest - 1)
