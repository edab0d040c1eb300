"""A sweep's question, and what answers it: comparisons with intervals, in a sentence, a chart and a table of exactly these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from mmst.reporting.arm_style import KNOWN
from mmst.reporting.arms import Arm, arms_of, contrasts
from mmst.reporting.charts import INCHES_A_LETTER, LABELS_WIDTH, for_any_width, interval_chart
from mmst.reporting.effects import Effect, Term, effect, method_words, shared_methods
from mmst.reporting.part import Table, p_value, percent, points
from mmst.reporting.runs import Sweep
from mmst.statistics.paired import holm
from mmst.statistics.power import ALPHA

ASKED = ("Does ", "Do ", "Is ", "Are ", "Should ", "Can ")
"""How a question begins that is answered by yes or no."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One comparison of an answer: what is compared, in words, and the arm whose colour it has."""

    label: str
    effect: Effect
    arm: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What answers a question, or a part of it."""

    sentences: Sequence[str]
    title: str = ""
    """What the numbers of the chart are."""
    rows: Sequence[Compared] = ()
    chart: str = ""
    """Made of the rows, where it is not given."""

    def drawn(self, colours: Mapping[str, int] | None = None) -> str:
        """The chart, as SVG, in the colours of the page's arms."""
        if self.chart or not self.rows:
            return self.chart
        cells = [(row.label, {self.title: row.effect.cell}) for row in self.rows]
        arms = [row.arm for row in self.rows]
        wide = INCHES_A_LETTER * max(len(row.label) for row in self.rows) > LABELS_WIDTH
        return for_any_width(lambda stacked: interval_chart(cells, "points", True, arms, stacked, colours), wide)

    def table(self) -> Table:
        """The numbers of the chart."""
        rows = [
            [
                row.label,
                points(row.effect.cell),
                "" if row.effect.visible is None else f"{100 * row.effect.visible:.1f}",
                str(len(row.effect.cell.by_seed)),
                f"{row.effect.cell.n:,}",
            ]
            for row in self.rows
        ]
        return Table([self.title, "points [95%]", "would show from", "seeds", "n"], rows, SHOWN if rows else "")


SHOWN = "Would show from: the smallest true difference that so many seeds (of one seed: problems) find four times in five."


@dataclass(frozen=True)
class Question:
    """A sweep's question on one data set, and the arms that answer it."""

    sweep: Sweep
    dataset: str
    arm: str | None = None
    """The arm whose accuracy is looked at; None: the gain of the contrast is."""
    contrast: Sequence[str] = ()
    """The contrast that is looked at, where it is not the sweep's."""
    among: Sequence[str] = ()
    """The arms that are compared, where it is not all of them."""
    asks: str = ""
    """The question, or the half of it, that this answers by yes or no; empty for what stands below the first answer."""
    arms: Sequence[Arm] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "arms", arms_of(self.sweep, self.dataset))

    @cached_property
    def pairs(self) -> list[tuple[Arm, Arm]]:
        """The pairs of the contrast, one for each setting or arm."""
        return contrasts(self.sweep, self.arms, self.contrast)

    @cached_property
    def settings(self) -> dict[str, list[Term]]:
        """Setting -> what is looked at in it."""
        if self.arm is not None:
            return {arm.variant: [(1.0, arm)] for arm in self.arms if arm.arm == self.arm and arm.variant}
        return {b.variant: [(1.0, b), (-1.0, a)] for a, b in self.pairs if b.variant}

    @property
    def looked_at(self) -> str:
        """What is looked at, in words."""
        if self.arm is not None:
            return f"accuracy of {self.arm}"
        a, b = self.pairs[0]
        return f"{b.arm} - {a.arm}"

    @property
    def default(self) -> str | None:
        """The setting that the sweep's file calls the default one."""
        value = self.sweep.settings.get("default")
        return next((name for name in self.settings if str(value) == _value(name)), None)

    @property
    def varied(self) -> str:
        """What is varied, in a word."""
        return str(self.sweep.settings.get("varies") or " and ".join(axis.rpartition(".")[2] for axis in self.sweep.axes))

    def value(self, setting: str) -> str:
        """A setting's value alone, of one key."""
        return _value(setting)

    def place(self, setting: str) -> float | None:
        """A setting as a number: its own, or the one that the sweep's file gives it."""
        value = _value(setting)
        try:
            return float((self.sweep.settings.get("values") or {}).get(value, value))
        except (TypeError, ValueError):
            return None

    def name(self, setting: str) -> str:
        """A setting as one reads it: with the number that the sweep's file gives it, if it does."""
        varies, value = self.sweep.settings.get("varies"), _value(setting)
        if not varies or len(self.sweep.axes) != 1:
            return setting
        number = (self.sweep.settings.get("values") or {}).get(value)
        return f"{varies} {value}" if number is None else f"{value} ({number} {varies})"

    def between(self, first: str, second: str) -> Effect | None:
        """How much more is at the first setting than at the second."""
        terms = [*self.settings[first], *((-weight, arm) for weight, arm in self.settings[second])]
        return effect(terms, self.methods)

    @cached_property
    def methods(self) -> list[str]:
        """The methods that all arms which are looked at have."""
        return shared_methods([arm for terms in self.settings.values() for _, arm in terms])

    def yes_no(self, sign: int) -> str:
        """The word that a question of yes or no begins its answer with."""
        if not self.asks.startswith(ASKED):
            return ""
        return {1: "Yes: ", -1: "No: ", 0: ""}[sign]


def _value(setting: str) -> str:
    return setting.partition("=")[2]


def told(found: Effect) -> str:
    """An effect as points with its interval."""
    return points(found.cell).replace(" [", " points [")


def could_show(found: Sequence[Effect]) -> str:
    """What these comparisons would have shown, as a sentence; nothing where it is not known."""
    seen = sorted(100 * row.visible for row in found if row.visible is not None)
    if not seen:
        return ""
    least, most = f"{seen[0]:.1f}", f"{seen[-1]:.1f}"
    return f"Differences from {least if least == most else f'{least} to {most}'} points on would show, four times in five."


def basis(found: Effect, methods: Sequence[str]) -> str:
    """What numbers are on."""
    seeds = len(found.cell.by_seed)
    return f"on {method_words(methods)}, {seeds} {'seeds' if seeds > 1 else 'seed'}, n = {found.cell.n:,}"


def percent_of(found: Effect) -> str:
    """An accuracy with its interval."""
    return f"{percent(found.cell)}% right"


def by_sign(rows: Sequence[Compared], names: Mapping[str, str], better: str, worse: str) -> str:
    """Comparisons as clauses: those that are better, those that are worse, and those of which this size cannot tell."""
    clauses = []
    for sign, start in ((1, better), (-1, worse), (0, "no difference that this size can show")):
        listed = ", ".join(f"{names[row.label]} {points(row.effect.cell)}" for row in rows if row.effect.sign == sign)
        clauses += [f"{start}: {listed}"] if listed else []
    return "; ".join(clauses)


def with_power(sentences: Sequence[str], rows: Sequence[Compared]) -> list[str]:
    """The sentences; after the first, what a correction leaves of several comparisons; last, what else could have shown."""
    hidden = [row.effect for row in rows if row.effect.sign == 0]
    return [*sentences[:1], *filter(None, [corrected(rows)]), *sentences[1:], *filter(None, [could_show(hidden)])]


def corrected(rows: Sequence[Compared]) -> str:
    """What Holm's correction leaves of several comparisons, as a sentence; nothing where there are none to correct."""
    tested = [(row, row.effect.p) for row in rows if row.effect.p is not None]
    if len(tested) < 2 or not any(row.effect.sign for row, _ in tested):
        return ""
    found = zip(tested, holm([p for _, p in tested]), strict=True)
    starts = {row.label.rpartition(", ")[0] for row, _ in tested}
    shared = f"{starts.pop()}, " if len(starts) == 1 and "" not in starts else ""
    apart = sorted(((p, row.label.removeprefix(shared)) for (row, _), p in found if row.effect.sign), key=lambda pair: pair[0])
    kept, lost = ([f"{label} ({p_value(p)})" for p, label in apart if (p < ALPHA) == below] for below in (True, False))
    start = f"Intervals are of one comparison each; after Holm's correction for these {len(tested)}, p"
    if not kept:
        return f"{start} is below {ALPHA} for none of them: {', '.join(lost)}."
    return f"{start} is below {ALPHA} for {', '.join(kept)}{'; not for ' if lost else ''}{', '.join(lost)}."


def capital(sentence: str) -> str:
    """A sentence with its first letter as a capital; a name that is code, such as `self_both`, stays."""
    word = sentence.split(" ", 1)[0]
    return sentence if "_" in word or word in KNOWN else sentence[:1].upper() + sentence[1:]
