"""Whether training made a model worse: by accuracy where gold is known, by how its answers differ and agree where it is not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mmst.answers.labels import Health
from mmst.stages.evaluate import Measurement, compare
from mmst.statistics.paired import paired_difference

FALL = 0.1
"""The fall of accuracy, or of methods' agreement, below the base's that is a collapse, where its paired interval excludes 0."""
FEWER = 0.5
"""The share of the base's different answers, of their entropy, and of samples that disagree, that is left after a collapse."""
KNOWN = 0.5
"""The share of problems with a gold answer from which on accuracy alone tells."""
SAMPLES = "samples"
WORDS = {
    "accuracy": "accuracy",
    "answers": "the share of different answers",
    "bits": "the entropy of the answers to all problems, in bits,",
    "methods": "the share of problems to which both methods give one answer",
    "entropy": "bits of answers a problem",
    "disagreement": "the share of samples that do not give their problem's commonest answer",
    "texts": "the share of different texts",
}


@dataclass(frozen=True, slots=True)
class Collapse:
    """One sign that an arm's checkpoint has collapsed."""

    arm: str
    round: int
    where: str
    """A data set that is measured on, or `samples`: those of the training problems."""
    method: str
    sign: str
    """A key of `WORDS`."""
    before: float
    after: float

    def __str__(self) -> str:
        """One sentence."""
        return (
            f"arm {self.arm} collapses after round {self.round}: {WORDS[self.sign]} by {self.method} on {self.where} "
            f"fell from {self.before:.3f} to {self.after:.3f}"
        )


def measured_collapses(arm: str, round: int, where: str, base: Measurement, latest: Measurement) -> list[Collapse]:
    """What one data set shows of a checkpoint beside the base: by accuracy, and by what needs no gold where little is known."""
    rows = {row.method: row for row in compare({"base": base.outcomes, "latest": latest.outcomes}, [("base", "latest")])}
    signs = []
    for method, row in rows.items():
        if row.difference < -FALL and row.high < 0:
            outcomes = base.outcomes[method], latest.outcomes[method]
            shared = [p for p, x in outcomes[0].items() if x is not None and outcomes[1].get(p) is not None]
            right = sum(bool(outcomes[0][p]) for p in shared) / len(shared)
            signs.append((method, "accuracy", right, right + row.difference))
    unknown = [m for m in base.spread if m not in rows or rows[m].n < KNOWN * len(base.outcomes[m])]
    for method in unknown:
        before, after = base.spread[method], latest.spread[method]
        both = (("answers", before.distinct, after.distinct), ("bits", before.entropy, after.entropy))
        signs += [(method, sign, x, y) for sign, x, y in both if y < FEWER * x]
    signs += [
        row for pair in base.agreeing if unknown for row in _disagreeing(pair, base.agreeing[pair], latest.agreeing[pair])
    ]
    signs += list(_narrower(base.health, latest.health))
    return [Collapse(arm, round, where, *sign) for sign in signs]


def sampled_collapses(arm: str, round: int, first: Mapping[str, Health], latest: Mapping[str, Health]) -> list[Collapse]:
    """What the samples of the training problems show of a checkpoint beside those that round 1 was made of."""
    return [Collapse(arm, round, SAMPLES, *sign) for sign in _narrower(first, latest)]


def _disagreeing(pair: str, before: Mapping[str, bool], after: Mapping[str, bool]) -> list[tuple[str, str, float, float]]:
    """Whether two methods give one answer to clearly fewer problems than the base's did: then one of them is worse."""
    shared = [id for id in before if id in after]
    found = paired_difference([before[id] for id in shared], [after[id] for id in shared])
    if not shared or found.difference >= -FALL or found.high >= 0:
        return []
    share = sum(before[id] for id in shared) / len(shared)
    return [(pair, "methods", share, share + found.difference)]


def _narrower(first: Mapping[str, Health], latest: Mapping[str, Health]) -> Iterable[tuple[str, str, float, float]]:
    """Samples of one problem that have become much the same, without being right more often as far as that is known."""
    for method, after in latest.items():
        before = first.get(method)
        known = before is not None and before.right is not None and after.right is not None
        if before is None or (before.right is not None and after.right is not None and after.right > before.right):
            continue
        signs = [("entropy", before.entropy, after.entropy)]
        if not known:
            signs += [("disagreement", 1 - before.agreement, 1 - after.agreement), ("texts", before.distinct, after.distinct)]
        yield from ((method, sign, x, y) for sign, x, y in signs if y < FEWER * x)
