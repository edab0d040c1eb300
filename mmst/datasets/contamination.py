"""Training problems that are also tested on: by equal words, by runs of words that both have (as in arXiv 2005.14165), and by
the same with other numbers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from mmst.answers.number_words import is_number_word
from mmst.types import Problem

WORD = re.compile(r"\d+(?:\.\d+)?|[^\W\d_]+")
NGRAM = 13
"""Words in a row. Numbers are words: the same story with other numbers is another problem, of the same template."""
NUMBER = "#"
"""Stands for one number or more in a row: `1,250`, `1 / 2` and `twenty-five` are one."""


@dataclass(frozen=True, slots=True)
class Contamination:
    """What training problems have in common with those of other splits and data sets, by their ids: training -> test."""

    problems: int
    """Training problems that were looked at."""
    repeated: dict[str, str] = field(default_factory=dict)
    """Those whose words stand in a test problem."""
    templates: dict[str, str] = field(default_factory=dict)
    """Further ones that are a test problem with other numbers."""
    left_out: int = 0
    """How many are not trained on."""

    @property
    def counts(self) -> dict[str, int]:
        """As results hold it."""
        return {
            "problems": self.problems,
            "repeated": len(self.repeated),
            "templates": len(self.templates),
            "left_out": self.left_out,
        }


def contaminated(train: Sequence[Problem], tests: Iterable[Problem], ngram: int | None = NGRAM) -> Contamination:
    """Which training problems repeat a test problem, and which have its template.

    Two problems repeat each other if their words are equal, or if both have the same `ngram` words in a row. One that is
    shorter than `ngram` words counts as a whole: it is repeated where another is equal to it. Templates are compared in the
    same two ways with every number masked; a run of words then has `ngram` words that are no numbers.

    ngram: None compares whole problems only.
    """
    known = list(tests)
    repeated = _matches(train, known, lambda problem: _grams(problem, ngram))
    others = [problem for problem in train if problem.id not in repeated]
    return Contamination(len(train), repeated, _matches(others, known, lambda problem: _template_grams(problem, ngram)))


def _matches(
    train: Iterable[Problem], tests: Iterable[Problem], grams: Callable[[Problem], Iterator[tuple[str, ...]]]
) -> dict[str, str]:
    seen: dict[tuple[str, ...], str] = {}
    for problem in tests:
        for gram in grams(problem):
            seen.setdefault(gram, problem.id)
    matched = ((problem.id, next((seen[gram] for gram in grams(problem) if gram in seen), None)) for problem in train)
    return {id: test for id, test in matched if test is not None}


def _grams(problem: Problem, ngram: int | None) -> Iterator[tuple[str, ...]]:
    words = WORD.findall(problem.question.lower())
    yield ("", *words)
    for start in range(len(words) - ngram + 1 if ngram else 0):
        yield tuple(words[start : start + (ngram or 0)])


def _template_grams(problem: Problem, ngram: int | None) -> Iterator[tuple[str, ...]]:
    """The masked words, and runs of them; of a problem without a number there is no other one with other numbers."""
    masked: list[str] = []
    for word in WORD.findall(problem.question.lower()):
        if not is_number_word(word):
            masked.append(word)
        elif masked[-1:] != [NUMBER]:
            masked.append(NUMBER)
    if NUMBER not in masked:
        return
    yield ("", *masked)
    places = [place for place, word in enumerate(masked) if word != NUMBER]
    for first in range(len(places) - ngram + 1 if ngram else 0):
        yield tuple(masked[places[first] : places[first + (ngram or 0) - 1] + 1])
