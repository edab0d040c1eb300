"""The method that a question's words speak for: a classifier of the question text for each method.

For each method, a logistic regression on the question's words (TF-IDF, every number as one word) estimates how likely
the method is right; the likeliest method is asked, and no other: a routed answer costs one completion. It is fitted to verdicts
on training problems. Where words do not tell methods apart, it is the best single method.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import log
from typing import Any

import msgspec
import numpy as np

from mmst.policies.case import Case, Choice, Experience
from mmst.policies.policy import Needs, Policy, PolicyError, known
from mmst.policies.single import greedy

NUMBERS = re.compile(r"\d+(?:[.,/:]\d+)*")
NUMBER = "0"
"""What stands for every number: problems differ in them, and methods hardly do."""
WORDS = r"(?u)\b\w+\b"
STEPS = 200
"""The most steps of the fit."""


@dataclass(frozen=True, slots=True)
class Router(Policy):
    """The method that is likeliest to be right, by the question's words."""

    longest: int = 1
    """Words in a row that count as one feature, at the most."""
    least: int = 2
    """Training questions that must hold a feature for it to count."""
    strength: float = 10.0
    """Inverse of the regularization (scikit-learn's C); cross-validated on the embedded world's training problems."""
    learns = True

    def __post_init__(self) -> None:
        for name in ("longest", "least", "strength"):
            if getattr(self, name) <= 0:
                raise PolicyError(f"policy.router.{name}={getattr(self, name)} must be above 0.")

    @property
    def name(self) -> str:
        """As its file."""
        return "router"

    def needs(self, methods: Sequence[str]) -> Needs:
        """Verdicts of two methods at the least."""
        if len(methods) < 2:
            raise PolicyError(f"policy=router needs two methods, and there is {', '.join(methods)} alone; add one to solvers.")
        return Needs(experience=True)

    def fit(self, experience: Experience | None) -> RouterModel:
        """Fit a classifier to each method's verdicts."""
        found = known(self.name, experience, list(experience.judged) if experience else ())
        words, features = _bag(found.questions, self.longest, self.least)
        made = {m: fitted(features, found.right[m], found.judged[m], self.strength) for m in found.judged}
        vocabulary = sorted(words.vocabulary_, key=words.vocabulary_.__getitem__)
        return RouterModel(
            found.model,
            self.longest,
            vocabulary,
            [float(x) for x in words.idf_],
            {method: weights for method, (weights, _) in made.items()},
            {method: bias for method, (_, bias) in made.items()},
        )

    def restore(self, saved: Any) -> RouterModel:
        """The classifiers that were fitted."""
        return msgspec.convert(saved, RouterModel)


@dataclass(frozen=True)
class RouterModel:
    """A fitted router, as plain numbers."""

    model: str
    """The key of the checkpoint whose verdicts it was fitted to."""
    longest: int
    vocabulary: list[str]
    idf: list[float]
    weights: dict[str, list[float]]
    """Method -> a weight for each word of the vocabulary: above 0 where it speaks for the method."""
    bias: dict[str, float]

    def choose(self, cases: Sequence[Case]) -> list[Choice]:
        """Greedy answers of the likeliest method; confidence is how likely it is right."""
        chances = self.chances([case.question for case in cases])
        methods = list(self.weights)
        best = np.argmax(chances, axis=1) if len(cases) else []
        chosen = [
            (case, greedy(case, methods[place]), row[place]) for case, place, row in zip(cases, best, chances, strict=True)
        ]
        return [Choice.of(case, attempt, [attempt], float(chance)) for case, attempt, chance in chosen]

    def chances(self, questions: Sequence[str]) -> np.ndarray:
        """How likely each method is right on each question: P x M, methods in the order of `weights`."""
        from scipy.special import expit

        if not questions:
            return np.zeros((0, len(self.weights)))
        scores = self._words.transform(questions) @ np.array(list(self.weights.values())).T
        return np.asarray(expit(scores + np.array(list(self.bias.values()))))

    @cached_property
    def _words(self) -> Any:
        words = _vectorizer(self.longest, 1, {word: place for place, word in enumerate(self.vocabulary)})
        words.idf_ = np.array(self.idf)
        return words


def _vectorizer(longest: int, least: int, vocabulary: Mapping[str, int] | None = None) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(
        preprocessor=_plain,
        token_pattern=WORDS,
        ngram_range=(1, longest),
        min_df=least,
        sublinear_tf=True,
        vocabulary=vocabulary,
    )


def _bag(questions: Sequence[str], longest: int, least: int) -> tuple[Any, Any]:
    """The fitted vectorizer, and the questions as rows; with fewer words than asked for, as many as there are."""
    for attempt in (_vectorizer(longest, least), _vectorizer(longest, 1)):
        try:
            return attempt, attempt.fit_transform(questions)
        except ValueError:  # no word is in enough questions
            continue
    constant = _vectorizer(1, 1, {NUMBER: 0})
    return constant, constant.fit_transform(questions)


def _plain(question: str) -> str:
    return NUMBERS.sub(NUMBER, question.lower())


def fitted(features: Any, right: Sequence[int], judged: Sequence[int], strength: float) -> tuple[list[float], float]:
    """Weights and bias of one method's classifier; each question counts once, shared among its right and wrong answers."""
    from scipy.sparse import issparse, vstack
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    share = np.divide(right, judged, out=np.zeros(len(judged)), where=np.array(judged) > 0)
    hits, misses = (np.flatnonzero((np.array(judged) > 0) & (part > 0)) for part in (share, 1 - share))
    if not len(hits) or not len(misses):  # there is nothing to tell apart
        n, k = sum(judged), sum(right)
        return [0.0] * features.shape[1], log((k + 0.5) / (n - k + 0.5))
    both = [features[hits], features[misses]]
    rows = vstack(both) if issparse(features) else np.concatenate(both)
    labels = np.repeat([1, 0], [len(hits), len(misses)])
    weights = np.concatenate([share[hits], 1 - share[misses]])
    with threadpool_limits(1):  # threads that fight over a busy core cost more than they gain
        model = LogisticRegression(C=strength, max_iter=STEPS).fit(rows, labels, sample_weight=weights)
    return [float(x) for x in model.coef_[0]], float(model.intercept_[0])
