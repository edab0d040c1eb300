"""Whether training made a model worse: by accuracy where gold is known, by the variety of its answers where it is not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mmst.answers.labels import Health, collapsed
from mmst.stages.evaluate import Outcomes, compare
from mmst.types import GradedSample

FALL = 0.1
"""The fall of accuracy below the base that is a collapse, where the paired interval excludes 0 too."""
FEWER = 0.5
"""The share of the base's different answers that is left after a collapse."""


@dataclass(frozen=True, slots=True)
class Collapse:
    """One sign that an arm's checkpoint has collapsed."""

    arm: str
    round: int
    where: str
    """A data set that is measured on, or `samples`: those of the training problems."""
    method: str
    sign: str
    """`accuracy`, `answers` (share of different ones) or `entropy` (bits of the answers of one problem)."""
    before: float
    after: float

    def __str__(self) -> str:
        """One sentence."""
        words = {"accuracy": "accuracy", "answers": "the share of different answers", "entropy": "bits of answers a problem"}
        return (
            f"arm {self.arm} collapses after round {self.round}: {words[self.sign]} by {self.method} on {self.where} "
            f"fell from {self.before:.3f} to {self.after:.3f}"
        )


def measured_collapses(
    arm: str,
    round: int,
    where: str,
    base: tuple[Mapping[str, Outcomes], Mapping[str, float]],
    latest: tuple[Mapping[str, Outcomes], Mapping[str, float]],
) -> list[Collapse]:
    """What one data set shows of a checkpoint beside the base. base, latest: outcomes and `variety`, by method."""
    found = []
    for row in compare({"base": base[0], "latest": latest[0]}, [("base", "latest")]):
        before, after = base[1].get(row.method), latest[1].get(row.method)
        if row.n and row.difference < -FALL and row.high < 0:
            shared = [p for p, x in base[0][row.method].items() if x is not None and latest[0][row.method].get(p) is not None]
            right = sum(bool(base[0][row.method][p]) for p in shared) / len(shared)
            found.append(Collapse(arm, round, where, row.method, "accuracy", right, right + row.difference))
        elif not row.n and before is not None and after is not None and after < FEWER * before:
            found.append(Collapse(arm, round, where, row.method, "answers", before, after))
    return found


def sampled_collapses(arm: str, round: int, first: Mapping[str, Health], latest: Mapping[str, Health]) -> list[Collapse]:
    """What the samples of the training problems show of a checkpoint beside those that round 1 was made of."""
    return [
        Collapse(arm, round, "samples", method, "entropy", first[method].entropy, found.entropy)
        for method, found in latest.items()
        if method in first and collapsed(first[method], found)
    ]


def variety(rows: Iterable[GradedSample]) -> float:
    """The share of different answers among one method's answers to different problems; none counts as one more answer."""
    answers = [row.answer or "" for row in rows]
    return len(set(answers)) / max(1, len(answers))
