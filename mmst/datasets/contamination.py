"""Training problems that are also tested on: by equal words, and by runs of words that both have (as in arXiv 2005.14165)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from mmst.types import Problem

WORD = re.compile(r"\d+(?:\.\d+)?|[^\W\d_]+")
NGRAM = 13
"""Words in a row. Numbers are words: the same story with other numbers is another problem."""


def contaminated(train: Sequence[Problem], tests: Iterable[Problem], ngram: int = NGRAM) -> dict[str, str]:
    """Id of a training problem -> id of a test problem that it repeats.

    Two problems repeat each other if their words are equal, or if both have the same `ngram` words in a row. One that is
    shorter than `ngram` words counts as a whole: it is repeated where another is equal to it.
    """
    seen: dict[tuple[str, ...], str] = {}
    for problem in tests:
        for gram in _grams(problem, ngram):
            seen.setdefault(gram, problem.id)
    found = {}
    for problem in train:
        match = next((seen[gram] for gram in _grams(problem, ngram) if gram in seen), None)
        if match is not None:
            found[problem.id] = match
    return found


def _grams(problem: Problem, ngram: int) -> Iterator[tuple[str, ...]]:
    words = WORD.findall(problem.question.lower())
    yield ("", *words)
    for start in range(len(words) - ngram + 1):
        yield tuple(words[start : start + ngram])
