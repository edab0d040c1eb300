"""How much of what was found stays: examples are counted, or the tokens with a loss, and cut down at random.

1. In: the examples of all edges, what the filter says of quantities, and the examples of an arm to match.
2. How much of each edge stays: `quantities`; or, where the filter sets how often methods disagree, `disputed`.
3. Out: the examples that stay, in their order, and the others as surplus.
"""

from __future__ import annotations

import logging
import random
from collections import Counter
from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from pathlib import Path

from mmst.errors import ConfigError
from mmst.filters.filter import Filter, Quantity
from mmst.training.checkpoint import load_tokenizer
from mmst.training.tokenization import example_tokens
from mmst.types import Dropped, DropReason, Example, GradedSample

log = logging.getLogger(__name__)

REPLAY_SLACK = 0.05
"""How far the replayed share may lie from what was asked before it is told."""
FEWEST_OWN = 10
"""Examples of the recipe's own edges that a training set with replayed ones should hold."""


def cut(
    examples: Sequence[Example],
    keep: Filter,
    replayed: Collection[str],
    matched: Sequence[Example] | None,
    checkpoint: Path,
    agreed: Container[str],
    seed: int,
) -> tuple[list[Example], list[Dropped]]:
    """The examples that the filter's quantities have room for, and the others.

    `replayed`: edges that are not the recipe's own. `matched`: the examples of the arm to match. `checkpoint`: whose tokens are
    counted. `agreed`: the problems that all methods solve.
    """
    if not keep.cuts and matched is None and not replayed:
        return list(examples), []
    sizes = sizes_of(examples, keep.match_by, checkpoint)
    goal = None if matched is None else sum(sizes_of(matched, keep.match_by, checkpoint))
    most = quantities(amounts(examples, sizes), replayed, keep, goal)
    if keep.disagreement is None:
        kept = cut_down(examples, sizes, most, seed)
    else:
        kept = disputed(examples, sizes, sum(most.values()), keep.disagreement, agreed, seed)
    left = {(example.id, example.edge) for example in kept}
    if replayed:
        of_kept = [size for e, size in zip(examples, sizes, strict=True) if (e.id, e.edge) in left]
        _tell_replay(kept, of_kept, replayed, keep.replay)
    return kept, [Dropped(e.id, e.edge, DropReason.SUBSAMPLED) for e in examples if (e.id, e.edge) not in left]


def _tell_replay(kept: Sequence[Example], sizes: Sequence[int], replayed: Collection[str], share: float) -> None:
    """Warn where what is replayed is not the share that was asked for, or leaves hardly anything of the recipe's own."""
    whole = sum(sizes)
    given = sum(size for example, size in zip(kept, sizes, strict=True) if example.edge in replayed) / max(1, whole)
    own = sum(example.edge not in replayed for example in kept)
    if abs(given - share) > REPLAY_SLACK or own < FEWEST_OWN:
        log.warning(
            "filter.replay=%s: %.0f%% of the training set is replayed, and %d examples are the recipe's own; "
            "there are too few to replay for more",
            share, 100 * given, own,
        )  # fmt: skip


def sizes_of(examples: Sequence[Example], quantity: Quantity, checkpoint: Path) -> list[int]:
    """How much each example counts."""
    if quantity is Quantity.EXAMPLES:
        return [1] * len(examples)
    tokenizer = load_tokenizer(checkpoint)
    return [len(tokens) - prompt for tokens, prompt in (example_tokens(tokenizer, example) for example in examples)]


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


def disputed(
    examples: Sequence[Example], sizes: Sequence[int], goal: float, share: float, agreed: Container[str], seed: int
) -> list[Example]:
    """`goal` of the examples, `share` of them on problems that some methods solve and others do not (not in `agreed`).

    Raises:
        ConfigError: there are too few of one of the two kinds: arms that differ in the share would differ in quantity too.
    """
    kept: list[Example] = []
    for kind, part, inside in (("all", 1 - share, True), ("only some", share, False)):
        rows = [(e, size) for e, size in zip(examples, sizes, strict=True) if (e.problem_id in agreed) is inside]
        have = sum(size for _, size in rows)
        if have < part * goal - 1:
            raise ConfigError(
                f"filter.disagreement={share}: {part * goal:.0f} of the training set's {goal:.0f} would have to be on problems "
                f"that {kind} methods solve, and there are {have}; set filter.most to at most {int(have / part)}."
            )
        scale = min(1.0, part * goal / max(1, have))
        most = {edge: amount * scale for edge, amount in amounts([e for e, _ in rows], [n for _, n in rows]).items()}
        kept += cut_down([e for e, _ in rows], [n for _, n in rows], most, seed)
    order = {(example.id, example.edge): n for n, example in enumerate(examples)}
    return sorted(kept, key=lambda example: order[example.id, example.edge])


def cut_down(examples: Sequence[Example], sizes: Sequence[int], most: Mapping[str, float], seed: int) -> list[Example]:
    """Examples of each edge, drawn at random, up to `most[edge]` of the sizes' sum; in their order."""
    kept: set[int] = set()
    for edge, limit in most.items():
        places = [n for n, example in enumerate(examples) if example.edge == edge]
        random.Random(f"{seed}/{edge}").shuffle(places)
        total = 0.0
        for n in places:
            total += sizes[n]
            if total > limit + 1e-9:
                break
            kept.add(n)
    return [example for n, example in enumerate(examples) if n in kept]


def within_tokens(rows: Iterable[GradedSample], first: int, budget: float, seed: int) -> list[GradedSample]:
    """The `first` samples of each problem, and of the others, drawn at random, those that a budget has room for.

    budget: of completion tokens, the first samples' included. In their order.
    """
    rows = list(rows)
    kept = {n for n, row in enumerate(rows) if row.sample.index < first}
    left = budget - sum(rows[n].sample.completion_tokens for n in kept)
    others = [n for n in range(len(rows)) if n not in kept]
    random.Random(f"{seed}/tokens").shuffle(others)
    for n in others:
        left -= rows[n].sample.completion_tokens
        if left < 0:
            break
        kept.add(n)
    return [row for n, row in enumerate(rows) if n in kept]


def amounts(examples: Sequence[Example], sizes: Sequence[int]) -> Counter[str]:
    """Edge -> the sum of its examples' sizes."""
    counts: Counter[str] = Counter()
    for example, size in zip(examples, sizes, strict=True):
        counts[example.edge] += size
    return counts
