"""Answers of the kinds `contrast`, `arms` and `rounds`: arms against each other (`mmst.reporting.headline`)."""

from __future__ import annotations

from collections.abc import Sequence

from mmst.methods.edge import BASE_ARM
from mmst.reporting.arm_style import arm_order
from mmst.reporting.arms import Arm, arms_of
from mmst.reporting.effects import gain, shared_methods
from mmst.reporting.question import Answer, Compared, Question, basis, by_sign, capital, told, with_power


def contrast_answer(asked: Question) -> Answer | None:
    """The contrast within each setting."""
    rows = [
        Compared(f"{b.arm} - {a.arm}" + (f", {asked.name(b.variant)}" if b.variant else ""), found, b.arm)
        for a, b in asked.pairs
        if (found := gain(a, b)) is not None
    ]
    if not rows:
        return None
    a, b = asked.pairs[0]
    on = basis(rows[0].effect, _methods(asked.pairs))
    signs = {row.effect.sign for row in rows}
    if len(rows) == 1:
        found = rows[0].effect
        words = {1: f"{b.arm} is better than {a.arm}, {told(found)}", -1: f"{b.arm} is worse than {a.arm}, {told(found)}"}
        sentence = words.get(found.sign, f"no difference that this size can show: {b.arm} - {a.arm} is {told(found)}")
        return Answer(with_power([capital(f"{asked.yes_no(found.sign)}{sentence} {on}.")], rows), "difference", rows)
    names = {row.label: asked.name(pair[1].variant) or pair[1].arm for row, pair in zip(rows, asked.pairs, strict=False)}
    parts = by_sign(rows, names, f"{b.arm} is better than {a.arm}", f"worse than {a.arm}")
    word = asked.yes_no(signs.pop()) if len(signs) == 1 else ""
    return Answer(with_power([capital(f"{word}{parts} (points {on}).")], rows), "difference", rows)


def _methods(pairs: Sequence[tuple[Arm, Arm]]) -> list[str]:
    """The methods that all pairs are compared on; none where these differ."""
    each = [shared_methods(pair) for pair in pairs]
    return each[0] if all(methods == each[0] for methods in each) else []


def arms_answer(asked: Question) -> Answer | None:
    """Every arm against one, and the best against the next."""
    first = (asked.sweep.settings.get("contrast") or (BASE_ARM,))[0]
    pairs = [(a, b) for a, b in asked.pairs if a.arm == first] or asked.pairs
    pairs = [(a, b) for a, b in pairs if not asked.among or b.arm in asked.among]
    found = [(Compared(b.label, row, b.arm), b) for a, b in pairs if (row := gain(a, b)) is not None]
    if not found:
        return None
    if len(asked.pairs) == 1:
        return contrast_answer(asked)
    signs = {row.effect.sign for row, _ in found}
    rows = [row for row, _ in found]
    reference = pairs[0][0]
    found.sort(key=lambda pair: -pair[0].effect.cell.value)
    names = {row.label: row.label for row in rows}
    by_value = [row for row, _ in found]
    better = [row for row in by_value if row.effect.sign > 0]
    on = basis(rows[0].effect, shared_methods([reference, found[0][1]]))
    worse = f"{'each is ' if signs == {-1} and len(found) > 1 else ''}worse than {reference.arm}"
    clauses = by_sign(by_value, names, f"better than {reference.arm}", worse)
    none = "" if better or signs == {-1} else f"no arm is reliably better than {reference.arm}; "
    word = asked.yes_no(1) if better else asked.yes_no(-1) if signs == {-1} else ""
    others = "of the others: " if asked.among and not asked.asks else ""
    sentences = [capital(f"{word}{others}{none}{clauses} (points {on}).")]
    extra: list[Compared] = []
    if better and len(found) > 1:
        (best, best_arm), (after, next_arm) = found[:2]
        ahead = gain(next_arm, best_arm)
        if ahead is not None:
            extra = [Compared(f"{best.label} - {after.label}", ahead, best.arm)]
            verb = "is ahead of" if ahead.sign > 0 else "cannot be told apart at this size from"
            sentences.append(f"The best, {best.label}, {verb} the next, {after.label}: {told(ahead)}.")
    shown = sorted(rows, key=lambda row: arm_order(row.label))
    return Answer(with_power(sentences, rows), f"arm - {reference.arm}", [*shown, *extra])


def rounds_answer(asked: Question) -> Answer | None:
    """The last round against the first, in each setting; and the settings' last rounds against each other."""
    arms = arms_of(asked.sweep, asked.dataset, every_round=True)
    courses: dict[str, list[Arm]] = {}
    for arm in sorted((arm for arm in arms if arm.arm != BASE_ARM), key=lambda arm: arm.round):
        courses.setdefault(arm.label, []).append(arm)
    rows = [
        Compared(f"{course[-1].label}: round {course[-1].round} - round {course[0].round}", found, course[0].arm)
        for course in courses.values()
        if len(course) > 1 and (found := gain(course[0], course[-1])) is not None
    ]
    if not rows:
        return None
    names = {row.label: row.label for row in rows}
    methods = shared_methods([course[-1] for course in courses.values()])
    better = f"{asked.yes_no(1)}further rounds add"
    sentences = [capital(f"{by_sign(rows, names, better, 'they cost')} (points {basis(rows[0].effect, methods)}).")]
    lasts = [course[-1] for course in courses.values()]
    pairs = [(a, b) for n, a in enumerate(lasts) for b in lasts[n + 1 :] if a.arm == b.arm]
    between = [Compared(f"{b.label} - {a.label}", found, b.arm) for a, b in pairs if (found := gain(a, b)) is not None]
    if between:
        names = {row.label: row.label for row in between}
        sentences[0] += f" After the last round, {by_sign(between, names, 'better', 'worse')}."
    return Answer(with_power(sentences, [*rows, *between]), "difference", [*rows, *between])
