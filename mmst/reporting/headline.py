"""The answer to a sweep's question: the sentences above the page, and the chart of exactly what they compare.

A sweep's file says by which comparisons its question is answered (`sweep.answer`), in their order:

    contrast    the second arm of `contrast` against the first, within each setting
    arms        every arm against the first of `contrast`, the best against the next
    best        at which setting the gain is largest: against the next, and against the default one
    against     each setting against the default one
    trend       how much the gain grows along settings that are numbers
    rounds      the last round against the first
    choosing    policies of the untrained base against the trained arm (`sweep.policies`)

`{best: base}` and `{against: multi}` look at the accuracy of one arm instead of the gain of the contrast. A run that says
nothing is answered by what it varies.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mmst.errors import DataError
from mmst.reporting.answers_of_arms import arms_answer, contrast_answer, rounds_answer
from mmst.reporting.answers_of_settings import against_answer, best_answer, trend_answer
from mmst.reporting.arms import data_sets, policy_answers
from mmst.reporting.choosing import choosing_answer
from mmst.reporting.question import Answer, Question
from mmst.reporting.runs import ARM_KEY, Sweep

KINDS: dict[str, Callable[[Question], Answer | None]] = {
    "contrast": contrast_answer,
    "arms": arms_answer,
    "best": best_answer,
    "against": against_answer,
    "trend": trend_answer,
    "rounds": rounds_answer,
    "choosing": choosing_answer,
}
"""How a question can be answered, by the name that a sweep's file has for it."""


def answers(sweep: Sweep, dataset: str) -> list[Answer]:
    """What answers a sweep's question on a data set, the first thing first.

    Raises:
        DataError: the sweep's file asks for a kind of answer that there is none of.
    """
    asked = [_kind(entry) for entry in sweep.settings.get("answer") or []]
    found = _made(asked, sweep, dataset) or _made([(name, None) for name in _by_itself(sweep)], sweep, dataset)
    policies = [] if ("choosing", None) in asked else policy_answers(sweep, dataset)
    return [*found, *([Answer(policies)] if policies else [])]


def headline(sweep: Sweep) -> list[str]:
    """The answer to the question, in sentences."""
    return [sentence for found in answers(sweep, data_sets(sweep)[0]) for sentence in found.sentences]


def _made(asked: list[tuple[str, str | None]], sweep: Sweep, dataset: str) -> list[Answer]:
    found: list[Answer] = []
    for kind, arm in asked:
        answer = KINDS[kind](Question(sweep, dataset, arm, leads=not found))
        found += [answer] if answer is not None else []
    return found


def _by_itself(sweep: Sweep) -> list[str]:
    """How a sweep is answered whose file does not say it: by what it varies."""
    if len(sweep.axes) == 1:
        return ["trend", "best", "contrast"] if sweep.settings.get("contrast") else ["arms"]
    alone = len(sweep.settings.get("contrast") or ()) < 2
    varied = len({run.overrides.get(ARM_KEY) for run in sweep.runs}) > 1
    return ["arms"] if alone or varied else ["contrast"]


def _kind(entry: Any) -> tuple[str, str | None]:
    """A kind of answer, and the arm whose accuracy it looks at."""
    pair = next(iter(entry.items())) if isinstance(entry, Mapping) and len(entry) == 1 else (entry, None)
    kind, arm = pair
    if kind not in KINDS:
        raise DataError(f"report: sweep.answer holds {entry!r}; it is a list of {', '.join(KINDS)}.")
    return str(kind), None if arm is None else str(arm)
