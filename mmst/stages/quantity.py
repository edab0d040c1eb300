"""How much of what was found stays: examples are counted, or the tokens with a loss, and cut down at random.

1. In: the examples of all edges, what the filter says of quantities, and the examples of an arm to match.
2. How much of each edge stays: `quantities`; or, where the filter sets how often methods disagree, `disputed`.
3. Out: which examples stay.
"""

from __future__ import annotations

import logging
import random
from array import array
from collections import Counter
from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress, repeat
from pathlib import Path

from mmst.errors import ConfigError
from mmst.filters.filter import Filter, Quantity
from mmst.ledger.spooled import Spooled
from mmst.training.checkpoint import load_tokenizer
from mmst.training.tokenization import example_tokens
from mmst.types import Example, GradedSample

log = logging.getLogger(__name__)

REPLAY_SLACK = 0.05
"""How far the replayed share may lie from what was asked before it is told."""
FEWEST_OWN = 10
"""Examples of the recipe's own edges that a training set with replayed ones should hold."""


def cut(
    examples: Sequence[Example],
    keep: Filter,
    replayed: Collection[str],
    matched: Iterable[Example] | None,
    checkpoint: Path,
    agreed: Container[str],
    seed: int,
) -> bytearray | None:
    """A mark for each example, 1 where the filter's quantities have room for it; None where they have for all.

    `replayed`: edges that are not the recipe's own. `matched`: the examples of the arm to match. `checkpoint`: whose tokens are
    counted. `agreed`: the problems that all methods solve.
    """
    if not keep.cuts and matched is None and not replayed:
        return None
    have = Amounts.of(examples, keep.match_by, checkpoint)
    goal = None if matched is None else sum(sizes_of(matched, keep.match_by, checkpoint))
    most = quantities(have.by_edge, replayed, keep, goal)
    if keep.disagreement is None:
        kept = cut_down(have, most, seed)
    else:
        inside = bytearray(example.problem_id in agreed for example in examples)
        kept = disputed(have, sum(most.values()), keep.disagreement, inside, seed)
    if replayed:
        _tell_replay(have, kept, replayed, keep.replay)
    return kept


@dataclass(frozen=True, slots=True)
class Amounts:
    """Of each example its edge and how much it counts, in a few bytes."""

    edges: Sequence[str]
    numbers: array[int]
    """Of the edge of each example."""
    sizes: array[int]

    @classmethod
    def of(cls, examples: Iterable[Example], quantity: Quantity, checkpoint: Path) -> Amounts:
        """Gone through twice."""
        found: dict[str, int] = {}
        numbers = array("H", (found.setdefault(example.edge, len(found)) for example in examples))
        return cls(list(found), numbers, array("L", sizes_of(examples, quantity, checkpoint)))

    @property
    def by_edge(self) -> Counter[str]:
        """Edge -> the sum of its examples' sizes."""
        return self.among(repeat(1))

    def among(self, marks: Iterable[int]) -> Counter[str]:
        """The same of the examples that are marked."""
        counts: Counter[str] = Counter()
        for number, size in compress(zip(self.numbers, self.sizes, strict=True), marks):
            counts[self.edges[number]] += size
        return counts


def _tell_replay(have: Amounts, kept: bytearray, replayed: Collection[str], share: float) -> None:
    """Warn where what is replayed is not the share that was asked for, or leaves hardly anything of the recipe's own."""
    amounts = have.among(kept)
    given = sum(size for edge, size in amounts.items() if edge in replayed) / max(1, amounts.total())
    own = sum(have.edges[number] not in replayed for number in compress(have.numbers, kept))
    if abs(given - share) > REPLAY_SLACK or own < FEWEST_OWN:
        log.warning(
            "filter.replay=%s: %.0f%% of the training set is replayed, and %d examples are the recipe's own; "
            "there are too few to replay for more",
            share, 100 * given, own,
        )  # fmt: skip


def sizes_of(examples: Iterable[Example], quantity: Quantity, checkpoint: Path) -> Iterator[int]:
    """How much each example counts."""
    if quantity is Quantity.EXAMPLES:
        yield from (1 for _ in examples)
        return
    tokenizer = load_tokenizer(checkpoint)
    for tokens, prompt in (example_tokens(tokenizer, example) for example in examples):
        yield len(tokens) - prompt


def quantities(have: Mapping[str, int], replayed: Collection[str], keep: Filter, matched: int | None) -> dict[str, float]:
    """How much of each edge stays, of as much as there is.

    1. Balance: every edge of the recipe has as much as the least of them.
    2. Match, share and most: all edges together have at most so much, each in proportion. `matched`: what the matched arm has.
    3. Replay: edges that are not the recipe's own fill their share of the whole, in equal parts, as far as they hold as much;
       where they hold less together, the recipe's own edges are cut too, so that the share is what was asked.
    """
    own: dict[str, float] = {edge: float(amount) for edge, amount in have.items() if edge not in replayed}
    if keep.balance and own:
        own = dict.fromkeys(own, min(own.values()))
    share = keep.replay if replayed else 0.0
    whole = sum(own.values()) / (1 - share)
    goal = min(keep.share * whole, *(limit for limit in (matched, keep.most) if limit is not None), whole)
    scale = goal * (1 - share) / max(1.0, sum(own.values()))
    own = {edge: amount * scale for edge, amount in own.items()}
    others = {edge: float(amount) for edge, amount in have.items() if edge in replayed}
    wanted = sum(own.values()) * share / (1 - share)
    filled = poured(wanted, others)
    if others and (given := sum(filled.values())) < wanted - 1e-9:
        scale = max(given / wanted, min(1.0, FEWEST_OWN / sum(own.values())))
        own = {edge: amount * scale for edge, amount in own.items()}
    return {**own, **filled}


def poured(whole: float, room: Mapping[str, float]) -> dict[str, float]:
    """`whole` in equal parts; what an edge has no room for goes to the others, and what none has room for is lost."""
    parts: dict[str, float] = {}
    left = whole
    for place, edge in enumerate(sorted(room, key=lambda name: room[name])):
        parts[edge] = min(room[edge], left / (len(room) - place))
        left -= parts[edge]
    return {edge: parts[edge] for edge in room}


def disputed(have: Amounts, goal: float, share: float, agreed: bytearray, seed: int) -> bytearray:
    """`goal` of the examples, `share` of them on problems that some methods solve and others do not (not marked in `agreed`).

    Raises:
        ConfigError: there are too few of one of the two kinds: arms that differ in the share would differ in quantity too.
    """
    kept = bytearray(len(agreed))
    others = bytearray(not mark for mark in agreed)
    for kind, part, marks in (("all", 1 - share, agreed), ("only some", share, others)):
        amounts = have.among(marks)
        there = amounts.total()
        if there < part * goal - 1:
            raise ConfigError(
                f"filter.disagreement={share}: {part * goal:.0f} of the training set's {goal:.0f} would have to be on problems "
                f"that {kind} methods solve, and there are {there}; set filter.most to at most {int(there / part)}."
            )
        scale = min(1.0, part * goal / max(1, there))
        cut_down(have, {edge: amount * scale for edge, amount in amounts.items()}, seed, marks, kept)
    return kept


def cut_down(
    have: Amounts, most: Mapping[str, float], seed: int, among: bytearray | None = None, kept: bytearray | None = None
) -> bytearray:
    """Marks for examples of each edge, drawn at random, up to `most[edge]` of the sizes' sum.

    among: the examples that are drawn from; None: all. kept: to which the marks are added; None: none yet.
    """
    count = len(have.sizes)
    kept = bytearray(count) if kept is None else kept
    for edge, limit in most.items():
        own = have.edges.index(edge) if edge in have.edges else -1
        places = array("q", (n for n, number in enumerate(have.numbers) if number == own and (among is None or among[n])))
        random.Random(f"{seed}/{edge}").shuffle(places)
        total = 0.0
        for n in places:
            total += have.sizes[n]
            if total > limit + 1e-9:
                break
            kept[n] = 1
    return kept


def within_tokens(
    rows: Iterable[GradedSample], first: int, budget: float, seed: int, folder: Path | None = None
) -> Spooled[GradedSample]:
    """The `first` samples of each problem, and of the others, drawn at random, those that a budget has room for.

    rows: gone through twice. budget: of completion tokens, the first samples' included. In their order.
    """
    tokens, kept = array("L"), bytearray()
    for row in rows:
        tokens.append(row.sample.completion_tokens)
        kept.append(row.sample.index < first)
    left = budget - sum(compress(tokens, kept))
    others = array("q", (n for n, mark in enumerate(kept) if not mark))
    random.Random(f"{seed}/tokens").shuffle(others)
    for n in others:
        left -= tokens[n]
        if left < 0:
            break
        kept[n] = 1
    return Spooled(GradedSample, folder, compress(rows, kept))
