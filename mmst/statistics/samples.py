"""Scores of several samples of a problem: whether some of them is right, and whether their vote is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import comb


def pass_at_k(samples: int, right: int, k: int) -> float:
    """The chance that one of `k` samples is right, given that `right` of `samples` are: unbiased.

    Chen et al. 2021, arXiv 2107.03374, equation 1; in whole numbers, hence exact.

    Raises:
        ValueError: there are fewer samples than `k`, or more right ones than samples.
    """
    if not 1 <= k <= samples or not 0 <= right <= samples:
        raise ValueError(f"pass@{k} needs at least {k} samples and at most as many right ones; got {right} of {samples}")
    return 1 - comb(samples - right, k) / comb(samples, k)


def vote(answers: Sequence[str | None]) -> tuple[str, ...]:
    """The answers that most samples give, which are several where there is a tie. None gives no vote; () where nobody votes."""
    counts = Counter(answer for answer in answers if answer is not None)
    most = max(counts.values(), default=0)
    return tuple(answer for answer, count in counts.items() if count == most)


def maj_at_k(answers: Sequence[str | None], gold: str) -> float:
    """The chance that the vote is right, where ties are broken at random (self-consistency; Wang et al., arXiv 2203.11171).

    Answers are canonical texts: equal answers are equal texts.
    """
    top = vote(answers)
    return top.count(gold) / len(top) if top else 0.0
