"""Answers of the kinds `best`, `share`, `against` and `trend`: settings against each other (`mmst.reporting.headline`)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from mmst.reporting.arms import Cell
from mmst.reporting.charts import line_chart
from mmst.reporting.effects import Effect, effect, ratio, slope
from mmst.reporting.question import Answer, Compared, Question, basis, capital, percent_of, told, with_power

LOGARITHMIC_FROM = 8
"""How many times the largest setting is the smallest one from where on doublings are what counts."""


def best_answer(asked: Question) -> Answer | None:
    """The setting at which most is gained, against the next and against the default."""
    found = _effects(asked)
    if len(found) < 2:
        return None
    best, after, *_ = sorted(found, key=lambda name: -found[name].cell.value)
    rivals = {"the next and default" if after == asked.default else "the next": after}
    if asked.default is not None and asked.default not in (best, after):
        rivals["the default"] = asked.default
    ahead = {role: row for role, name in rivals.items() if (row := asked.between(best, name)) is not None}
    what = f"gain {asked.looked_at}" if " - " in asked.looked_at else asked.looked_at
    size = _size(asked)(found[best])
    on = basis(found[best], asked.methods)
    compared = [
        f"{'more than' if row.sign > 0 else 'not reliably more than'} {role}, {asked.name(rivals[role])} ({told(row)})"
        for role, row in ahead.items()
    ]
    default = "; it is the default" if best == asked.default else ""
    sentence = f"With {asked.name(best)} the {what} is largest, {size} {on}: {', and '.join(compared)}{default}."
    if ahead and all(row.sign == 0 for row in ahead.values()):
        sentence = f"No {asked.varied} is best as far as this size can show. {sentence}"
    rows = [_setting_row(asked, name, row) for name, row in found.items() if asked.arm is None]
    rows += [Compared(f"{asked.name(best)} - {asked.name(rivals[role])}", row, _arm_of(asked)) for role, row in ahead.items()]
    rows = list({row.label: row for row in rows}.values())
    return Answer(with_power([sentence], [row for row in rows if " - " in row.label] or rows), asked.looked_at, rows)


def against_answer(asked: Question) -> Answer | None:
    """Each setting against the default one."""
    default = asked.default
    if default is None or len(asked.settings) < 2:
        return None
    found = _effects(asked)
    apart = {n: row for n in found if n != default and (row := asked.between(n, default)) is not None}
    if not apart or default not in found:
        return None
    size = _size(asked)
    words = {1: "more", -1: "less", 0: "no difference that this size can show"}
    clauses = [f"with {asked.name(n)} {size(found[n])}, {words[row.sign]} ({told(row)})" for n, row in apart.items()]
    signs = {row.sign for row in apart.values()}
    on = basis(found[default], asked.methods)
    word = asked.yes_no(signs.pop()) if len(signs) == 1 else ""
    sentence = f"{word}{asked.looked_at} is {size(found[default])} with {asked.name(default)} {on}; {'; '.join(clauses)}."
    rows = [_setting_row(asked, name, row) for name, row in found.items() if asked.arm is None]
    rows += [Compared(f"{asked.name(n)} - {asked.name(default)}", row, _arm_of(asked)) for n, row in apart.items()]
    return Answer(with_power([capital(sentence)], rows[-len(apart) :]), asked.looked_at, rows)


def trend_answer(asked: Question) -> Answer | None:
    """How much the gain grows along settings that are numbers."""
    places = {name: place for name in asked.settings if (place := asked.place(name)) is not None}
    if len(set(places.values())) < 2 or len(places) < len(asked.settings):
        return None
    order = sorted(places, key=lambda name: places[name])
    logarithmic = places[order[0]] > 0 and places[order[-1]] / places[order[0]] >= LOGARITHMIC_FROM
    scale: Callable[[float], float] = math.log2 if logarithmic else float
    found = slope([scale(places[name]) for name in order], [asked.settings[name] for name in order])
    effects = _effects(asked)
    cells = {name: effects[name] for name in order if name in effects}
    if found is None or len(cells) < 2:
        return None
    what, ends = asked.looked_at, f"from {asked.name(order[0])} to {asked.name(order[-1])}"
    words = {1: f"{what} grows {ends}", -1: f"{what} shrinks {ends}", 0: f"no trend of {what} {ends} that this size can show"}
    line = "the line of least squares" + (" over doublings" if logarithmic else "")
    first, last = (cells.get(name) for name in (order[0], order[-1]))
    between = f"; it is {told(first)} at the first and {told(last)} at the last" if first and last else ""
    on = basis(found, asked.methods)
    sentence = f"{asked.yes_no(found.sign)}{words[found.sign]}: {told(found)} along {line}, {on}{between}."
    rows = [_setting_row(asked, name, row) for name, row in cells.items()]
    rows.append(Compared(f"trend {ends}", found, _arm_of(asked)))
    line_of = {_arm_of(asked): [(places[name], row.cell) for name, row in cells.items()]}
    gained = asked.arm is None
    unit, colours = "points" if gained else "% right", asked.sweep.colours
    chart = line_chart({what: line_of}, asked.varied, unit, logarithmic, colours=colours, zero=gained)
    return Answer(with_power([capital(sentence)], rows[-1:]), what, rows, chart)


def share_answer(asked: Question) -> Answer | None:
    """What part of the gain at the default setting is not there at the others, of which the least one comes first."""
    default, found = asked.default, _effects(asked)
    if default is None or default not in found or asked.arm is not None:
        return None
    others = sorted((name for name in found if name != default), key=lambda name: asked.place(name) or 0.0)
    shares = {name: ratio(asked.settings[name], asked.settings[default], asked.methods) for name in others}
    parts = {name: cell for name, cell in shares.items() if cell is not None}
    apart = {name: row for name in others if (row := asked.between(default, name)) is not None}
    if not parts or len(parts) < len(others) or len(apart) < len(others):
        return None
    least = parts[others[0]]
    gone = replace(least, value=1 - least.value, low=1 - least.high, high=1 - least.low)
    there = ", ".join(f"{told(found[n])} with {asked.name(n)} ({whole_percent(parts[n])} of it)" for n in reversed(others))
    sentence = (
        f"{whole_percent(gone)} of the gain comes with the {asked.varied}, from {asked.value(others[0])} to "
        f"{asked.value(default)}: {asked.looked_at} is {told(found[default])} with {asked.name(default)}, {there}, "
        f"{basis(found[default], asked.methods)}."
    )
    rows = [_setting_row(asked, name, row) for name, row in found.items()]
    less = [Compared(f"{asked.name(default)} - {asked.name(n)}", row, _arm_of(asked)) for n, row in apart.items()]
    return Answer(with_power([sentence], less), asked.looked_at, [*rows, *less])


def whole_percent(share: Cell) -> str:
    """A share of a gain with its interval."""
    return f"{100 * share.value:.0f}% [{100 * share.low:.0f}, {100 * share.high:.0f}]"


def _effects(asked: Question) -> dict[str, Effect]:
    """What is looked at in each setting."""
    return {name: row for name, terms in asked.settings.items() if (row := effect(terms, asked.methods)) is not None}


def _size(asked: Question) -> Callable[[Effect], str]:
    return told if asked.arm is None else percent_of


def _setting_row(asked: Question, name: str, found: Effect) -> Compared:
    return Compared(asked.name(name), found, _arm_of(asked))


def _arm_of(asked: Question) -> str:
    """The arm that settings are settings of."""
    return asked.arm if asked.arm is not None else asked.pairs[0][1].arm
