"""The answer to a sweep's question: the sentences above the page, and the chart of exactly what they compare.

A sweep's file says by which comparisons its question is answered (`sweep.answer`), in their order:

    contrast    the second arm of `contrast` against the first, within each setting
    arms        every arm against the first of `contrast`, the best against the next
    best        at which setting the gain is largest: against the next, and against the default one
    share       what part of the default setting's gain the others lack
    against     each setting against the default one
    trend       how much the gain grows along settings that are numbers
    rounds      the last round against the first
    choosing    policies of the untrained base against the trained arm (`sweep.policies`)

`{best: base}` and `{against: multi}` look at the accuracy of one arm instead of the gain of the contrast, `{contrast: [a, b]}`
at another contrast, `{arms: [a, b]}` at these arms alone. A list in the list is answered in one paragraph, as
`[[best, contrast]]` for a question of two halves. A run that says nothing is answered by what it varies.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mmst.errors import DataError
from mmst.reporting.answers_of_arms import arms_answer, contrast_answer, rounds_answer
from mmst.reporting.answers_of_settings import against_answer, best_answer, share_answer, trend_answer
from mmst.reporting.arms import data_sets, policy_answers
from mmst.reporting.choosing import choosing_answer
from mmst.reporting.question import Answer, Question
from mmst.reporting.runs import ARM_KEY, Sweep

KINDS: dict[str, Callable[[Question], Answer | None]] = {
    "contrast": contrast_answer,
    "arms": arms_answer,
    "best": best_answer,
    "share": share_answer,
    "against": against_answer,
    "trend": trend_answer,
    "rounds": rounds_answer,
    "choosing": choosing_answer,
}
"""How a question can be answered, by the name that a sweep's file has for it."""
BY_ARMS = ("contrast", "arms")
"""Kinds that may be about other arms than the sweep's contrast."""


def answers(sweep: Sweep, dataset: str) -> list[Answer]:
    """What answers a sweep's question on a data set, the first thing first.

    Raises:
        DataError: the sweep's file asks for a kind of answer that there is none of.
    """
    asked = [[_kind(one) for one in (entry if _is_list(entry) else [entry])] for entry in sweep.settings.get("answer") or []]
    found = _made(asked, sweep, dataset) or _made([[Asked(name)] for name in _by_itself(sweep)], sweep, dataset)
    policies = [] if [Asked("choosing")] in asked else policy_answers(sweep, dataset)
    return [*found, *([Answer(policies)] if policies else [])]


def headline(sweep: Sweep) -> list[str]:
    """The answer to the question, in sentences."""
    return [sentence for found in answers(sweep, data_sets(sweep)[0]) for sentence in found.sentences]


@dataclass(frozen=True, slots=True)
class Asked:
    """A kind of answer, and what it looks at where that is not the sweep's contrast; see `Question`."""

    kind: str
    arm: str | None = None
    contrast: tuple[str, ...] = ()
    among: tuple[str, ...] = ()


def _made(asked: Sequence[Sequence[Asked]], sweep: Sweep, dataset: str) -> list[Answer]:
    found: list[Answer] = []
    for together in asked:
        parts = [""] * len(together) if found else halves(sweep.question, len(together))
        pairs = zip(together, parts, strict=True)
        made = [KINDS[one.kind](Question(sweep, dataset, one.arm, one.contrast, one.among, part)) for one, part in pairs]
        found += _together([answer for answer in made if answer is not None])
    return found


def halves(question: str, count: int) -> list[str]:
    """A question as so many, where it joins them by "and"; else as one, and nothing for the others."""
    parts = question.split(", and ")
    whole = [question, *[""] * (count - 1)]
    return [part[:1].upper() + part[1:] for part in parts] if len(parts) == count else whole


def _together(found: Sequence[Answer]) -> list[Answer]:
    """Answers whose first sentences are one paragraph, above all else."""
    if len(found) < 2:
        return list(found)
    lead = " ".join(answer.sentences[0] for answer in found)
    first, *others = (replace(answer, sentences=answer.sentences[1:]) for answer in found)
    return [replace(first, sentences=[lead, *first.sentences]), *others]


def _by_itself(sweep: Sweep) -> list[str]:
    """How a sweep is answered whose file does not say it: by what it varies."""
    if len(sweep.axes) == 1:
        return ["trend", "best", "contrast"] if sweep.settings.get("contrast") else ["arms"]
    alone = len(sweep.settings.get("contrast") or ()) < 2
    varied = len({run.overrides.get(ARM_KEY) for run in sweep.runs}) > 1
    return ["arms"] if alone or varied else ["contrast"]


def _kind(entry: Any) -> Asked:
    """A kind of answer, and what it looks at: an arm's accuracy, two arms, or several."""
    kind, what = next(iter(entry.items())) if isinstance(entry, Mapping) and len(entry) == 1 else (entry, None)
    names = tuple(map(str, what or ())) if _is_list(what) else ()
    if kind not in KINDS or (_is_list(what) and kind not in BY_ARMS) or (names and kind == "contrast" and len(names) != 2):
        raise DataError(f"report: sweep.answer holds {entry!r}; it is a list of {', '.join(KINDS)}.")
    if not names:
        return Asked(str(kind), None if what is None else str(what))
    return Asked(str(kind), contrast=names) if kind == "contrast" else Asked(str(kind), among=names)


def _is_list(entry: Any) -> bool:
    return isinstance(entry, Sequence) and not isinstance(entry, str)
