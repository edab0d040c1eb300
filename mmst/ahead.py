"""Parts of a run that are computed ahead of it, wherever there is room: the base's measurement, and each arm.

A part is what the loop would compute itself, and what it leaves is the ledger's stages: the loop then finds them, in its own
order, so that no result depends on who computed what. Parts that need the same stage take turns; the second finds it done.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mmst.hardest import hardest_parts
from mmst.methods.edge import BASE_ARM, Recipe
from mmst.pipeline import Checkpoint, ExampleSet, Pipeline, ProblemSet
from mmst.rounds import RoundsPlan, experience, measured_arm, needs, run_arm


@dataclass(frozen=True, slots=True)
class Part:
    """What can be computed by itself, once the parts are done that it needs."""

    name: str
    needs: frozenset[str] = frozenset()


def parts_of(plan: RoundsPlan, recipes: Sequence[Recipe]) -> list[Part]:
    """The base, then the arms, in the order of the loop."""
    trained = [recipe for recipe in recipes if recipe.edges]
    before = [[other.name for other in trained[:place]] for place in range(len(trained))]
    arms = [
        Part(recipe.name, frozenset(needs(plan, recipe)) & frozenset(names))
        for recipe, names in zip(trained, before, strict=True)
    ]
    return [Part(BASE_ARM), *arms]


def compute_part(
    pipeline: Pipeline,
    plan: RoundsPlan,
    recipes: Sequence[Recipe],
    base: Checkpoint,
    train_set: ProblemSet,
    test_sets: Sequence[ProblemSet],
    name: str,
) -> None:
    """Compute a part into the ledger.

    Raises:
        UntrainableArmError: an arm has no examples.
    """
    trained = [recipe for recipe in recipes if recipe.edges]
    if name == BASE_ARM:
        plain = replace(plan.evaluation, policies=())
        measured_arm(pipeline, plain, BASE_ARM, 0, base, test_sets)  # while arms draw the samples that policies learn from
        lived = experience(pipeline, plan, trained, base, train_set, 1)
        measured_arm(pipeline, plan.evaluation, BASE_ARM, 0, base, test_sets, lived)
        hardest_parts(pipeline, plan.evaluation, base, test_sets)
        return
    done: dict[tuple[str, int], ExampleSet | None] = {}
    for recipe in _with_needs(plan, trained, name):
        for result in run_arm(pipeline, plan, recipe, trained, base, train_set, test_sets, done, None):
            done[(result.arm, result.round)] = result.examples


def _with_needs(plan: RoundsPlan, trained: Sequence[Recipe], name: str) -> list[Recipe]:
    """The arm of this name, behind those that it needs, and those that they do."""
    wanted = {name}
    for part in reversed(parts_of(plan, trained)):
        if part.name in wanted:
            wanted |= part.needs
    return [recipe for recipe in trained if recipe.name in wanted]
